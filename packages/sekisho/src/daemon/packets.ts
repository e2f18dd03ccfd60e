import { packetsLost, readPackets } from '../kernel/packet-watch.ts'
import type { Reactor } from '../kernel/reactor.ts'
import type { Network } from './networks.ts'

const MAX_PACKETS_AT_ONCE = 16
/** The kernel holds some 200 for each socket, and nothing sends any more when the pump stops. */
const MAX_LAST_PUMPS = 32
/** Packets one session may have recorded one by one in a second; the rest are counted. */
const MAX_PER_SECOND = 20

/** Where the packets come from; the kernel, unless a test says otherwise. */
type Source = { read(max: number): Buffer[]; lost(): number }

type Options = {
  network: Pick<Network, 'packetFd'>
  reactor: Pick<Reactor, 'watch'>
  deny: (packet: string, repeated: number) => Promise<unknown>
  warn: (line: string) => void
  source?: Source
  /** monotonic, ms */
  nowMs?: () => number
}

/**
 * Carries what no listener takes (UDP, ICMP, …) to the gate, which decodes and records it: the
 * packets themselves went nowhere, there is no route. The bytes are not looked at here.
 */
export class PacketPump {
  readonly #options: Options
  readonly #source: Source
  readonly #nowMs: () => number
  readonly #unwatch: () => void
  #skipped = 0
  #inThisSecond = 0
  #second = 0
  #pumping: Promise<number> = Promise.resolve(0)

  constructor(options: Options) {
    this.#options = options
    const { packetFd } = options.network
    this.#source = options.source ?? {
      read: (max) => readPackets(packetFd, max),
      lost: () => packetsLost(packetFd),
    }
    this.#nowMs = options.nowMs ?? (() => performance.now())
    this.#unwatch = options.reactor.watch(packetFd, async () => void (await this.#pump()))
  }

  /**
   * Carries over what is still waiting, then lets go of the descriptor.
   *
   * @returns how many packets are in no record
   */
  async stop(): Promise<number> {
    this.#unwatch()
    for (let left = MAX_LAST_PUMPS; left > 0 && (await this.#pump()) > 0; left--);
    return this.#skipped
  }

  /** One at a time: when the last has found nothing, what those before it read is recorded too. */
  #pump(): Promise<number> {
    const done = this.#pumping.then(() => this.#carry())
    this.#pumping = done.catch(() => 0)
    return done
  }

  async #carry(): Promise<number> {
    const packets = this.#source.read(MAX_PACKETS_AT_ONCE)
    this.#skipped += this.#source.lost()
    for (const packet of packets) await this.#deny(packet)
    return packets.length
  }

  async #deny(packet: Buffer): Promise<void> {
    if (!this.#mayRecord()) {
      this.#skipped += 1
      return
    }
    const repeated = this.#skipped
    this.#skipped = 0
    try {
      await this.#options.deny(packet.toString('base64'), repeated)
    } catch (error) {
      this.#skipped += repeated + 1 // counted into the next record
      this.#options.warn(`a denied packet is not recorded yet: ${String(error)}`)
    }
  }

  #mayRecord(): boolean {
    const now = Math.floor(this.#nowMs() / 1000)
    if (now !== this.#second) {
      this.#second = now
      this.#inThisSecond = 0
    }
    this.#inThisSecond += 1
    return this.#inThisSecond <= MAX_PER_SECOND
  }
}
