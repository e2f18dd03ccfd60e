import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { NetConnectAction } from '../core/action.ts'
import { deny } from '../core/verdict.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { EgressUse, GateSession } from '../wire/gate.ts'
import { Certificates } from './certificates.ts'
import { ConnectionRouter } from './connection-router.ts'
import type { Counters } from './counters.ts'
import { EgressMeter } from './egress-meter.ts'
import { HttpFront } from './http-front.ts'
import { Http2Front } from './http2-front.ts'
import type { SessionRecorder } from './session-recorder.ts'
import { NameServer } from './name-server.ts'
import { describePacket } from './packet.ts'
import { RateBound } from './rate-bound.ts'
import { RequestPath } from './request-path.ts'
import { DenialLog, type SessionContext } from './session-context.ts'
import { type GateParts, makeContext, makePerformer, type MadeContext } from './session-parts.ts'
import type { Upstreams } from './upstream.ts'

/** Denied connections and packets recorded a second; above, they are counted. */
const DENIALS_PER_SECOND = 200

/** The readers, the checkpoint and the upstreams of one session. */
export class Session {
  readonly id: string
  readonly nameServer: NameServer
  readonly #router: ConnectionRouter
  readonly #front: HttpFront
  readonly #http2: Http2Front
  readonly #upstreams: readonly Upstreams[]
  readonly #denials: DenialLog
  readonly #context: SessionContext
  readonly #control: GateParts['control']
  readonly #recorder: SessionRecorder
  readonly #meter: EgressMeter
  readonly #made: MadeContext

  constructor(config: GateSession, parts: GateParts, counters: Counters) {
    this.id = config.session
    this.#control = parts.control
    const now = (): number => parts.now()
    const made = makeContext(config, parts, counters)
    const { context, recorder } = made
    this.#made = made
    this.#context = context
    this.#recorder = recorder
    this.#meter = new EgressMeter({ limits: config.limits, used: config.egressUsed }, (breach) => {
      // the limit holds all the same; the count shows that the log lacks its breach
      recorder.breach(breach).catch(() => (counters.unavailable += 1))
    })
    made.state.countBy(() => this.#meter.used)
    this.#denials = new DenialLog(context, new RateBound(DENIALS_PER_SECOND, now))
    this.nameServer = new NameServer(context)
    const performer = makePerformer(config, parts, { ...made, meter: this.#meter })
    this.#upstreams = [performer.upstreams, made.filterUpstreams]
    this.#front = new HttpFront(context, performer)
    this.#http2 = new Http2Front(context, {
      path: new RequestPath(context, performer),
      denials: this.#denials,
    })
    const certify = (host: string, spki: Buffer): Promise<Buffer> =>
      parts.keyholder.certify(config.session, host, spki)
    this.#router = new ConnectionRouter({
      context,
      denials: this.#denials,
      nameServer: this.nameServer,
      certificates: new Certificates(parts.key, certify, now),
      front: this.#front,
      http2: this.#http2,
      tcp: performer,
      idle: parts.idle,
      destinationOf: parts.destinationOf,
    })
  }

  get connections(): number {
    return this.#router.openCount
  }

  /** digest of the bundle that it is decided by */
  get policy(): string {
    return this.#context.ports.current().digest
  }

  get egress(): EgressUse {
    return this.#meter.used
  }

  accept(socket: Socket): void {
    void this.#router.accept(socket)
  }

  /** @throws SekishoError PROTOCOL_VIOLATION, and then it is decided as before */
  decideBy(decision: SessionDecision): number {
    return this.#made.state.decideBy(decision)
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
    this.#control.forget(this.id)
    this.#router.destroyAll()
    this.#front.close()
    this.#http2.close()
    this.#context.counters.unreported = this.#denials.unreported + this.nameServer.unreported
    await Promise.all(this.#upstreams.map((each) => each.destroy()))
    const { bytes, requests } = this.#meter.used
    Object.assign(this.#context.counters, { egressBytes: bytes, egressRequests: requests })
    await nextTurn() // what has just been broken off hands its outcome over
    await this.#recorder.settled() // the session's end leaf comes after them
  }
}
