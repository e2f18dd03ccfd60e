import type { HttpRequestAction } from '../../core/action.ts'
import { type SekishoError, toSekishoError } from '../../core/error.ts'
import type { ActionOutcome, Recorder, Resolver } from '../../flow/ports.ts'
import type { GateCredential } from '../../wire/gate.ts'
import type { DestinationMeter } from '../destination-meter.ts'
import { type Fields, fieldBytes } from '../http-fields.ts'
import type { Placeholders } from '../placeholders.ts'
import type { Upstreams } from '../upstream.ts'
import { type Found, stateOf } from './resource-state.ts'
import { askUpstream, type Reply } from './upstream-ask.ts'

export type ReadParts = {
  recorder: Recorder
  resolver: Resolver
  placeholders: Placeholders
  credentials: readonly GateCredential[]
  upstreams: Pick<Upstreams, 'dispatcherFor'>
  /** of one request to this host */
  meterFor(host: string): DestinationMeter
  /** of the rules in force */
  generation(): number
  newId(): string
  outcomeLost(error: SekishoError): void
}

export type PlatformRead = {
  action: HttpRequestAction & { method: 'GET' }
  /** as it stands in the log: without what was found in its URL */
  recordAs: HttpRequestAction
  /** with placeholders where credentials go */
  fields: Fields
  /** that it is recorded as allowed by */
  rules: readonly string[]
  isHttp2: boolean
}

/**
 * A look of the platform's own at a resource: an action like any other, recorded before it leaves and
 * counted, but one whose reply no agent sees. Never rejects.
 */
export async function readAsPlatform(read: PlatformRead, parts: ReadParts): Promise<Found> {
  try {
    return await readRecorded(read, parts)
  } catch (thrown) {
    return { kind: 'unknown', why: toSekishoError(thrown).message }
  }
}

async function readRecorded(read: PlatformRead, parts: ReadParts): Promise<Found> {
  const { action, recordAs, fields, rules } = read
  const inHead = parts.placeholders.inspectHead(action, fields)
  if (inHead.kind === 'misuse') {
    return { kind: 'unknown', why: `the placeholder of ${inHead.secret} in ${inHead.where}` }
  }
  if (inHead.kind === 'deny') return { kind: 'unknown', why: inHead.reason }
  const meter = parts.meterFor(action.host)
  const bytes = headBytes(action, fields)
  const denied = meter.admit(bytes, { action, bytes })
  if (denied !== undefined) return { kind: 'unknown', why: denied.reason }
  const id = parts.newId()
  const { credentials } = inHead
  const values = await parts.recorder.intent({
    id,
    action: recordAs,
    verdict: { kind: 'allow', rules },
    credentials,
    repeated: 0,
    generation: parts.generation(),
  })
  return performRead({ ...read, id, values, meter }, parts)
}

type Recorded = PlatformRead & {
  id: string
  values: ReadonlyMap<string, string>
  meter: DestinationMeter
}

async function performRead(read: Recorded, parts: ReadParts): Promise<Found> {
  let outcome: ActionOutcome = { kind: 'failed', code: 'INTERNAL', message: 'broken off' }
  try {
    const pinned = await parts.resolver.pin(read.action.host, read.action.port)
    if (pinned.kind === 'deny') {
      outcome = { kind: 'refused', rules: pinned.rules, reason: pinned.reason }
      return { kind: 'unknown', why: pinned.reason }
    }
    const fields = parts.placeholders.attach({ ...read, body: () => null }, read.values)
    const bytesOut = headBytes(read.action, fields)
    read.meter.take(bytesOut)
    const { action, isHttp2 } = read
    const reply = await askUpstream(
      { action, fields, body: null, pinned, isHttp2 },
      parts.upstreams,
    )
    const found = stateOf(reply)
    outcome = outcomeOf({ reply, found }, { address: pinned.address, bytesOut })
    return found
  } catch (thrown) {
    const { code, message } = toSekishoError(thrown)
    outcome = { kind: 'failed', code, message }
    throw thrown
  } finally {
    parts.recorder.outcome(read.id, outcome).catch((thrown: unknown) => {
      parts.outcomeLost(toSekishoError(thrown))
    })
  }
}

function outcomeOf(
  { reply, found }: { reply: Reply; found: Found },
  sent: { address: string; bytesOut: number },
): ActionOutcome {
  if (found.kind === 'unknown') return { kind: 'failed', code: 'STATE_UNKNOWN', message: found.why }
  const status = reply.kind === 'reply' ? reply.status : null
  return { kind: 'performed', status, ...sent, bytesIn: reply.bytesIn, scrubbed: 0 }
}

export function headBytes({ method, path, query }: HttpRequestAction, fields: Fields): number {
  return method.length + path.length + (query?.length ?? 0) + 12 + fieldBytes(fields)
}
