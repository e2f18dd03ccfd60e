import type { Socket } from 'node:net'
import type { CompiledDetectors } from '../detect/egress/engine.ts'
import type { PopularNames } from '../detect/packages/popular-names.ts'
import type { CheckpointPorts } from '../flow/ports.ts'
import { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { ProvenanceState } from '../policy/provenance/provenance-state.ts'
import type { GateSession } from '../wire/gate.ts'
import type { Ecosystem } from '../wire/packages.ts'
import type { Activity } from './activity.ts'
import type { ControlLink } from './approvals/control-link.ts'
import type { HoldLine } from './approvals/hold-line.ts'
import type { GateKey } from './certificates.ts'
import type { Destination } from './connection-router.ts'
import type { Counters } from './counters.ts'
import { makeDialer } from './dialer.ts'
import { makeModelParts } from './llm/session-models.ts'
import type { EgressMeter } from './egress-meter.ts'
import type { HttpPerformer } from './http-exchange.ts'
import { countingRecorder } from './counters.ts'
import { makeDetection } from './inspection/detection.ts'
import { HeldBytes } from './inspection/held-bytes.ts'
import type { IdleConnections } from './idle-connections.ts'
import { Inspector } from './inspection/inspector.ts'
import type { KeyholderLink } from './keyholder-link.ts'
import { recorderFor, type SessionRecorder } from './session-recorder.ts'
import { PackageFirewall } from './packages/package-firewall.ts'
import { LedgerClient } from './operations/ledger-client.ts'
import type { PopularLists } from './packages/popular-lists.ts'
import { packageRegistries } from './packages/registries.ts'
import type { WithheldBytes } from './packages/withheld-bytes.ts'
import { Placeholders } from './placeholders.ts'
import type { Policies } from './policies.ts'
import { captureParts } from './recovery/session-recovery.ts'
import { type Lookup, PinningResolver } from './resolver.ts'
import type { SessionContext } from './session-context.ts'
import { SessionState } from './session-state.ts'
import { SyntheticNames } from './synthetic-names.ts'
import { Turns } from './turns.ts'
import { Upstreams } from './upstream.ts'

/** Bodies of one session that are looked at whole, together. */
const HELD_BYTES_PER_SESSION = 64 * 1024 * 1024

/** What a gate process has once and its sessions share. */
export type GateParts = {
  keyholder: KeyholderLink
  control: ControlLink
  /** where actions of all sessions wait for people */
  holds: HoldLine
  policies: Policies
  key: GateKey
  lookup: Lookup
  destinationOf: (socket: Socket) => Destination
  detectors: CompiledDetectors
  /** room for bodies that are looked at whole, of all sessions */
  heldBytes: HeldBytes
  /** which sessions have acted of late */
  activity: Activity
  /** connections of all sessions whose TLS ends here */
  idle: IdleConnections
  popular: PopularLists
  /** room for files of packages that are kept back, of all sessions */
  withheld: WithheldBytes
  newId(): string
  /** Unix ms */
  now(): number
}

export type MadeContext = {
  context: SessionContext
  state: SessionState
  recorder: SessionRecorder
  /** to the services of filters, which no request of the agent's shares a connection with */
  filterUpstreams: Upstreams
  /** tells that a pinned address could not be used */
  forget: (host: string) => void
}

/**
 * What the readers of one session share.
 *
 * @throws SekishoError PROTOCOL_VIOLATION for a generation that is not installed
 */
export function makeContext(
  config: GateSession,
  parts: GateParts,
  counters: Counters,
): MadeContext {
  const { session, upstreams, egress } = config
  const now = (): number => parts.now()
  const named = { upstreams, privateRanges: egress.privateRanges, proxy: egress.proxy }
  const resolver = new PinningResolver(named, parts.lookup, now)
  const state = new SessionState(config, { policies: parts.policies, now })
  const recorder = recorderFor(session, parts.keyholder, () => {
    counters.unavailable += 1
  })
  const ports: CheckpointPorts = {
    decide: (action, facts) => {
      parts.activity.acted(session)
      return state.decide(action, facts)
    },
    current: () => state.rules,
    labels: state.labels,
    left: () => state.left,
    live: state.live,
    ...peopleOf(config, state, parts),
    recorder,
    resolver,
    newId: () => parts.newId(),
    outcomeLost: () => {
      counters.outcomesLost += 1
    },
  }
  const context: SessionContext = {
    get policy() {
      return state.rules.point.grants
    },
    names: new SyntheticNames(),
    counters,
    now,
    ports,
  }
  const filterUpstreams = new Upstreams(makeDialer(egress.proxy))
  return { context, state, recorder, filterUpstreams, forget: (host) => resolver.forget(host) }
}

/** Whom a session's actions wait for, and where they are counted. */
function peopleOf(
  { session, decision: { agent, uid } }: GateSession,
  state: SessionState,
  { holds, control }: GateParts,
): Pick<CheckpointPorts, 'desk' | 'ledger'> {
  const desk = holds.deskOf({
    session,
    agent,
    user: () => state.rules.point.user.name,
    timeoutMs: () => state.rules.point.approvalTimeoutMs,
  })
  return { desk, ledger: new LedgerClient(control, { session, agent, uid }) }
}

/** What looks at and carries out the requests of one session. */
export function makePerformer(
  config: GateSession,
  parts: GateParts,
  own: MadeContext & { meter: EgressMeter },
): HttpPerformer {
  const { context, meter, forget, state } = own
  const { proxy, provenance, budgets } = config.egress
  const dialer = makeDialer(proxy)
  const sending = {
    ...inspectionOf(config, parts),
    meter,
    budgets: new BudgetLedger(budgets),
    upstreams: new Upstreams(dialer),
  }
  const recovering = {
    ...sending,
    ports: {
      ...context.ports,
      recorder: countingRecorder(context.ports.recorder, context.counters),
    },
    link: parts.keyholder,
  }
  return {
    ...sending,
    dialer,
    turns: new Turns(() => parts.activity.hasOthers(config.session)),
    recovery: captureParts(config, recovering),
    learnerFor: (action) => state.learnerFor(action),
    onUnreachable: forget,
    provenance: provenance === null ? null : new ProvenanceState(provenance),
    packages: firewallOf(config, parts, context),
    models: makeModelParts(config, parts, { ...own, ...sending }),
  }
}

/** undefined where no rule leads to a package registry */
function firewallOf(
  config: GateSession,
  parts: GateParts,
  context: SessionContext,
): PackageFirewall | undefined {
  const registries = packageRegistries(config.decision.policy)
  if (registries.length === 0) return undefined
  const popular = (ecosystem: Ecosystem): Promise<PopularNames> => parts.popular.get(ecosystem)
  return new PackageFirewall({
    registries,
    plan: config.egress.packages,
    popular,
    withheld: parts.withheld,
    ports: context.ports,
    now: () => context.now(),
  })
}

/** What looks at the data of one session. */
function inspectionOf(
  config: GateSession,
  parts: GateParts,
): Pick<HttpPerformer, 'placeholders' | 'inspector' | 'heldBytes'> {
  const detection = makeDetection({
    detectors: parts.detectors,
    prints: config.prints,
    harmless: config.credentials.map(({ placeholder }) => placeholder),
  })
  return {
    placeholders: new Placeholders(config.credentials),
    inspector: new Inspector(config.egress.inspection, detection),
    heldBytes: new HeldBytes(HELD_BYTES_PER_SESSION, parts.heldBytes),
  }
}
