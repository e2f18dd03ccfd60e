import { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { HttpRequestAction, ModelApi } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import { recordDenial } from '../../flow/checkpoint.ts'
import type { ActionOutcome, CheckpointPorts } from '../../flow/ports.ts'
import { fieldsFor } from '../../llm/translate/form-call.ts'
import type { GateCredential } from '../../wire/gate.ts'
import type { LlmSettings } from '../../wire/llm.ts'
import { nextPiece } from '../body-source.ts'
import { sendAgentReply, upstreamFailed } from '../denial.ts'
import type { HttpArrival } from '../http-exchange.ts'
import { endToEndFields, type Fields, fieldValue } from '../http-fields.ts'
import type { GiveBack, HeldBytes } from '../inspection/held-bytes.ts'
import type { Arrival } from '../request-path.ts'
import { AttemptSink } from './attempt-sink.ts'
import { type CallForm, formFor, readAsked } from './call-form.ts'
import { refusalReply } from './refusal-reply.ts'
import { keyFields, providerAction, readGatewayPath, type Target, targetsFor } from './targets.ts'

/** Longest request that is routed. */
const MAX_REQUEST_BYTES = 32 * 1024 * 1024
const BODY_IDLE_MS = 60_000
/** Before the same target is asked again: doubled each time, and no longer than this. */
const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 8_000

/** Written for each target anew, or of no meaning to it. */
const DROP: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'x-api-key',
  'api-key',
  'x-goog-api-key',
  'cookie',
  'content-length',
  'content-encoding',
  'accept-encoding',
])

export type GatewayParts = {
  settings: () => LlmSettings
  credentials: readonly GateCredential[]
  heldBytes: HeldBytes
  ports: CheckpointPorts
  /** takes the call of one target through the checkpoint */
  pass: (arrival: HttpArrival, alias: string) => Promise<Deny | ActionOutcome>
  /** from 0 up to 1 */
  random: () => number
  count: (outcome: ActionOutcome) => void
}

type Read = Extract<Arrival['head'], { kind: 'read' }>

/** Whom a call goes to, and what of it is said to the client. */
type Call = { arrival: Arrival; form: CallForm; api: ModelApi; name: string; isStream: boolean }

/** What is asked of the gate's own name: which model is meant, and who is asked in turn. */
export class GatewayFront {
  readonly #parts: GatewayParts

  constructor(parts: GatewayParts) {
    this.#parts = parts
  }

  /** Answers the agent in any case. @throws as passRequest, and then nothing has been answered */
  async handle(head: Read, arrival: Arrival): Promise<Deny | ActionOutcome> {
    const { ports } = this.#parts
    const verdict = ports.decide(head.action)
    // nobody is asked here about what is asked about again for each provider
    const decided = verdict.kind === 'hold' ? deny(verdict.rules[0] ?? '', verdict.reason) : verdict
    if (decided.kind === 'deny') return this.#refuse(head.action, decided, arrival)
    const at = readGatewayPath(head.action.path)
    if (at?.what === 'models') return this.#list(head.action, at.api, arrival)
    if (at === undefined || head.action.method !== 'POST') {
      const by = deny(
        'llm.no-such-path',
        `${head.action.method} ${head.action.path} at the gateway`,
      )
      return this.#refuse(head.action, by, arrival)
    }
    const giveBack = await this.#parts.heldBytes.take(MAX_REQUEST_BYTES)
    try {
      return await this.#route(head, { ...at, what: at.what }, { arrival, giveBack })
    } finally {
      giveBack()
    }
  }

  async #route(
    { action }: Read,
    at: { api: ModelApi; what: 'generate' | 'count-tokens'; model: string | null },
    { arrival, giveBack }: { arrival: Arrival; giveBack: GiveBack },
  ): Promise<Deny | ActionOutcome> {
    const body = await readWhole(arrival)
    if ('kind' in body) return this.#refuse(action, body, arrival)
    giveBack(body.length)
    const asked = readAsked(at, { body, path: action.path })
    if (asked.kind === 'malformed') {
      return this.#refuse(action, deny('llm.malformed', asked.reason), arrival)
    }
    const { model, isStream } = asked
    const found = targetsFor(model, this.#parts.settings(), this.#parts.random())
    if (found === undefined) {
      const by = deny(
        'llm.unknown-model',
        `${model.slice(0, 256)} is no alias and no provider/model`,
      )
      return this.#refuse(action, by, arrival)
    }
    const form = { api: at.api, what: at.what, body, isStream }
    const call = { arrival, form, api: at.api, name: model, isStream }
    const tries = found.targets.flatMap((target) => repeat(target, 1 + found.retries))
    return this.#tryEach(tries, call, action)
  }

  /** One after the other, as long as nothing has reached the client. */
  async #tryEach(
    tries: readonly Target[],
    call: Call,
    action: HttpRequestAction,
  ): Promise<Deny | ActionOutcome> {
    let last: Deny | ActionOutcome = deny('llm.no-target', `${call.name}: nobody to ask`)
    for (const [index, target] of tries.entries()) {
      const next = tries[index + 1]
      const formed = formFor(call.form, target)
      if (formed.kind === 'untranslatable') {
        last = deny('llm.untranslatable', formed.reason)
        continue
      }
      const { translate } = formed
      const sink = new AttemptSink(call.arrival.sink, { isLast: next === undefined, translate })
      const arrival = this.#arrivalAt(target, call, { formed: formed.body, sink })
      last = await this.#parts.pass(arrival, call.name).catch(unresolved)
      if (last.kind === 'deny') return this.#say(last, call)
      if (!sink.isSwallowed && sink.hasHead) return last
      if (next === target) await wait(Math.min(sink.retryAfterMs ?? retryMs(index), MAX_RETRY_MS))
      if (call.arrival.sink.isGone) return last
    }
    if (last.kind === 'deny') return this.#refuse(action, last, call.arrival)
    const failed = upstreamFailed(502, 'no provider could be reached')
    sendAgentReply(call.arrival.sink, failed, { close: true })
    return last
  }

  #arrivalAt(
    target: Target,
    { arrival, form: { what }, isStream }: Call,
    { formed, sink }: { formed: Buffer; sink: AttemptSink },
  ): HttpArrival {
    const action = providerAction(target, { what, stream: isStream })
    const own = endToEndFields(arrival.fields, DROP)
    const key = keyFields(target.provider, this.#parts.credentials)
    const wanted = fieldsFor(target.provider, (name) => fieldValue(own, name) !== undefined)
    const fields: Fields = [...own, ...wanted, ...key, 'content-length', String(formed.length)]
    return {
      action,
      hasBody: true,
      expectsContinue: false,
      fields,
      body: Readable.from([formed], { objectMode: false }),
      sink,
      isHttp2: false,
    }
  }

  async #refuse(action: HttpRequestAction, by: Deny, arrival: Arrival): Promise<Deny> {
    await recordDenial({ action, by }, this.#parts.ports)
    const api = readGatewayPath(action.path)?.api ?? 'chat'
    this.#answer(by, { api, arrival })
    return by
  }

  #say(by: Deny, { api, arrival }: Call): Deny {
    this.#answer(by, { api, arrival })
    return by
  }

  #answer(by: Deny, { api, arrival }: Pick<Call, 'api' | 'arrival'>): void {
    sendAgentReply(arrival.sink, refusalReply(api, by), { close: false })
  }

  /** What may be asked for by name; told by the gate itself, and on record as any answer. */
  async #list(
    action: HttpRequestAction,
    api: ModelApi,
    { sink }: Arrival,
  ): Promise<Deny | ActionOutcome> {
    const { ports } = this.#parts
    const id = ports.newId()
    const verdict = { kind: 'allow', rules: ['llm.gateway'] } as const
    await ports.recorder.intent({ id, action, verdict, credentials: [], repeated: 0 })
    const body = listOf(api, this.#parts.settings())
    sink.head(200, '', ['content-type', 'application/json', 'content-length', String(body.length)])
    sink.end(body)
    const outcome = { status: 200, address: null, bytesOut: 0, bytesIn: body.length, scrubbed: 0 }
    const done = { kind: 'performed', ...outcome } as const
    this.#parts.count(done)
    ports.recorder.outcome(id, done).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
    return done
  }
}

function listOf(api: ModelApi, { aliases }: LlmSettings): Buffer {
  const names = aliases.map(({ name }) => name)
  const listed =
    api === 'gemini'
      ? { models: names.map((name) => ({ name: `models/${name}`, displayName: name })) }
      : {
          object: 'list',
          data: names.map((id) => ({ id, object: 'model', type: 'model', owned_by: 'sekisho' })),
        }
  return Buffer.from(JSON.stringify(listed))
}

async function readWhole({ body, sink, expectsContinue }: Arrival): Promise<Buffer | Deny> {
  if (expectsContinue) sink.proceed()
  const pieces: Buffer[] = []
  let bytes = 0
  for (;;) {
    const piece = await nextPiece(body, BODY_IDLE_MS)
    if (piece === 'gone') return deny('invariant.body-incomplete', 'the body broke off')
    if (piece === 'end') return Buffer.concat(pieces)
    bytes += piece.length
    if (bytes > MAX_REQUEST_BYTES) {
      return deny('invariant.body-too-long', `a model call of more than ${MAX_REQUEST_BYTES} bytes`)
    }
    pieces.push(piece)
  }
}

/** A name without an address is one more way for a target to be away; all else is ours to tell. */
function unresolved(thrown: unknown): ActionOutcome {
  const { code, message } = toSekishoError(thrown)
  if (code === 'UPSTREAM_FAILED') return { kind: 'failed', code, message }
  throw thrown
}

function retryMs(attempt: number): number {
  return FIRST_RETRY_MS * 2 ** attempt
}

function repeat<T>(one: T, times: number): T[] {
  return Array.from({ length: times }, () => one)
}
