import type { Action, HttpRequestAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import { type Allow, type Deny, deny, type Verdict } from '../core/verdict.ts'
import type {
  ActionOutcome,
  CheckpointPorts,
  Clear,
  Exchange,
  Failed,
  Misuse,
  Performed,
} from './ports.ts'

/** Rule of every denial for a placeholder outside the place its credential is bound to. */
export const PLACEHOLDER_MISUSE = 'invariant.placeholder-misuse'

const NOTHING: Clear = { kind: 'clear', credentials: [] }

/**
 * The one path of a request that asks to leave a session: decided, recorded, resolved, performed,
 * its outcome recorded. Resolves to what happened; only a `Deny` leaves the reply to the caller.
 *
 * @throws SekishoError LOG_UNWRITABLE, PEER_UNAVAILABLE or TIMEOUT when the intent could not be
 *   made durable, and whatever resolving fails with; nothing has left then
 */
export async function passRequest(
  action: HttpRequestAction,
  exchange: Exchange,
  ports: CheckpointPorts,
): Promise<Deny | ActionOutcome> {
  const decided = settle(ports.decide(action))
  const found = decided.kind === 'allow' ? await exchange.inspect() : NOTHING
  const verdict = found.kind === 'clear' ? decided : whyDenied(action.host, found)
  const id = ports.newId()
  const credentials = found.kind === 'clear' ? found.credentials : []
  const values = await ports.recorder.intent({ id, action, verdict, credentials, repeated: 0 })
  if (verdict.kind === 'deny') return verdict
  return attempt(action, { id, exchange, values }, ports)
}

/** Records what is denied outright; resolves once that is durable. @throws as passRequest */
export async function recordDenial(
  denied: { action: Action; by: Deny; repeated?: number },
  ports: Pick<CheckpointPorts, 'recorder' | 'newId'>,
): Promise<void> {
  const { action, by, repeated = 0 } = denied
  await ports.recorder.intent({ id: ports.newId(), action, verdict: by, credentials: [], repeated })
}

/** Nobody is there yet who could be asked, so what wants an approval is denied and says so. */
function settle(verdict: Verdict): Allow | Deny {
  if (verdict.kind !== 'hold') return verdict
  const reason = `${verdict.reason}; approvals are not built yet`
  return { kind: 'deny', rules: verdict.rules, reason }
}

function whyDenied(host: string, found: Misuse | Deny): Deny {
  return found.kind === 'misuse' ? denyMisuse(host, found) : found
}

function denyMisuse(host: string, { secret, where }: Misuse): Deny {
  return deny(PLACEHOLDER_MISUSE, `the placeholder of ${secret} in ${where}, to ${host}`)
}

type Recorded = { id: string; exchange: Exchange; values: ReadonlyMap<string, string> }

async function attempt(
  action: HttpRequestAction,
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
    outcome = done.kind === 'misuse' ? await cutOff(action, done, ports) : done
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

/** The request was recorded as allowed before its body showed the misuse; that gets its own leaf. */
async function cutOff(
  { host }: HttpRequestAction,
  misuse: Misuse,
  ports: CheckpointPorts,
): Promise<Performed | Failed> {
  const { secret, where } = misuse
  await recordDenial(
    { action: { kind: 'secret.use', secret, host, where }, by: denyMisuse(host, misuse) },
    ports,
  )
  return { kind: 'failed', code: 'PLACEHOLDER_MISUSE', message: `cut: ${secret} in ${where}` }
}
