import type { Socket } from 'node:net'
import type { NetConnectAction } from '../core/action.ts'
import { toSekishoError } from '../core/error.ts'
import type { Deny } from '../core/verdict.ts'
import type { Finding, Scan } from '../detect/egress/finding.ts'
import { passRequest } from '../flow/checkpoint.ts'
import type { Cut, Exchange, Failed, Inspected, Performed, Pinned } from '../flow/ports.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { Dialer } from './dialer.ts'
import type { EgressMeter } from './egress-meter.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { Inspector } from './inspection/inspector.ts'
import type { SessionContext } from './session-context.ts'
import type { Turns } from './turns.ts'

/** Looked at once more with each piece, as if the stream ended there. */
const RECENT_BYTES = 1_024
/** A connection on which nothing moves, either way. */
const IDLE_MS = 20 * 60_000

export type TcpPerformer = {
  dialer: Dialer
  inspector: Inspector
  meter: EgressMeter
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
  readonly #findings: FindingSet
  #recent: Buffer = Buffer.alloc(0)
  #out = 0
  #in = 0

  constructor(agent: Socket, route: TcpRoute, performer: TcpPerformer) {
    this.#agent = agent
    this.#route = route
    this.#performer = performer
    this.#findings = performer.inspector.findings(route.options)
  }

  inspect(allowedBy: readonly string[]): Inspected {
    const denied = this.#performer.meter.admit(0)
    if (denied !== undefined) return denied
    if (this.#route.scheme === 'tcp') return { kind: 'clear', credentials: [] }
    const uninspected = `TLS passed through unread, by ${allowedBy.join(', ').slice(0, 512)}`
    return { kind: 'clear', credentials: [], uninspected }
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
      return thrown instanceof Stopped ? this.#cut(thrown) : failed(thrown)
    }
  }

  async #carryOut(upstream: Socket): Promise<void> {
    const isRead = this.#route.scheme === 'tcp'
    const scan = isRead ? this.#performer.inspector.scanBody(undefined) : undefined
    for await (const piece of this.#pieces(this.#agent)) {
      this.#look(scan, piece)
      if (this.#out > 0) await this.#performer.turns.next()
      this.#performer.meter.take(piece.length)
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

  /**
   * A stream does not wait for what follows, so what a scan is not certain of before more has come
   * is decided here and now: its last byte does not leave.
   */
  #look(scan: Scan | undefined, piece: Buffer): void {
    if (scan === undefined) return
    add(this.#findings, scan.push(piece))
    this.#throwIf(this.#findings)
    const { inspector } = this.#performer
    this.#recent = Buffer.concat([this.#recent, piece]).subarray(-RECENT_BYTES)
    const now = inspector.findings(this.#route.options)
    const last = inspector.scanBody(undefined)
    add(now, [...last.push(this.#recent), ...last.end()])
    this.#throwIf(now)
  }

  #throwIf(findings: FindingSet): void {
    const { stopping } = findings
    if (stopping === undefined) return
    throw new Stopped({ kind: 'deny', rules: stopping.rules, reason: stopping.reason }, findings)
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

  #cut({ by, findings: { recorded: findings } }: Stopped): Cut {
    const outcome = { kind: 'failed', code: 'DATA_STOPPED', message: `cut: ${by.reason}` } as const
    return { kind: 'cut', action: this.#route.action, by, findings, outcome }
  }
}

class Stopped extends Error {
  override readonly name = 'Stopped'
  readonly by: Deny
  readonly findings: FindingSet

  constructor(by: Deny, findings: FindingSet) {
    super(by.reason)
    this.by = by
    this.findings = findings
  }
}

function add(into: FindingSet, findings: readonly Finding[]): void {
  for (const finding of findings) {
    into.add(finding, finding.view === undefined ? 'stream' : `stream (${finding.view})`, false)
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
