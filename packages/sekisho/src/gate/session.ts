import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NetConnectAction } from '../core/action.ts'
import { deny } from '../core/verdict.ts'
import type { CompiledDetectors } from '../detect/egress/engine.ts'
import { compilePolicy } from '../policy/compile.ts'
import type { PopularNames } from '../detect/packages/popular-names.ts'
import { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { ProvenanceState } from '../policy/provenance/provenance-state.ts'
import type { EgressUse, GateSession } from '../wire/gate.ts'
import type { Ecosystem } from '../wire/packages.ts'
import { Certificates, type GateKey } from './certificates.ts'
import { ConnectionRouter, type Destination } from './connection-router.ts'
import type { Counters } from './counters.ts'
import { makeDialer } from './dialer.ts'
import { EgressMeter } from './egress-meter.ts'
import type { HttpPerformer } from './http-exchange.ts'
import { HttpFront } from './http-front.ts'
import { Http2Front } from './http2-front.ts'
import { makeDetection } from './inspection/detection.ts'
import { HeldBytes } from './inspection/held-bytes.ts'
import { Inspector } from './inspection/inspector.ts'
import { type KeyholderLink, recorderFor, type SessionRecorder } from './keyholder-link.ts'
import { NameServer } from './name-server.ts'
import { describePacket } from './packet.ts'
import { PackageFirewall } from './packages/package-firewall.ts'
import type { PopularLists } from './packages/popular-lists.ts'
import { packageRegistries } from './packages/registries.ts'
import type { WithheldBytes } from './packages/withheld-bytes.ts'
import { Placeholders } from './placeholders.ts'
import { RateBound } from './rate-bound.ts'
import { RequestPath } from './request-path.ts'
import { type Lookup, PinningResolver } from './resolver.ts'
import { DenialLog, type SessionContext } from './session-context.ts'
import { SyntheticNames } from './synthetic-names.ts'
import { Turns } from './turns.ts'
import { Upstreams } from './upstream.ts'

/** Denied connections and packets recorded a second; above, they are counted. */
const DENIALS_PER_SECOND = 200
/** Bodies of one session that are looked at whole, together. */
const HELD_BYTES_PER_SESSION = 64 * 1024 * 1024

/** What a gate process has once and its sessions share. */
export type GateParts = {
  keyholder: KeyholderLink
  key: GateKey
  lookup: Lookup
  destinationOf: (socket: Socket) => Destination
  detectors: CompiledDetectors
  /** room for bodies that are looked at whole, of all sessions */
  heldBytes: HeldBytes
  popular: PopularLists
  /** room for files of packages that are kept back, of all sessions */
  withheld: WithheldBytes
  newId(): string
  /** Unix ms */
  now(): number
}

/** The readers, the checkpoint and the upstreams of one session. */
export class Session {
  readonly nameServer: NameServer
  readonly #router: ConnectionRouter
  readonly #front: HttpFront
  readonly #http2: Http2Front
  readonly #upstreams: Upstreams
  readonly #denials: DenialLog
  readonly #context: SessionContext
  readonly #recorder: SessionRecorder
  readonly #meter: EgressMeter

  constructor(config: GateSession, parts: GateParts, counters: Counters) {
    const now = (): number => parts.now()
    const resolver = new PinningResolver(
      { upstreams: config.upstreams, privateRanges: config.egress.privateRanges },
      parts.lookup,
      now,
    )
    const policy = compilePolicy(config.policy, now)
    this.#recorder = recorderFor(config.session, parts.keyholder)
    const outcomeLost = (): void => {
      counters.outcomesLost += 1
    }
    const newId = (): string => parts.newId()
    const context: SessionContext = {
      policy,
      names: new SyntheticNames(),
      counters,
      now,
      ports: { decide: policy.decide, recorder: this.#recorder, resolver, newId, outcomeLost },
    }
    this.#context = context
    this.#meter = new EgressMeter({ limits: config.limits, used: config.egressUsed }, (breach) => {
      // the limit holds all the same; the count shows that the log lacks its breach
      this.#recorder.breach(breach).catch(() => (counters.unavailable += 1))
    })
    this.#denials = new DenialLog(context, new RateBound(DENIALS_PER_SECOND, now))
    this.nameServer = new NameServer(context)
    const dialer = makeDialer(config.egress.proxy)
    this.#upstreams = new Upstreams(dialer)
    const performer = {
      ...inspectionOf(config, parts),
      dialer,
      meter: this.#meter,
      budgets: new BudgetLedger(config.egress.budgets),
      turns: new Turns(),
    }
    const http: HttpPerformer = {
      ...performer,
      optionsOf: (action, allowedBy) => policy.optionsFor(action, allowedBy),
      upstreams: this.#upstreams,
      onUnreachable: (host) => resolver.forget(host),
      provenance:
        config.egress.provenance === null ? null : new ProvenanceState(config.egress.provenance),
      packages: firewallOf(config, parts, context),
    }
    this.#front = new HttpFront(context, http)
    this.#http2 = new Http2Front(context, {
      path: new RequestPath(context, http),
      denials: this.#denials,
    })
    this.#router = new ConnectionRouter({
      context,
      denials: this.#denials,
      nameServer: this.nameServer,
      certificates: new Certificates(
        parts.key,
        (host, spki) => parts.keyholder.certify(config.session, host, spki),
        now,
      ),
      front: this.#front,
      http2: this.#http2,
      tcp: performer,
      destinationOf: parts.destinationOf,
    })
  }

  get connections(): number {
    return this.#router.openCount
  }

  get egress(): EgressUse {
    return this.#meter.used
  }

  accept(socket: Socket): void {
    void this.#router.accept(socket)
  }

  /** @param alike how many more packets like this one there were */
  async denyPacket(packet: Buffer, alike: number): Promise<void> {
    this.#context.counters.packetsDenied += 1 + alike
    const seen = describePacket(packet)
    const host = this.#context.names.nameOf(seen.address) ?? null
    const action: NetConnectAction = { ...seen, host }
    const verdict = this.#context.ports.decide(action)
    const stopped = deny('invariant.transport', `${seen.transport} to ${seen.address}`)
    await this.#denials.record(action, verdict.kind === 'deny' ? verdict : stopped, alike)
  }

  async close(): Promise<void> {
    this.#router.destroyAll()
    this.#front.close()
    this.#http2.close()
    this.#context.counters.unreported = this.#denials.unreported + this.nameServer.unreported
    await this.#upstreams.destroy()
    const { bytes, requests } = this.#meter.used
    Object.assign(this.#context.counters, { egressBytes: bytes, egressRequests: requests })
    await nextTurn() // what has just been broken off hands its outcome over
    await this.#recorder.settled() // the session's end leaf comes after them
  }
}

/** undefined where no rule leads to a package registry */
function firewallOf(
  config: GateSession,
  parts: GateParts,
  context: SessionContext,
): PackageFirewall | undefined {
  const registries = packageRegistries(config.policy)
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
