import { toSekishoError } from '../core/error.ts'
import type { supervisorToGate } from '../wire/gate.ts'
import type { supervisorToKeyholder } from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Peer, Protocol } from '../wire/peer.ts'

type GatePeer = Peer<typeof supervisorToGate, Protocol>
type KeyholderPeer = Peer<typeof supervisorToKeyholder, Protocol>

/** A third of the minute in which a difference must be told. */
const CHECK_EVERY_MS = 20_000
/** Alerts that are told until the platform ends; the log has all. */
const MAX_ALERTS = 16

export type DriftOptions = {
  policy: {
    inForce: { bundle: { digest: string } } | undefined
    /** no generation comes into force meanwhile */
    exclusively<T>(work: () => Promise<T>): Promise<T>
    /** tells it again what is in force */
    keyholderUp(keyholder: KeyholderPeer): Promise<void>
  }
  gates: {
    live(): readonly { index: number; peer: GatePeer }[]
    kill(index: number): void
  }
  /** @throws SekishoError PEER_UNAVAILABLE while it is down */
  keyholder: () => KeyholderPeer
  record: (leaf: LeafInput) => Promise<unknown>
  warn: (line: string) => void
  now: () => Date
}

export type RunningPolicy = {
  name: string
  /** digests: of every session, and of what the next one would be decided by */
  policies: string[]
}

/**
 * Compares what each process says that it decides by with what was put in force. A gate that
 * decides by something else is ended: the next one is given the right one before its first session.
 */
export class PolicyDrift {
  readonly #options: DriftOptions
  readonly #alerts: string[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: DriftOptions) {
    this.#options = options
  }

  /** Differences that were found, oldest first. */
  get alerts(): string[] {
    return [...this.#alerts]
  }

  start(everyMs: number = CHECK_EVERY_MS): void {
    this.#timer = setInterval(() => {
      this.check().catch((error: unknown) =>
        this.#options.warn(`policies are not compared: ${String(error)}`),
      )
    }, everyMs)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Told by control, which reads the files. */
  async foundInFiles(drift: { approved: string; running: string; where: string }): Promise<void> {
    await this.#tell(drift)
  }

  async check(): Promise<void> {
    await this.#options.policy.exclusively(async () => {
      const approved = this.#options.policy.inForce?.bundle.digest
      if (approved === undefined) return
      const gates = this.#options.gates.live()
      await Promise.all(gates.map((gate) => this.#checkGate(gate, approved)))
      await this.#checkKeyholder(approved)
    })
  }

  /** What each process says of itself now; one that is down says nothing. */
  async running(): Promise<RunningPolicy[]> {
    const gates = await Promise.all(
      this.#options.gates.live().map(async ({ index, peer }) => ({
        name: gateName(index),
        policies: (await policiesOf(peer)) ?? [],
      })),
    )
    const known = (await policyOf(this.#options.keyholder)) ?? null
    return [...gates, { name: 'keyholder', policies: known === null ? [] : [known] }]
  }

  async #checkGate(
    { index, peer }: { index: number; peer: GatePeer },
    approved: string,
  ): Promise<void> {
    const policies = await policiesOf(peer)
    if (policies === undefined) return // it is being restarted, and then has the right one
    const other = policies.find((digest) => digest !== approved)
    if (other === undefined && policies.length > 0) return
    // first: whatever else happens, it decides nothing more
    this.#options.gates.kill(index)
    await this.#tell({ approved, running: other ?? null, where: gateName(index) })
  }

  async #checkKeyholder(approved: string): Promise<void> {
    const running = await policyOf(this.#options.keyholder)
    if (running === approved || running === undefined) return
    await this.#tell({ approved, running, where: 'keyholder' })
    await this.#options.policy.keyholderUp(this.#options.keyholder())
  }

  async #tell(drift: { approved: string; running: string | null; where: string }): Promise<void> {
    const { approved, running, where } = drift
    const at = this.#options.now().toISOString()
    const line = `policy-drift: ${where} had ${running ?? 'no policy'} at ${at}, not ${approved}`
    this.#alerts.push(line)
    if (this.#alerts.length > MAX_ALERTS) this.#alerts.shift()
    this.#options.warn(line)
    await this.#options.record({ type: 'policy.drift', ...drift })
  }
}

function gateName(index: number): string {
  return `gate-${index}`
}

/** undefined for a gate that is down; one that does not answer at all has nothing that it should */
async function policiesOf(gate: GatePeer): Promise<string[] | undefined> {
  try {
    return (await gate.call('status', {})).policies
  } catch (thrown) {
    const { code } = toSekishoError(thrown)
    if (code === 'PEER_UNAVAILABLE') return undefined
    if (code === 'TIMEOUT') return []
    throw thrown
  }
}

/** undefined for a keyholder that is down */
async function policyOf(keyholder: () => KeyholderPeer): Promise<string | null | undefined> {
  try {
    return (await keyholder().call('status', {})).policy
  } catch (thrown) {
    if (toSekishoError(thrown).code === 'PEER_UNAVAILABLE') return undefined
    throw thrown
  }
}
