import { createHash, sign } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { SekishoError } from '../core/error.ts'
import type { ApprovalKind } from '../core/label.ts'
import { keyDigest } from '../policy/signing-key.ts'
import {
  type ApprovalRefusal,
  type ApprovalResult,
  ApprovalStatement,
  approvalBytes,
  type HeldAction,
  heldDigest,
  type SignedApproval,
} from '../wire/approval.ts'
import type { OperatorKey } from './operator-key-file.ts'

/** What a person types to say that they have seen what they approve. */
const TYPED = 8

export type Shown = { held: HeldAction; needs: readonly ApprovalKind[]; digest: string }

/**
 * Names what was shown by every byte of it, computed here and not asked for.
 *
 * @throws SekishoError APPROVAL_REFUSED where the parts do not fit together
 */
export function seen(given: { held: HeldAction; needs: readonly ApprovalKind[] }): Shown {
  const { body } = given.held
  if (body !== null) {
    const bytes = Buffer.from(body.content, 'base64')
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    if (digest !== body.digest || bytes.length !== body.bytes) {
      throw new SekishoError('APPROVAL_REFUSED', 'the body is not the one that it is said to be', {
        hint: 'deny it, and look at what runs as the platform’s control process',
      })
    }
  }
  return { ...given, digest: heldDigest(given.held) }
}

/** As whom somebody answers. @param as `initiator`, `approver`, or left out where there is no doubt */
export function chooseKind(needs: readonly ApprovalKind[], as: unknown): ApprovalKind {
  const operators = needs.filter((kind) => kind !== 'initiator')
  if (as === 'initiator') return 'initiator'
  if (as === 'approver') return operators[0] ?? 'approver'
  if (as !== undefined) throw usage('--as is `initiator` or `approver`')
  const [first] = needs
  if (first === undefined || (operators.length > 0 && operators.length < needs.length)) {
    throw usage('it waits for the user who began the session and for an operator: say as whom')
  }
  return first
}

function usage(message: string): SekishoError {
  return new SekishoError('USAGE', message, { hint: 'add --as initiator or --as approver' })
}

export type Answering = {
  shown: Shown
  kind: ApprovalKind
  answer: 'approve' | 'deny'
  key: OperatorKey
  note: string
  now: Date
}

/** @throws SekishoError USAGE for a note that is none */
export function signAnswer({ shown, kind, answer, key, note, now }: Answering): SignedApproval {
  const { held, digest } = shown
  const parsed = ApprovalStatement.safeParse({
    hold: held.id,
    digest,
    kind,
    answer,
    session: held.session,
    policy: held.policy,
    key: keyDigest(key.publicKey),
    signedAt: now.toISOString(),
    expiresAt: held.expiresAt,
    note,
  })
  if (!parsed.success || !note.isWellFormed()) {
    throw new SekishoError('USAGE', 'the note is too long or no text', {
      hint: 'give at most 1024 characters',
    })
  }
  const statement = parsed.data
  const signature = sign(null, approvalBytes(statement), key.secret).toString('base64')
  return { statement, signature }
}

export type Confirming = {
  /** with `--digest` */
  given: unknown
  /** asks whoever sits there; null where nobody does */
  ask: ((question: string) => Promise<string>) | null
}

/**
 * Nobody approves unseen: the digest is typed, or given.
 *
 * @throws SekishoError USAGE, APPROVAL_REFUSED
 */
export async function confirm({ digest }: Shown, { given, ask }: Confirming): Promise<void> {
  if (typeof given === 'string') {
    if (given === digest) return
    throw new SekishoError('APPROVAL_REFUSED', `what waits has the digest ${digest}`, {
      hint: 'it is not what --digest names; look at it with `sekisho approvals show`',
    })
  }
  if (ask === null) {
    throw new SekishoError('USAGE', 'nobody is there to confirm it', {
      hint: 'run it at a terminal, or add --digest as `sekisho approvals show` prints it',
    })
  }
  const wanted = digest.slice('sha256:'.length).slice(0, TYPED)
  const typed = await ask(
    `to approve exactly this, type the first ${TYPED} digits of its digest\nsha256:`,
  )
  if (typed.trim().toLowerCase() === wanted) return
  throw new SekishoError('APPROVAL_REFUSED', 'that is not its digest: nothing was signed')
}

/** null where stdin is no terminal */
export function terminalQuestion(): Confirming['ask'] {
  if (process.stdin.isTTY !== true) return null
  return async (question) => {
    const input = createInterface({ input: process.stdin, output: process.stderr })
    const hungUp = once(input, 'close').then(() => '')
    try {
      return await Promise.race([input.question(question), hungUp])
    } finally {
      input.close()
    }
  }
}

const HINTS: Readonly<Record<ApprovalRefusal, string>> = {
  'unknown-hold': 'run `sekisho approvals list`; the keyholder may have been restarted',
  'unknown-key': 'an approver’s key stands in operators.yaml, an initiator’s in users.yaml',
  'bad-signature': 'run the command again',
  'other-action': 'the action that waits is not the one that was shown: look at it again',
  'other-session': 'look at it again with `sekisho approvals show`',
  'policy-changed': 'the agent has to ask again under the policy in force',
  expired: 'the agent has to ask again; look at this machine’s clock too',
  'already-answered': 'an answer counts once; run `sekisho approvals list`',
  'not-asked-for': 'answer as one of those whom it waits for: --as initiator or --as approver',
  'not-the-initiator':
    'the user who began the session signs with the key of their line in users.yaml',
  'self-approval': 'another operator has to approve it',
  'user-disabled': 'see `enabled` in users.yaml',
  'session-ended': 'nothing is left to approve',
}

/** @throws SekishoError APPROVAL_REFUSED with what to do about it */
export function describeResult(result: ApprovalResult): string {
  switch (result.kind) {
    case 'approved':
      return 'approved: it leaves once, if the policy in force still lets it'
    case 'denied':
      return 'denied: the agent is told so'
    case 'waiting':
      return `counted; still missing: ${result.needs.join(' and ')}`
    case 'refused':
      throw new SekishoError('APPROVAL_REFUSED', `${result.why}: ${result.message}`, {
        hint: HINTS[result.why],
      })
  }
}
