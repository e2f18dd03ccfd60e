import type { Socket } from 'node:net'
import type { NetConnectAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import { passRequest } from '../flow/checkpoint.ts'
import type {
  Allowed,
  Cut,
  Exchange,
  Failed,
  Inspected,
  Outgoing,
  Performed,
  Pinned,
} from '../flow/ports.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { Dialer } from './dialer.ts'
import type { BudgetLedger } from '../policy/provenance/budget-ledger.ts'
import { DestinationMeter } from './destination-meter.ts'
import type { EgressMeter } from './egress-meter.ts'
import { LateStop } from './late-stop.ts'
import type { Inspector } from './inspection/inspector.ts'
import { StreamLook, StreamStopped } from './inspection/stream-look.ts'
import type { SessionContext } from './session-context.ts'
import type { Turns } from './turns.ts'

/** A connection on which nothing moves, either way. */
const IDLE_MS = 20 * 60_000

export type TcpPerformer = {
  dialer: Dialer
  inspector: Inspector
  meter: EgressMeter
  budgets: BudgetLedger
  turns: Turns
}

export type TcpAction = NetConnectAction & { host: string; port: number }

/** One connection of a protocol that is not read: bytes are looked at as they pass, or not at all. */
export type TcpRoute = { action: TcpAction; options: RuleOptions; scheme: 'tcp' | 'tls' }

/** Carries one plain TCP or passed-through TLS connection by the one path. Never rejects. */
export async function relayTcp(
  socket: Socket,
  route: TcpRoute,
  { context, performer }: { context: SessionContext; performer: TcpPerformer },
): Promise<void> {
  socket.pause()
  socket.allowHalfOpen = true // each side may say that it is done by itself
  const { counters } = context
  try {
    const exchange = new TcpExchange(socket, route, performer)
    const result = await passRequest(route.action, exchange, context.ports)
    if (result.kind === 'deny') counters.connectionsDenied += 1
    if (result.kind !== 'performed') return void socket.resetAndDestroy()
    counters.bytesOut += result.bytesOut
    counters.bytesIn += result.bytesIn
  } catch (thrown) {
    if (toSekishoError(thrown).code !== 'UPSTREAM_FAILED') counters.unavailable += 1
    socket.resetAndDestroy()
  }
}

class TcpExchange implements Exchange {
  readonly #agent: Socket
  readonly #route: TcpRoute
  readonly #performer: TcpPerformer
  readonly #meter: DestinationMeter
  #out = 0
  #in = 0

  constructor(agent: Socket, route: TcpRoute, performer: TcpPerformer) {
    this.#agent = agent
    this.#route = route
    this.#performer = performer
    this.#meter = new DestinationMeter(route.action.host, performer.meter, performer.budgets)
  }

  inspect({ rules }: Allowed): Inspected {
    const denied = this.#meter.admit(0, null)
    if (denied !== undefined) return denied
    if (this.#route.scheme === 'tcp') return { kind: 'clear', credentials: [] }
    const uninspected = `TLS passed through unread, by ${rules.join(', ').slice(0, 512)}`
    return { kind: 'clear', credentials: [], uninspected }
  }

  outgoing(): Outgoing {
    return { fields: [], body: null }
  }

  onGone(listener: () => void): void {
    this.#agent.once('close', listener)
  }

  isOpenEnded(): boolean {
    return true
  }

  cut(by: Deny): void {
    this.#agent.destroy(new LateStop(by))
  }

  async perform(pinned: Pinned): Promise<Performed | Failed | Cut> {
    let upstream: Socket
    try {
      upstream = await this.#performer.dialer.dial({ host: this.#route.action.host, pinned })
    } catch (thrown) {
      return failed(thrown)
    }
    upstream.allowHalfOpen = true
    try {
      await Promise.all([this.#carryOut(upstream), this.#carryIn(upstream)])
      return this.#performed(pinned)
    } catch (thrown) {
      upstream.destroy()
      this.#agent.destroy()
      return this.#brokenOff(thrown)
    }
  }

  async #carryOut(upstream: Socket): Promise<void> {
    const { inspector } = this.#performer
    const isRead = this.#route.scheme === 'tcp'
    const stream = isRead ? new StreamLook(inspector, this.#route.options, 'stream') : undefined
    for await (const piece of this.#pieces(this.#agent)) {
      stream?.look(piece)
      if (this.#out > 0) await this.#performer.turns.next()
      this.#meter.take(piece.length)
      this.#out += piece.length
      await write(upstream, piece)
    }
    upstream.end()
  }

  async #carryIn(upstream: Socket): Promise<void> {
    for await (const piece of this.#pieces(upstream)) {
      this.#in += piece.length
      await write(this.#agent, piece)
    }
    this.#agent.end()
  }

  async *#pieces(from: Socket): AsyncGenerator<Buffer> {
    from.setTimeout(IDLE_MS, () => from.destroy(new Error('nothing moves')))
    for await (const piece of from.iterator({ destroyOnReturn: false })) {
      if (piece instanceof Buffer) yield piece
    }
  }

  #performed({ address }: Pinned): Performed {
    const [bytesOut, bytesIn] = [this.#out, this.#in]
    return { kind: 'performed', status: null, address, bytesOut, bytesIn, scrubbed: 0 }
  }

  #brokenOff(thrown: unknown): Failed | Cut {
    if (thrown instanceof StreamStopped) return this.#cut(thrown.by, thrown.findings.recorded)
    if (thrown instanceof LateStop && thrown.by.kind === 'deny') return this.#cut(thrown.by, [])
    return failed(thrown)
  }

  #cut(by: Deny, findings: Cut['findings']): Cut {
    const outcome = { kind: 'failed', code: 'DATA_STOPPED', message: `cut: ${by.reason}` } as const
    return { kind: 'cut', action: this.#route.action, by, findings, outcome }
  }
}

function failed(thrown: unknown): Failed {
  const { code, message } = toSekishoError(thrown)
  return { kind: 'failed', code, message: message.slice(0, 1024) }
}

function write(to: Socket, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(piece, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}
