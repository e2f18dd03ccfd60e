import type { SessionPlan } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { GateSession } from '../wire/gate.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import type { Berth } from './berths.ts'
import { type CanaryPrints, printSet } from './canaries.ts'
import type { GatePeer, Gates } from './gates.ts'

export type { GatePeer }

/** What a session has for its gate that its plan does not say. */
export type GateMatters = {
  placeholders: Readonly<Record<string, string>>
  upstreams: GateSession['upstreams']
  /** of the session's secrets */
  prints: SecretPrints[]
}

/** A gate that has died is there again in less. */
const GATE_WAIT_MS = 5_000

type Place = Pick<Berth, 'canaries'> & {
  network: Pick<Berth['network'], 'id' | 'gate' | 'egressUsed'>
}

/** A session at its gate: what the gate is told of it, and by what it decides it from then on. */
export class GateBinding {
  readonly #plan: SessionPlan
  readonly #gates: Pick<Gates, 'peer' | 'whenUp'>
  #decision: SessionDecision
  /** whether some gate has, or is about to have, what it decides this session by */
  #isBound = false
  /** the life of a gate that was told last: a session that begins as it comes up is told it once */
  #told: { gate: object; done: Promise<void> } | undefined

  constructor(plan: SessionPlan, gates: Pick<Gates, 'peer' | 'whenUp'>) {
    this.#plan = plan
    this.#gates = gates
    this.#decision = plan.decision
  }

  get decision(): SessionDecision {
    return this.#decision
  }

  /**
   * @param wiring its gate, which has its network and is still being wired; absent: is waited for
   * @throws SekishoError PEER_UNAVAILABLE when its gate is not up in time
   */
  async bind(place: Place, matters: GateMatters, wiring?: GatePeer): Promise<void> {
    const gate = wiring ?? (await this.#gates.whenUp(place.network.gate, GATE_WAIT_MS))
    if (this.#told?.gate !== gate) {
      this.#told = { gate, done: this.#tell(gate, place, matters) }
    }
    return this.#told.done
  }

  async #tell(gate: GatePeer, { network, canaries }: Place, matters: GateMatters): Promise<void> {
    // made after the wait: from here to the call no other decision can come
    const config = gateSession(this.#plan, {
      ...matters,
      decision: this.#decision,
      isResumed: this.#isBound,
      canaries,
      egressUsed: network.egressUsed,
    })
    this.#isBound = true
    await gate.call('session.bind', { network: network.id, config })
  }

  /**
   * Decided by this from the answer on; one that no gate has yet is bound by it.
   *
   * @returns how many streams the gate has closed because of it
   * @throws SekishoError PEER_UNAVAILABLE while its gate is down: the next is bound by it
   */
  async decide(
    place: Place | undefined,
    decision: SessionDecision,
    timeoutMs: number,
  ): Promise<number> {
    this.#decision = decision
    if (!this.#isBound || place === undefined) return 0
    const { id: network, gate } = place.network
    const peer = this.#gates.peer(gate)
    return (await peer.call('session.policy', { network, decision }, { timeoutMs })).closed
  }

  /** Its network is about to be closed: there is nothing to decide any more. */
  close(): void {
    this.#isBound = false
  }
}

/** All that a gate holds of one session. */
function gateSession(
  plan: SessionPlan,
  matters: GateMatters & {
    decision: SessionDecision
    isResumed: boolean
    canaries: CanaryPrints
    egressUsed: GateSession['egressUsed']
  },
): GateSession {
  const { egressBytes, egressRequests } = plan.limits
  return {
    session: plan.session,
    decision: matters.decision,
    egress: plan.egress,
    prints: printSet(matters.canaries, matters.prints),
    credentials: plan.secrets
      .filter(({ isPlatforms }) => isPlatforms !== true)
      .map(({ binding: { name, hosts, port, header, aws } }) => ({
        name,
        hosts,
        port,
        header,
        placeholder: matters.placeholders[name] ?? '',
        ...(aws === undefined ? {} : { aws }),
      })),
    platformCredentials: plan.secrets
      .filter(({ isPlatforms }) => isPlatforms === true)
      .map(({ binding }) => binding),
    upstreams: matters.upstreams,
    limits: { egressBytes, egressRequests },
    egressUsed: matters.egressUsed,
    isResumed: matters.isResumed,
  }
}
