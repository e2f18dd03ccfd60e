import type { HttpRequestAction, NetConnectAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import { type Allow, type Deny, deny, type Hold, type Verdict } from '../core/verdict.ts'
import type {
  ActionOutcome,
  CheckpointPorts,
  Clear,
  Cut,
  Exchange,
  Failed,
  Inspected,
  Intent,
  Misuse,
  Performed,
} from './ports.ts'

/** Rule of every denial for a placeholder outside the place its credential is bound to. */
export const PLACEHOLDER_MISUSE = 'invariant.placeholder-misuse'

/** An action that leads to one port of one name. */
export type LeavingAction = HttpRequestAction | (NetConnectAction & { host: string; port: number })

/**
 * The one path of a request or connection that asks to leave a session: decided, recorded, resolved, performed,
 * its outcome recorded. Resolves to what happened; only a `Deny` leaves the reply to the caller.
 *
 * @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE or TIMEOUT when the intent could not be
 *   made durable, and whatever resolving fails with; nothing has left then
 */
export async function passRequest(
  action: LeavingAction,
  exchange: Exchange,
  ports: CheckpointPorts,
): Promise<Deny | ActionOutcome> {
  try {
    return await pass(action, exchange, ports)
  } finally {
    exchange.drop?.()
  }
}

async function pass(
  action: LeavingAction,
  exchange: Exchange,
  ports: CheckpointPorts,
): Promise<Deny | ActionOutcome> {
  const decided = settle(ports.decide(action))
  if (decided.kind === 'deny') return recordRefusal(action, decided, { exchange, ports })
  const found = await exchange.inspect(decided.rules)
  const verdict = found.kind === 'clear' ? decided : whyDenied(action.host, found)
  const id = ports.newId()
  const credentials = found.kind === 'clear' ? found.credentials : []
  const values = await ports.recorder.intent({
    id,
    action: ('recordAs' in found ? found.recordAs : undefined) ?? action,
    verdict,
    credentials,
    repeated: 0,
    ...seenIn(found),
  })
  if (verdict.kind === 'deny') return verdict
  return attempt(action, { id, exchange, values }, ports)
}

/** The reason quotes the URL: it is the one of the action as it is recorded. */
async function recordRefusal(
  action: LeavingAction,
  by: Deny,
  { exchange, ports }: { exchange: Exchange; ports: CheckpointPorts },
): Promise<Deny> {
  const { recordAs = action, findings } = exchange.describe?.() ?? {}
  const again = recordAs === action ? by : settle(ports.decide(recordAs))
  const reason = again.kind === 'deny' ? again.reason : by.reason
  await recordDenial(
    { action: recordAs, by: { ...by, reason }, ...(findings === undefined ? {} : { findings }) },
    ports,
  )
  return by
}

/** What the record says of a look at the data; nothing where there is nothing to say. */
function seenIn(found: Inspected): Pick<Intent, 'findings' | 'uninspected'> {
  const findings = 'findings' in found ? (found.findings ?? []) : []
  return {
    ...(findings.length === 0 ? {} : { findings }),
    ...('uninspected' in found && found.uninspected !== undefined
      ? { uninspected: found.uninspected }
      : {}),
  }
}

/** Records what is denied outright; resolves once that is durable. @throws as passRequest */
export async function recordDenial(
  denied: Pick<Intent, 'action' | 'findings'> & { by: Deny; repeated?: number },
  ports: Pick<CheckpointPorts, 'recorder' | 'newId'>,
): Promise<void> {
  const { by, repeated = 0, ...seen } = denied
  await ports.recorder.intent({
    ...seen,
    id: ports.newId(),
    verdict: by,
    credentials: [],
    repeated,
  })
}

/** Nobody is there yet who could be asked, so what wants an approval is denied and says so. */
function settle(verdict: Verdict): Allow | Deny {
  return verdict.kind === 'hold' ? asDenial(verdict) : verdict
}

/** What a hold is while nobody can be asked. */
export function asDenial(verdict: Deny | Hold): Deny {
  if (verdict.kind === 'deny') return verdict
  const reason = `${verdict.reason}; approvals are not built yet`
  return { kind: 'deny', rules: verdict.rules, reason }
}

function whyDenied(host: string, found: Exclude<Inspected, Clear>): Deny {
  switch (found.kind) {
    case 'misuse':
      return denyMisuse(host, found)
    case 'stopped':
      return asDenial(found.verdict)
    case 'deny':
      return found
  }
}

function denyMisuse(host: string, { secret, where }: Misuse): Deny {
  return deny(PLACEHOLDER_MISUSE, `the placeholder of ${secret} in ${where}, to ${host}`)
}

type Recorded = { id: string; exchange: Exchange; values: ReadonlyMap<string, string> }

async function attempt(
  action: LeavingAction,
  recorded: Recorded,
  ports: CheckpointPorts,
): Promise<Deny | ActionOutcome> {
  let outcome: ActionOutcome = { kind: 'failed', code: 'INTERNAL', message: 'broken off' }
  try {
    const pinned = await ports.resolver.pin(action.host, action.port)
    if (pinned.kind === 'deny') {
      outcome = { kind: 'refused', rules: pinned.rules, reason: pinned.reason }
      return pinned
    }
    const done = await recorded.exchange.perform(pinned, recorded.values)
    outcome = isOutcome(done) ? done : await recordCut(action, done, ports)
    return outcome
  } catch (thrown) {
    const error = toSekishoError(thrown)
    outcome = { kind: 'failed', code: error.code, message: error.message }
    throw error
  } finally {
    // not awaited: the reply has left, and an intent without an outcome becomes a gap leaf
    ports.recorder.outcome(recorded.id, outcome).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
  }
}

function isOutcome(done: Performed | Failed | Misuse | Cut): done is Performed | Failed {
  return done.kind === 'performed' || done.kind === 'failed'
}

/** The request was recorded as allowed before a late part was stopped; that gets its own leaf. */
async function recordCut(
  { host }: LeavingAction,
  cut: Misuse | Cut,
  ports: CheckpointPorts,
): Promise<Performed | Failed> {
  if (cut.kind === 'cut') {
    const { kind: _, outcome, ...denied } = cut
    await recordDenial(denied, ports)
    return outcome
  }
  const { secret, where } = cut
  await recordDenial(
    { action: { kind: 'secret.use', secret, host, where }, by: denyMisuse(host, cut) },
    ports,
  )
  return { kind: 'failed', code: 'PLACEHOLDER_MISUSE', message: `cut: ${secret} in ${where}` }
}
