import { toSekishoError } from '../core/error.ts'
import { type Deny, deny } from '../core/verdict.ts'
import type { ActionFacts } from '../core/facts.ts'
import { NO_FACTS } from '../core/facts.ts'
import type { Authorized } from './authorize.ts'
import { authorizeAll, type Taking } from './consult.ts'
import { grantsOf, type JudgedAction, type LeavingAction } from './leaving.ts'
import type {
  ActionOutcome,
  CheckpointPorts,
  Clear,
  Cut,
  Decider,
  Exchange,
  Failed,
  Inspected,
  Intent,
  Misuse,
  Performed,
  Pinned,
} from './ports.ts'

/** Rule of what was overtaken on its way out. */
const OVERTAKEN = 'invariant.policy-changed'

/** Rule of what claims an approval that it does not have. */
const UNAPPROVED = 'invariant.unapproved'

/** Rule of every denial for a placeholder outside the place its credential is bound to. */
export const PLACEHOLDER_MISUSE = 'invariant.placeholder-misuse'

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
  const by = ports.current()
  const known = { ...NO_FACTS, label: ports.labels.label, left: ports.left?.() }
  const first = by.decide(action, known)
  if (first.kind === 'deny') return recordRefusal(action, first, { exchange, ports, by, known })
  const rules = grantsOf(first)
  const options = by.optionsFor(action, rules)
  const looking = exchange.inspect({ rules, options })
  const found = looking instanceof Promise ? await looking : looking
  const seen = { action, exchange, found }
  if (found.kind !== 'clear') {
    const authorized = { verdict: whyDenied(action.host, found), by, facts: NO_FACTS }
    return carryOut({ ...seen, id: ports.newId(), authorized }, ports)
  }
  const clear = { action, clear: found, rules, options, exchange }
  const leaving = { ...clear, id: ports.newId(), first: { verdict: first, facts: known } }
  const take = (id: string, authorized: Authorized): Taking =>
    takeAll({ id, action, exchange, authorized }, ports)
  const settled = await authorizeAll(leaving, by, { ports, take })
  try {
    return await carryOut({ ...seen, ...settled, id: settled.leaving.id }, ports)
  } catch (thrown) {
    const refused = toSekishoError(thrown)
    if (refused.code !== 'APPROVAL_REFUSED') throw thrown
    // the keyholder has recorded it; a mandate that is used up leaves people to be asked
    if (settled.authorized.facts.mandate === undefined) return deny(UNAPPROVED, refused.message)
    const again = { ...settled.leaving, id: ports.newId(), ignoresMandates: true }
    const asked = await authorizeAll(again, by, { ports, take })
    return carryOut({ ...seen, ...asked, id: asked.leaving.id }, ports)
  }
}

type Decided = {
  id: string
  action: LeavingAction
  exchange: Exchange
  found: Inspected
  authorized: Authorized
}

/** Records what was decided and, where it was allowed, does it. */
async function carryOut(decided: Decided, ports: CheckpointPorts): Promise<Deny | ActionOutcome> {
  const { id, action, exchange, found, authorized } = decided
  const { facts, verdict } = authorized
  const isClear = found.kind === 'clear' && verdict.kind === 'allow'
  const credentials = isClear ? found.credentials : []
  const intent: Intent = {
    id,
    action: ('recordAs' in found ? found.recordAs : undefined) ?? action,
    verdict,
    credentials,
    repeated: 0,
    ...seenIn(found),
    generation: authorized.by.generation,
    facts: authorized.by.describe(action, facts),
    hold: verdict.kind === 'allow' ? authorized.hold : undefined,
  }
  const values = await ports.recorder.intent(intent).catch((thrown: unknown) => {
    ports.ledger?.release(id)
    throw thrown
  })
  if (verdict.kind === 'deny') return verdict
  return attempt(action, { id, exchange, values, authorized, credentials }, ports)
}

/** All that it counts for and needs, or none of it. */
function takeAll(decided: Omit<Decided, 'found'>, ports: CheckpointPorts): Taking {
  const { id, exchange, authorized } = decided
  if (authorized.verdict.kind === 'deny') return undefined
  const reserving = reserve(id, decided, ports)
  if (exchange.prepare === undefined) return reserving
  return prepareReserved(decided, reserving, ports)
}

async function prepareReserved(
  { id, exchange }: Omit<Decided, 'found'>,
  reserving: Taking,
  ports: CheckpointPorts,
): Promise<Deny | undefined> {
  const refused = await reserving
  if (refused !== undefined) return refused
  const preparing = exchange.prepare?.(id)
  const unprepared = await preparing?.catch((thrown: unknown) => {
    ports.ledger?.release(id)
    throw thrown
  })
  if (unprepared !== undefined) ports.ledger?.release(id)
  return unprepared
}

/**
 * Takes what the action counts for from the ledger, which it does only if it is allowed.
 *
 * @returns why it may not be performed; undefined where nothing is against it. At once where the
 *   ledger need not be asked
 */
export function reserve(
  id: string,
  { action, authorized }: { action: JudgedAction; authorized: Authorized },
  { ledger }: Pick<CheckpointPorts, 'ledger'>,
): Taking {
  const { verdict, by, facts } = authorized
  if (verdict.kind === 'deny') return undefined
  const amounts = by.amountsFor(action, facts)
  if (amounts === null) return undefined
  if (ledger === undefined) return deny('invariant.ledger', 'there is no ledger to count it in')
  return ledger.reserve(id, amounts)
}

type Refusing = {
  exchange: Exchange
  ports: CheckpointPorts
  by: Decider
  known: ActionFacts
}

/** The reason quotes the URL: it is the one of the action as it is recorded. */
async function recordRefusal(
  action: LeavingAction,
  by: Deny,
  { exchange, ports, by: rules, known }: Refusing,
): Promise<Deny> {
  const { recordAs = action, findings } = exchange.describe?.() ?? {}
  const again = recordAs === action ? by : rules.decide(recordAs, known)
  const reason = again.kind === 'deny' ? again.reason : by.reason
  await recordDenial(
    {
      action: recordAs,
      by: { ...by, reason },
      generation: rules.generation,
      facts: rules.describe(action, known),
      ...(findings === undefined ? {} : { findings }),
    },
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
  denied: Pick<Intent, 'action' | 'findings' | 'generation' | 'facts' | 'parent'> & {
    by: Deny
    repeated?: number
  },
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

function whyDenied(host: string, found: Exclude<Inspected, Clear>): Deny {
  switch (found.kind) {
    case 'misuse':
      return denyMisuse(host, found)
    case 'stopped':
      return found.verdict
    case 'deny':
      return found
  }
}

function denyMisuse(host: string, { secret, where }: Misuse): Deny {
  return deny(PLACEHOLDER_MISUSE, `the placeholder of ${secret} in ${where}, to ${host}`)
}

type Recorded = {
  id: string
  exchange: Exchange
  values: ReadonlyMap<string, string>
  authorized: Authorized
  credentials: readonly string[]
}

async function attempt(
  action: LeavingAction,
  recorded: Recorded,
  ports: CheckpointPorts,
): Promise<Deny | ActionOutcome> {
  let outcome: ActionOutcome = { kind: 'failed', code: 'INTERNAL', message: 'broken off' }
  let hasBegun = false
  try {
    const pinning = ports.resolver.pin(action.host, action.port)
    const preparing = recorded.exchange.prepared?.()
    const [pinned] =
      preparing === undefined ? [await pinning] : await Promise.all([pinning, preparing])
    if (pinned.kind === 'deny') {
      outcome = { kind: 'refused', rules: pinned.rules, reason: pinned.reason }
      return pinned
    }
    const overtaken = whyNotAnyMore(action, recorded, ports)
    if (overtaken !== undefined) {
      outcome = { kind: 'refused', rules: overtaken.rules, reason: overtaken.reason }
      return overtaken
    }
    ports.labels.enter(action, recorded.credentials)
    hasBegun = true
    const done = await performLive(action, { pinned, recorded }, ports)
    outcome = isOutcome(done) ? done : await recordCut(action, done, ports)
    return outcome
  } catch (thrown) {
    const error = toSekishoError(thrown)
    outcome = { kind: 'failed', code: error.code, message: error.message }
    throw error
  } finally {
    // what has begun may have happened, whatever it looks like from here
    if (!hasBegun) ports.ledger?.release(recorded.id)
    // not awaited: the reply has left, and an intent without an outcome becomes a gap leaf
    ports.recorder.outcome(recorded.id, outcome).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
  }
}

/**
 * While it was counted, recorded and resolved, another generation may have come into force, or
 * something into the session that a stream would carry out: those who end what is under way did not
 * see it yet.
 */
function whyNotAnyMore(
  action: LeavingAction,
  { exchange, authorized, credentials }: Recorded,
  ports: CheckpointPorts,
): Deny | undefined {
  const now = ports.current()
  const isOpenEnded = exchange.isOpenEnded?.() ?? false
  const { by, facts } = authorized
  if (now.generation === by.generation && !isOpenEnded) return undefined
  const label = isOpenEnded ? ports.labels.after(action, credentials) : facts.label
  const verdict = now.decide(action, { ...facts, label })
  return verdict.kind === 'allow' ? undefined : deny(OVERTAKEN, verdict.reason)
}

async function performLive(
  action: LeavingAction,
  { pinned, recorded }: { pinned: Pinned; recorded: Recorded },
  { live }: CheckpointPorts,
): ReturnType<Exchange['perform']> {
  const { exchange, values } = recorded
  const { facts } = recorded.authorized
  const leave = live.enter({
    action,
    facts,
    isOpenEnded: exchange.isOpenEnded?.() ?? false,
    cut: (by) => exchange.cut?.(by),
  })
  try {
    return await exchange.perform(pinned, values)
  } finally {
    leave()
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
