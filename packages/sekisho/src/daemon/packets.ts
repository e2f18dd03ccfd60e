import { packetsLost, readPackets } from '../kernel/packet-watch.ts'
import type { Reactor } from '../kernel/reactor.ts'
import type { Network } from './networks.ts'

const MAX_PACKETS_AT_ONCE = 16
/** Packets one session may have recorded one by one in a second; the rest are counted. */
const MAX_PER_SECOND = 20

type Options = {
  network: Network
  reactor: Reactor
  deny: (packet: string, repeated: number) => Promise<unknown>
  warn: (line: string) => void
}

/**
 * Carries what no listener takes (UDP, ICMP, …) to the gate, which decodes and records it: the
 * packets themselves went nowhere, there is no route. The bytes are not looked at here.
 */
export class PacketPump {
  readonly #options: Options
  readonly #unwatch: () => void
  #skipped = 0
  #inThisSecond = 0
  #second = 0

  constructor(options: Options) {
    this.#options = options
    this.#unwatch = options.reactor.watch(options.network.packetFd, () => this.#pump())
  }

  /** Carries over what is still waiting, then lets go of the descriptor. */
  async stop(): Promise<void> {
    this.#unwatch()
    await this.#pump()
  }

  async #pump(): Promise<void> {
    const { packetFd } = this.#options.network
    const packets = readPackets(packetFd, MAX_PACKETS_AT_ONCE)
    this.#skipped += packetsLost(packetFd)
    for (const packet of packets) await this.#deny(packet)
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
    const now = Math.floor(performance.now() / 1000)
    if (now !== this.#second) {
      this.#second = now
      this.#inThisSecond = 0
    }
    this.#inThisSecond += 1
    return this.#inThisSecond <= MAX_PER_SECOND
  }
}
