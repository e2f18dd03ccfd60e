import type { Socket as UdpSocket } from 'node:dgram'
import type { Server, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { EgressUse, GateSession } from '../wire/gate.ts'
import { Counters } from './counters.ts'
import { serveDnsDatagrams } from './dns-sockets.ts'
import { Session } from './session.ts'
import type { GateParts } from './session-parts.ts'

/** More than wait for a listener of Node's (511), which takes one or all in a turn. */
const MAX_WAITING_TURNS = 1024
/** Of the first of them a part may have been over before it was asked for. */
const QUIET_TURNS = 2

/**
 * One session's pair of namespaces as the gate sees it: a listener for every TCP port and address,
 * and a socket for DNS. Whatever arrives before a session is bound to it is dropped.
 */
export class Network {
  readonly #parts: GateParts
  readonly #counters = new Counters()
  #tcp: Server | undefined
  #dns: UdpSocket | undefined
  #session: Session | undefined
  #isClosed = false
  /** set once its session is taken down; resolves when that is done */
  #ended: Promise<void> | undefined

  constructor(parts: GateParts) {
    this.#parts = parts
  }

  /** undefined before it is bound, and once it is revoked */
  get #serving(): Session | undefined {
    return this.#ended === undefined ? this.#session : undefined
  }

  get connections(): number {
    return this.#session?.connections ?? 0
  }

  /** digest of the bundle that its session is decided by; undefined before it has one */
  get policy(): string | undefined {
    return this.#session?.policy
  }

  listen(server: Server): void {
    this.#tcp?.close()
    this.#tcp = server
    server.on('connection', (socket: Socket) => {
      const session = this.#serving
      if (session === undefined) socket.destroy()
      else session.accept(socket)
    })
    server.on('error', () => undefined) // one accept that failed; the listener lives on
  }

  answer(socket: UdpSocket): void {
    this.#dns?.close()
    this.#dns = socket
    serveDnsDatagrams(socket, () => this.#serving?.nameServer)
  }

  /** @throws SekishoError PROTOCOL_VIOLATION when a session is bound already: a network serves one */
  bind(config: GateSession): void {
    if (this.#session !== undefined || this.#isClosed) {
      throw new SekishoError('PROTOCOL_VIOLATION', 'the network has its session already')
    }
    this.#session = new Session(config, this.#parts, this.#counters)
  }

  /** @throws SekishoError PROTOCOL_VIOLATION; a network without a session has nothing to decide */
  decideBy(decision: SessionDecision): number {
    return this.#session?.decideBy(decision) ?? 0
  }

  get egress(): EgressUse {
    return this.#session?.egress ?? { bytes: 0, requests: 0 }
  }

  async denyPacket(packet: Buffer, alike: number): Promise<void> {
    await this.#session?.denyPacket(packet, alike)
  }

  /** Ends every connection. The counters are the session's last. */
  async close(): Promise<Record<string, number>> {
    this.#isClosed = true
    await this.#takeWaiting()
    this.#tcp?.close()
    this.#dns?.close()
    this.#dns = undefined
    await this.#endSession()
    return this.#counters.toRecord()
  }

  /**
   * The kernel has shaken hands for connections that nobody has accepted yet. They are refused and
   * counted like all others, or a session that opens many as it ends would look as if some of what
   * it did were missing.
   */
  async #takeWaiting(): Promise<void> {
    let quiet = 0
    for (let turn = 0; turn < MAX_WAITING_TURNS && quiet < QUIET_TURNS; turn += 1) {
      const { connections } = this.#counters
      await nextTurn()
      quiet = this.#counters.connections === connections ? quiet + 1 : 0
    }
  }

  /** Whatever arrives from here on is dropped, and what was under way is broken off. */
  async revoke(session: string): Promise<void> {
    if (this.#session?.id === session) await this.#endSession()
  }

  #endSession(): Promise<void> {
    this.#ended ??= this.#session?.close() ?? Promise.resolve()
    return this.#ended
  }
}
