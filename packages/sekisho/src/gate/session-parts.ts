import type { Socket } from 'node:net'
import type { CompiledDetectors } from '../detect/egress/engine.ts'
import type { PopularNames } from '../detect/packages/popular-names.ts'
import type { CheckpointPorts } from '../flow/ports.ts'
import { NO_FACTS } from '../core/facts.ts'
import { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { KnownValues } from '../policy/values/known-values.ts'
import { ProvenanceState } from '../policy/provenance/provenance-state.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { GateSession } from '../wire/gate.ts'
import type { Ecosystem } from '../wire/packages.ts'
import type { ControlLink } from './approvals/control-link.ts'
import type { HoldLine } from './approvals/hold-line.ts'
import type { GateKey } from './certificates.ts'
import type { Destination } from './connection-router.ts'
import type { Counters } from './counters.ts'
import { makeDialer } from './dialer.ts'
import type { EgressMeter } from './egress-meter.ts'
import { GateActions } from './live-actions.ts'
import type { HttpPerformer } from './http-exchange.ts'
import { makeDetection } from './inspection/detection.ts'
import { HeldBytes } from './inspection/held-bytes.ts'
import type { IdleConnections } from './idle-connections.ts'
import { Inspector } from './inspection/inspector.ts'
import { type KeyholderLink, recorderFor, type SessionRecorder } from './keyholder-link.ts'
import { PackageFirewall } from './packages/package-firewall.ts'
import { LedgerClient } from './operations/ledger-client.ts'
import { teachingLabel } from './operations/value-sink.ts'
import type { PopularLists } from './packages/popular-lists.ts'
import { packageRegistries } from './packages/registries.ts'
import type { WithheldBytes } from './packages/withheld-bytes.ts'
import { Placeholders } from './placeholders.ts'
import type { Policies } from './policies.ts'
import { captureParts } from './recovery/session-recovery.ts'
import { type Lookup, PinningResolver } from './resolver.ts'
import type { SessionContext } from './session-context.ts'
import { GateLabels } from './session-labels.ts'
import { sessionRules, type SessionRules } from './session-rules.ts'
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
  /** what reads the values that a reply names; undefined where no rule asks who has named one */
  learnerFor: HttpPerformer['learnerFor']
  context: SessionContext
  recorder: SessionRecorder
  /** tells that a pinned address could not be used */
  forget: (host: string) => void
  /**
   * From now on the session is decided by other rules; ends what they do not allow any more.
   *
   * @returns how much was ended
   * @throws SekishoError PROTOCOL_VIOLATION for a generation that is not installed
   */
  decideBy(decision: SessionDecision): number
}

/** What the readers of one session share. */
export function makeContext(
  config: GateSession,
  parts: GateParts,
  counters: Counters,
): MadeContext {
  const { session } = config
  const now = (): number => parts.now()
  const { upstreams, egress } = config
  const named = { upstreams, privateRanges: egress.privateRanges, proxy: egress.proxy }
  const resolver = new PinningResolver(named, parts.lookup, now)
  const values = new KnownValues()
  values.learnTask(config.decision.task)
  const rulesOf = (decision: SessionDecision): SessionRules =>
    sessionRules(
      parts.policies.find(decision.generation),
      { session, decision, originOf: ({ kind, value }) => values.originOf(kind, value) },
      now,
    )
  let rules = rulesOf(config.decision)
  const recorder = recorderFor(session, parts.keyholder, () => {
    counters.unavailable += 1
  })
  const live = new GateActions()
  const begins = { begins: config.decision.begins, isResumed: config.isResumed }
  const labels = new GateLabels(begins, {
    labelOf: (host) => rules.point.labelOf(host),
    worse: (label) => live.recheckOpen((action, facts) => rules.decide(action, facts), label),
  })
  const ports: CheckpointPorts = {
    decide: (action, facts = { ...NO_FACTS, label: labels.label }) => rules.decide(action, facts),
    current: () => rules,
    labels,
    live,
    desk: parts.holds.deskOf({
      session,
      agent: config.decision.agent,
      user: () => rules.point.user.name,
      timeoutMs: () => rules.point.approvalTimeoutMs,
    }),
    ledger: new LedgerClient(parts.control, {
      session,
      agent: config.decision.agent,
      uid: config.decision.uid,
    }),
    recorder,
    resolver,
    newId: () => parts.newId(),
    outcomeLost: () => {
      counters.outcomesLost += 1
    },
  }
  const context: SessionContext = {
    get policy() {
      return rules.point.grants
    },
    names: new SyntheticNames(),
    counters,
    now,
    ports,
  }
  return {
    context,
    recorder,
    learnerFor: ({ method, scheme, host }) => {
      if (!rules.point.bundle.asksForOrigins) return undefined
      const what = `${method} ${scheme}://${host}`
      // asked for with the reply's head: its source is joined to the session's label by then
      return () =>
        values.read({ what, label: teachingLabel(rules.point.labelOf(host), labels.label) })
    },
    forget: (host) => resolver.forget(host),
    decideBy: (decision) => {
      rules = rulesOf(decision)
      return live.recheck(ports.decide)
    },
  }
}

/** What looks at and carries out the requests of one session. */
export function makePerformer(
  config: GateSession,
  parts: GateParts,
  own: Pick<MadeContext, 'context' | 'forget' | 'learnerFor'> & { meter: EgressMeter },
): HttpPerformer {
  const { context, meter, forget, learnerFor } = own
  const { proxy, provenance, budgets } = config.egress
  const dialer = makeDialer(proxy)
  const sending = {
    ...inspectionOf(config, parts),
    meter,
    budgets: new BudgetLedger(budgets),
    upstreams: new Upstreams(dialer),
  }
  const recovering = { ...sending, ports: context.ports, link: parts.keyholder }
  return {
    ...sending,
    dialer,
    turns: new Turns(),
    recovery: captureParts(config, recovering),
    learnerFor,
    onUnreachable: forget,
    provenance: provenance === null ? null : new ProvenanceState(provenance),
    packages: firewallOf(config, parts, context),
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
