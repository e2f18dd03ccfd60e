import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { duplicateDescriptor } from '../kernel/duplicate.ts'
import { createNetwork, type SessionNetwork } from '../kernel/network.ts'
import {
  countedSince,
  type NetworkCounters,
  readNetworkCounters,
} from '../kernel/network-counters.ts'
import type { EgressUse } from '../wire/gate.ts'
import type { Gates } from './gates.ts'

export type Network = SessionNetwork & {
  id: number
  gate: number
  /** how often its gate died while a session used it: what each had counted is lost */
  gateRestarts: number
  /** as last asked for: what a gate that dies has let out counts against the next one's limits */
  egressUsed: EgressUse
  /** what the kernel had counted in it when its session began */
  before: Promise<NetworkCounters> | undefined
}

/** Session networks: made, handed to a gate, and taken down. */
export class Networks {
  readonly #gates: Pick<Gates, 'pick' | 'peer'>
  readonly #live = new Map<number, Network>()
  readonly #warn: (line: string) => void
  readonly #create: () => SessionNetwork | Promise<SessionNetwork>
  readonly #count: (namespaceFd: number) => NetworkCounters | Promise<NetworkCounters>
  #next = 1

  /** @param options.create, options.count absent: as the host's root does it */
  constructor(options: {
    gates: Pick<Gates, 'pick' | 'peer'>
    create?: () => SessionNetwork | Promise<SessionNetwork>
    count?: (namespaceFd: number) => NetworkCounters | Promise<NetworkCounters>
    warn: (line: string) => void
  }) {
    this.#gates = options.gates
    this.#create = options.create ?? createNetwork
    this.#count = options.count ?? readNetworkCounters
    this.#warn = options.warn
  }

  async make(): Promise<Network> {
    const id = this.#next++
    const network: Network = {
      ...(await this.#create()),
      id,
      gate: this.#gates.pick(),
      gateRestarts: 0,
      egressUsed: { bytes: 0, requests: 0 },
      before: undefined,
    }
    this.#live.set(id, network)
    try {
      await hand(network, this.#gates.peer(network.gate))
      return network
    } catch (error) {
      this.#live.delete(id)
      await network.close()
      throw error
    }
  }

  /** From here on what the kernel counts in it is its session's: nothing of that runs yet. */
  begin(network: Network): void {
    const before = (async () => this.#count(network.gateNsFd))()
    before.catch(() => undefined) // told when it is asked for
    network.before = before
  }

  /** Destroys the namespaces; whatever still ran in them has no network any more. */
  async close(network: Network): Promise<Record<string, number>> {
    this.#live.delete(network.id)
    const restarted = network.gateRestarts > 0 ? { 'gate.restarted': network.gateRestarts } : {}
    const counted = await this.#counted(network)
    try {
      const peer = this.#gates.peer(network.gate)
      const { counters } = await peer.call('network.close', { network: network.id })
      return { ...counters, ...counted, ...restarted }
    } catch (error) {
      // a gate that died has dropped its connections; its counters died with it
      this.#warn(`network ${network.id}: ${String(error)}`)
      return { ...counted, ...restarted, 'gate.lost': 1 }
    } finally {
      // its packet socket takes the kernel 10 ms, which nobody needs to wait for
      network.close().catch((error: unknown) => this.#warn(String(error)))
    }
  }

  /** The kernel's own word on what the agent did, which no process of the platform can lose. */
  async #counted({ gateNsFd, before }: Network): Promise<Record<string, number>> {
    if (before === undefined) return {}
    try {
      const { tcpAccepted, udpRead } = countedSince(await this.#count(gateNsFd), await before)
      return { 'kernel.tcpAccepted': tcpAccepted, 'kernel.udpRead': udpRead }
    } catch (error) {
      this.#warn(`the kernel’s counters are not known: ${String(error)}`)
      return { 'kernel.uncounted': 1 }
    }
  }

  /** Hands every network of a gate to its new process. */
  async handAgain(gate: number, peer: ReturnType<Gates['peer']>): Promise<void> {
    for (const network of this.#live.values()) {
      if (network.gate === gate) await hand(network, peer)
    }
  }

  async closeAll(): Promise<void> {
    await Promise.allSettled([...this.#live.values()].map((network) => network.close()))
    this.#live.clear()
  }
}

/** The supervisor keeps its own descriptors, so that a restarted gate can be given them again. */
async function hand(network: Network, peer: ReturnType<Gates['peer']>): Promise<void> {
  const server = net.createServer().listen({ fd: duplicateDescriptor(network.tcpFd) })
  await once(server, 'listening')
  const dns = dgram.createSocket('udp4')
  dns.bind({ fd: duplicateDescriptor(network.dnsFd) }) // listens at once: there is no name to look up
  try {
    await Promise.all([
      peer.call('network.tcp', { network: network.id }, { handle: server }),
      peer.call('network.dns', { network: network.id }, { handle: dns }),
    ])
  } finally {
    server.close()
    dns.close()
  }
}
