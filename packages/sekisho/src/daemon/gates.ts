import type { Peer } from '../wire/peer.ts'
import { supervisorToGate } from '../wire/gate.ts'
import { Child } from './child.ts'
import { GATE_HEAP } from './heaps.ts'
import { UIDS } from './identities.ts'

type GatePeer = Peer<typeof supervisorToGate, Record<never, never>>

/** The data-plane processes. Sessions are spread over them in turn. */
export class Gates {
  readonly #children: Child<typeof supervisorToGate, Record<never, never>>[]
  #turn = 0

  constructor(options: {
    count: number
    dnsServers: readonly string[]
    /** wires a fresh gate: keyholder channel, networks, sessions */
    onUp: (index: number, peer: GatePeer) => Promise<void>
    report: (line: string) => void
  }) {
    this.#children = Array.from(
      { length: options.count },
      (_, index) =>
        new Child(
          {
            name: options.count === 1 ? 'gate' : `gate-${index}`,
            entry: 'gate-main.ts',
            uid: UIDS.gate,
            permissions: [
              '--allow-net',
              '--allow-fs-read=/etc/ssl',
              '--allow-fs-read=/usr/share/ca-certificates',
              '--allow-fs-read=/etc/resolv.conf',
              '--allow-fs-read=/etc/hosts',
            ],
            argv: options.dnsServers,
            heap: GATE_HEAP,
            environment: {},
            network: 'host',
            out: supervisorToGate,
            in: {},
            handlers: {},
          },
          { onUp: (peer) => options.onUp(index, peer), report: options.report },
        ),
    )
  }

  async start(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.start()))
  }

  pick(): number {
    this.#turn = (this.#turn + 1) % this.#children.length
    return this.#turn
  }

  /** @throws SekishoError PEER_UNAVAILABLE */
  peer(index: number): GatePeer {
    const child = this.#children[index]
    if (child === undefined) throw new RangeError(`no gate ${index}`)
    return child.peer
  }

  /** @throws SekishoError PEER_UNAVAILABLE when it is not up in time */
  async whenUp(index: number, timeoutMs: number): Promise<GatePeer> {
    const child = this.#children[index]
    if (child === undefined) throw new RangeError(`no gate ${index}`)
    return child.whenUp(timeoutMs)
  }

  /** Those that are up; another is wired when it comes up. */
  live(): { index: number; peer: GatePeer }[] {
    return this.#children.flatMap((child, index) =>
      child.isUp ? [{ index, peer: child.peer }] : [],
    )
  }

  peers(): GatePeer[] {
    return this.live().map(({ peer }) => peer)
  }

  /** Ends the process; it is started again and wired anew. */
  kill(index: number): void {
    this.#children[index]?.kill()
  }

  pids(): Record<string, number> {
    return Object.fromEntries(this.#children.map((child, i) => [`gate-${i}`, child.pid ?? 0]))
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop(graceMs)))
  }
}

export type { GatePeer }
