import { SESSION_END } from '@sekisho/verify'
import * as z from 'zod'
import { valueAt } from '../alert-match.ts'
import { type Fields, numberAt, textAt, textsAt } from '../fields.ts'
import type { ExportRecord, LeafRecord } from '../record.ts'
import { ofModelCall, ofModelIntent, ofToolCall, operationOf } from './model-attributes.ts'
import { KeptTurn, type Place, type Turn, turnId, Turns } from './turns.ts'
import { attributes, type KeyValue, spanId, traceId, unixNano } from './values.ts'

export type Span = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: KeyValue[]
  status: { code: number; message?: string }
}

/** SpanKind INTERNAL and CLIENT; StatusCode OK and ERROR. */
const KIND = { internal: 1, client: 3 }
const STATUS = { ok: 1, error: 2 }

/** What has begun; the oldest is forgotten above this, and its end then has no beginning. */
const MAX_OPEN = 1024
const MAX_HOLDS = 256

const Plain = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])
const Begun = z.strictObject({
  at: z.string(),
  name: z.string(),
  of: z.record(z.string(), Plain),
  /** id of the action or turn that it lies below; left out: the session */
  below: z.string().optional(),
})
type Begun = z.infer<typeof Begun>
const Kept = z.strictObject({
  open: z.array(z.tuple([z.string(), Begun])),
  approvers: z.array(z.tuple([z.string(), z.array(z.string())])),
  turns: z.array(KeptTurn).default([]),
})

/**
 * Puts intents and outcomes together to spans. A value: what a batch makes of it counts only once
 * that batch was acknowledged, so that a repetition makes the same spans again.
 */
export class OpenSpans {
  readonly #open: Map<string, Begun>
  readonly #approvers: Map<string, string[]>
  readonly #turns: Turns
  readonly #origin: string

  private constructor(origin: string, { open, approvers, turns }: z.infer<typeof Kept>) {
    this.#origin = origin
    this.#open = new Map(open)
    this.#approvers = new Map(approvers)
    this.#turns = new Turns(turns)
  }

  /** @param kept of {@link state}; anything else begins anew */
  static from(origin: string, kept: unknown): OpenSpans {
    const parsed = Kept.safeParse(kept)
    const none = { open: [], approvers: [], turns: [] }
    return new OpenSpans(origin, parsed.success ? parsed.data : none)
  }

  copy(): OpenSpans {
    return new OpenSpans(this.#origin, this.state())
  }

  state(): z.infer<typeof Kept> {
    const [open, approvers] = [[...this.#open], [...this.#approvers]]
    return { open, approvers, turns: this.#turns.list() }
  }

  /** The spans that end with these records. */
  take(records: readonly ExportRecord[]): Span[] {
    return records.flatMap((record) => (record.kind === 'leaf' ? this.#takeLeaf(record) : []))
  }

  #takeLeaf({ type, leaf, at }: LeafRecord): Span[] {
    if (type === 'approval.answer') this.#approve(leaf)
    const session = textAt(leaf, 'session')
    if (session === undefined) return []
    const id = idOf(type, leaf)
    if (type === 'action.intent') return this.#intend({ session, id, at }, leaf)
    if (type === 'llm.call') return this.#tellCall({ session, id, at }, leaf)
    const begun = beginningOf(type, leaf)
    if (begun !== undefined) this.#begin({ session, id, at }, begun)
    const hasFailed = Object.hasOwn(ENDS, type) ? ENDS[type]?.(leaf) : undefined
    return hasFailed === undefined ? [] : this.#close({ session, id, at }, leaf, hasFailed)
  }

  /** What is denied, and what was only seen, ends as it begins. */
  #intend(place: Place, leaf: Fields): Span[] {
    const { session, id } = place
    const kind = textAt(leaf, 'action.kind') ?? 'action'
    const isModelCall = kind === 'llm.generate'
    const begun = isModelCall ? this.#turns.begin(place, leaf) : undefined
    const below = begun === undefined ? this.#belowOf(place, kind, leaf) : turnId(begun.turn)
    this.#begin(place, {
      name: nameOf(kind, leaf),
      of: this.#ofIntent(leaf, kind),
      ...(below === undefined ? {} : { below }),
    })
    const ended = (begun?.ended ?? []).map((turn) => this.#turnSpan(turn))
    if (valueAt(leaf, 'verdict.kind') === 'allow') return ended
    if (isModelCall) this.#turns.tell(session, id, leaf) // nothing comes of it to go on with
    return [...ended, ...this.#close(place, leaf, true)]
  }

  #belowOf({ session }: Place, kind: string, leaf: Fields): string | undefined {
    return kind === 'llm.tool-call' ? this.#turns.proposerOf(session, leaf) : undefined
  }

  #tellCall({ session, id }: Place, leaf: Fields): Span[] {
    this.#turns.tell(session, id, leaf)
    const key = `${session}/${id}`
    const begun = this.#open.get(key)
    if (begun !== undefined) {
      this.#open.set(key, { ...begun, of: { ...begun.of, ...present(ofModelCall(leaf)) } })
    }
    return []
  }

  #begin({ session, id, at }: Place, begun: Omit<Begun, 'at'>): void {
    this.#open.set(`${session}/${id}`, { at, ...begun })
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? '')
  }

  /** With what ends, the turns that are over with it. */
  #close(place: Place, leaf: Fields, failed: boolean): Span[] {
    const { session, id, at } = place
    const turns = id === '' ? this.#turns.endSession(session) : this.#turns.finish(session, id, at)
    const spans = turns.map((turn) => this.#turnSpan(turn))
    return [...spans, this.#end(place, leaf, failed)]
  }

  #end({ session, id, at }: Place, leaf: Fields, failed: boolean): Span {
    const key = `${session}/${id}`
    const begun = this.#open.get(key) ?? {
      at,
      name: 'execute_tool',
      of: { 'sekisho.begun': false },
    }
    this.#open.delete(key)
    return {
      ...this.#ids(session, id, begun.below),
      name: begun.name,
      kind: id === '' ? KIND.internal : KIND.client,
      startTimeUnixNano: unixNano(begun.at),
      endTimeUnixNano: unixNano(at),
      attributes: attributes({
        ...begun.of,
        ...this.#ofSession(session),
        'sekisho.action.id': id === '' ? undefined : id,
        ...ofOutcome(leaf),
      }),
      status: failed ? { code: STATUS.error, message: reasonOf(leaf) } : { code: STATUS.ok },
    }
  }

  #turnSpan(turn: Turn): Span {
    return {
      ...this.#ids(turn.session, turnId(turn)),
      name: `turn ${turn.model}`,
      kind: KIND.internal,
      startTimeUnixNano: unixNano(turn.at),
      endTimeUnixNano: unixNano(turn.lastAt),
      attributes: attributes({
        ...this.#ofSession(turn.session),
        'sekisho.turn.model_calls': turn.calls,
      }),
      status: { code: STATUS.ok },
    }
  }

  #ids(session: string, id: string, below = ''): Pick<Span, 'traceId' | 'spanId' | 'parentSpanId'> {
    return {
      traceId: traceId(this.#origin, session),
      spanId: spanId(this.#origin, session, id),
      ...(id === '' ? {} : { parentSpanId: spanId(this.#origin, session, below) }),
    }
  }

  #ofSession(session: string): Readonly<Record<string, string>> {
    const agent = this.#open.get(`${session}/`)?.of['gen_ai.agent.name']
    return {
      ...(typeof agent === 'string' ? { 'gen_ai.agent.name': agent } : {}),
      'gen_ai.conversation.id': session,
      'session.id': session,
    }
  }

  #approve(leaf: Fields): void {
    const hold = textAt(leaf, 'signed.statement.hold')
    const signer = textAt(leaf, 'signer')
    const counts = ['approved', 'waiting'].includes(textAt(leaf, 'result') ?? '')
    if (hold === undefined || signer === undefined || !counts) return
    this.#approvers.set(hold, [...(this.#approvers.get(hold) ?? []), signer])
    if (this.#approvers.size > MAX_HOLDS) {
      this.#approvers.delete(this.#approvers.keys().next().value ?? '')
    }
  }

  #ofIntent(leaf: Fields, kind: string): Begun['of'] {
    const approvers = this.#approvers.get(textAt(leaf, 'hold.id') ?? '')
    return present({
      ...ofKind(kind, leaf),
      'sekisho.action.kind': kind,
      'sekisho.verdict': textAt(leaf, 'verdict.kind'),
      'sekisho.rules': textsAt(leaf, 'verdict.rules'),
      'sekisho.approvers': approvers,
      'sekisho.user': textAt(leaf, 'facts.user'),
      'http.request.method': textAt(leaf, 'action.method'),
      'url.scheme': textAt(leaf, 'action.scheme'),
      'url.path': textAt(leaf, 'action.path'),
      'server.address': textAt(leaf, 'action.host') ?? textAt(leaf, 'action.name'),
      'server.port': numberAt(leaf, 'action.port'),
    })
  }
}

/** Leaves that end a span, and whether it then has failed. */
const ENDS: Readonly<Record<string, (leaf: Fields) => boolean>> = {
  'session.end': (leaf) => textAt(leaf, 'reason') !== 'exit',
  'action.outcome': (leaf) => valueAt(leaf, 'outcome.kind') !== 'performed',
  'process.exec': (leaf) => valueAt(leaf, 'verdict.kind') === 'deny',
  gap: () => true,
}

/** Of what a leaf begins or ends; empty for the session itself. */
function idOf(type: string, leaf: Fields): string {
  const id = textAt(leaf, 'id') ?? ''
  return type.startsWith('session.') || id === SESSION_END ? '' : id
}

function beginningOf(type: string, leaf: Fields): Omit<Begun, 'at'> | undefined {
  if (type === 'process.exec') return { name: 'execute_tool process.exec', of: ofExec(leaf) }
  if (type !== 'session.start') return undefined
  return { name: `invoke_agent ${textAt(leaf, 'agent') ?? ''}`, of: ofSession(leaf) }
}

function reasonOf(leaf: Fields): string {
  const fields = ['verdict.reason', 'outcome.reason', 'outcome.message', 'reason']
  return fields.map((field) => textAt(leaf, field)).find((text) => text !== undefined) ?? ''
}

function ofSession(leaf: Fields): Begun['of'] {
  return present({
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.agent.name': textAt(leaf, 'agent'),
    'sekisho.configuration': textAt(leaf, 'configuration'),
    'sekisho.isolation': textAt(leaf, 'isolation'),
  })
}

function ofExec(leaf: Fields): Begun['of'] {
  return present({
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'process.exec',
    'sekisho.action.kind': 'process.exec',
    'sekisho.verdict': textAt(leaf, 'verdict.kind'),
    'sekisho.rules': textsAt(leaf, 'verdict.rules'),
    'process.executable.path': textAt(leaf, 'path'),
    'process.pid': numberAt(leaf, 'pid'),
  })
}

function ofOutcome(leaf: Fields): Readonly<Record<string, string | number | undefined>> {
  return {
    'http.response.status_code': numberAt(leaf, 'outcome.status'),
    'network.peer.address': textAt(leaf, 'outcome.address'),
    'error.type': textAt(leaf, 'outcome.code'),
    'process.exit.code': numberAt(leaf, 'exitCode'),
    'sekisho.outcome': textAt(leaf, 'outcome.kind') ?? textAt(leaf, 'reason'),
  }
}

function nameOf(kind: string, leaf: Fields): string {
  if (kind === 'llm.generate') return `${operationOf(leaf)} ${textAt(leaf, 'action.model') ?? ''}`
  if (kind === 'llm.tool-call') return `execute_tool ${textAt(leaf, 'action.tool') ?? ''}`
  return `execute_tool ${kind}`
}

function ofKind(kind: string, leaf: Fields): Maybe {
  if (kind === 'llm.generate') return ofModelIntent(leaf)
  if (kind === 'llm.tool-call') return ofToolCall(leaf)
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': textAt(leaf, 'facts.operation') ?? kind,
  }
}

type Maybe = Readonly<Record<string, string | number | boolean | string[] | undefined>>

function present(members: Maybe): Begun['of'] {
  const of: Begun['of'] = {}
  for (const [key, value] of Object.entries(members)) if (value !== undefined) of[key] = value
  return of
}
