import type { Question } from '../../flow/approvals-port.ts'
import { misleadingIn } from '../../policy/approval-text/texts.ts'
import { HeldAction, heldDigest, MAX_HELD_BODY_BYTES } from '../../wire/approval.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { createHash } from 'node:crypto'
import type { core } from 'zod'

export type HeldLeaf = Extract<LeafInput, { type: 'action.held' }>

/** Of label sources and of arguments, in the leaf; all of them are in what its digest names. */
const MAX_IN_LEAF = 16
const MAX_SOURCES = 64
const MAX_VALUE_IN_LEAF = 256
const MAX_LINE = 4096
/** Of all that is asked about: it travels in one frame, which holds 4 MiB. */
const MAX_TEXT_BYTES = 3 * 1024 * 1024

/** Whose action it is, and until when it waits. */
export type Asking = {
  id: string
  session: string
  agent: string
  user: string
  /** Unix ms */
  openedAtMs: number
  timeoutMs: number
}

/** All that is asked about, with its digest; or why it cannot be shown to anybody as it is. */
export type Shown = {
  kind: 'shown'
  held: HeldAction
  digest: string
  leaf: HeldLeaf
  /** bytes of its JSON text */
  bytes: number
}
export type Unshown = { kind: 'unshown'; reason: string }

/** Nobody approves what they could not see whole: what does not fit is not asked. */
export function showWhole(question: Question, asking: Asking): Shown | Unshown {
  const { body } = question
  if (body !== null && body.byteLength > MAX_HELD_BODY_BYTES) {
    const reason = `its body has ${body.byteLength} bytes; at most ${MAX_HELD_BODY_BYTES} can be shown to be approved`
    return { kind: 'unshown', reason }
  }
  const parsed = HeldAction.safeParse(heldParts(question, asking))
  if (!parsed.success) return unshown(parsed.error.issues.map(describeIssue).join('; '))
  const held = parsed.data
  const misleading = misleadingIn(held)
  if (misleading !== undefined) return unshown(misleading)
  const bytes = Buffer.byteLength(JSON.stringify(held))
  if (bytes > MAX_TEXT_BYTES) return unshown(`it has ${bytes} bytes of text`)
  try {
    const digest = heldDigest(held)
    return { kind: 'shown', held, digest, bytes, leaf: leafOf(held, digest, question.recordAs) }
  } catch (error) {
    return unshown(error) // half a character: it has no bytes to sign
  }
}

function unshown(why: unknown): Unshown {
  const [line = ''] = (why instanceof Error ? why.message : String(why)).split('\n')
  return { kind: 'unshown', reason: `it cannot be shown as it is to be approved: ${line}` }
}

function describeIssue({ path, message }: core.$ZodIssue): string {
  return `${path.join('.')}: ${message}`
}

function heldParts(question: Question, asking: Asking): Record<keyof HeldAction, unknown> {
  const { id, session, agent, user, openedAtMs, timeoutMs } = asking
  const { recordAs: _, body, sources, operation, ...rest } = question
  return {
    ...rest,
    id,
    session,
    agent,
    user,
    body: body === null ? null : bodyParts(body),
    // a call says more of itself than people are asked about
    operation: operation === null ? null : { id: operation.id, arguments: operation.arguments },
    sources: boundSources(sources),
    openedAt: new Date(openedAtMs).toISOString(),
    expiresAt: new Date(openedAtMs + timeoutMs).toISOString(),
  }
}

function bodyParts(body: Uint8Array): HeldAction['body'] {
  return {
    bytes: body.byteLength,
    digest: `sha256:${createHash('sha256').update(body).digest('hex')}`,
    content: Buffer.from(body).toString('base64'),
  }
}

/** The label itself is joined over all of them; what is left out says so. */
function boundSources(sources: Question['sources']): Question['sources'] {
  if (sources.length <= MAX_SOURCES) return sources
  const shown = sources.slice(0, MAX_SOURCES - 1)
  const label = { integrity: 'untrusted', confidentiality: 'secret' } as const
  return [...shown, { what: `and ${sources.length - shown.length} more`, label }]
}

function leafOf(held: HeldAction, digest: string, recordAs: Question['recordAs']): HeldLeaf {
  const { id, session, needs, rules, label, generation, policy, expiresAt } = held
  const { success, data = held.action } = HeldAction.shape.action.safeParse(recordAs)
  return {
    type: 'action.held',
    session,
    id,
    action: success ? data : held.action,
    digest,
    ...(held.operation === null ? {} : { operation: held.operation.id }),
    needs,
    rules,
    reason: cut(held.reason, MAX_LINE),
    label,
    sources: held.sources.slice(0, MAX_IN_LEAF),
    unconfirmed: held.unconfirmed
      .slice(0, MAX_IN_LEAF)
      .map((argument) => ({ ...argument, value: cut(argument.value, MAX_VALUE_IN_LEAF) })),
    generation,
    policy,
    expiresAt,
  }
}

function cut(text: string, max: number): string {
  // half a character at the cut would have no canonical form
  return text.length <= max ? text : text.slice(0, max).toWellFormed()
}
