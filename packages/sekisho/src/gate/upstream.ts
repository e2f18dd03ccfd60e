import type net from 'node:net'
import { type buildConnector, type Dispatcher, Pool } from 'undici'
import type { Pinned } from '../flow/ports.ts'
import type { Dialer } from './dialer.ts'
import type { Route } from './http-head.ts'
import { TlsDoor } from './upstream-door.ts'
import { Http2Origin } from './upstream-http2.ts'
import { Http2Dispatcher } from './upstream-http2-call.ts'

/** Of one session: each is one (scheme, host, port, address). */
const MAX_WAYS = 64
const MAX_CONNECTIONS_PER_POOL = 64
/** a model may think for minutes before the first byte, and between two */
const HEADERS_TIMEOUT_MS = 15 * 60_000
const BODY_IDLE_TIMEOUT_MS = 15 * 60_000
const KEEP_ALIVE_MS = 15_000
const MAX_HEADER_BYTES = 64 * 1024

type Connector = buildConnector.connector

/** What leads to one (scheme, host, port, address). */
type Way = { pool: Pool; http2: Http2Origin | undefined }

/** Connections to the outside of one session, kept alive; never shared with another session. */
export class Upstreams {
  readonly #dialer: Dialer
  readonly #ways = new Map<string, Way>()
  /** the last that was asked for: mostly it is the next too */
  #last: { key: string; way: Way } | undefined

  constructor(dialer: Dialer) {
    this.#dialer = dialer
  }

  /**
   * A dispatcher whose every connection goes to the pinned address and nowhere else.
   *
   * @param isHttp2 asks by HTTP/2 where the upstream speaks it
   */
  dispatcherFor(route: Route, pinned: Pinned, isHttp2: boolean): Pick<Dispatcher, 'dispatch'> {
    const { pool, http2 } = this.#wayTo(route, pinned)
    return isHttp2 && http2 !== undefined ? new Http2Dispatcher(http2, pool, route) : pool
  }

  async destroy(): Promise<void> {
    const ways = [...this.#ways.values()]
    this.#ways.clear()
    this.#last = undefined
    for (const { http2 } of ways) http2?.destroy()
    await Promise.all(ways.map(({ pool }) => pool.destroy()))
  }

  #wayTo(route: Route, pinned: Pinned): Way {
    const key = `${route.scheme} ${route.host} ${route.port} ${pinned.address} ${pinned.port}`
    if (this.#last?.key === key) return this.#last.way
    const way = this.#ways.get(key) ?? this.#makeWay(route, pinned)
    this.#last = { key, way }
    this.#ways.delete(key)
    this.#ways.set(key, way) // the last asked for stands last
    const [oldest] = this.#ways
    if (this.#ways.size > MAX_WAYS && oldest !== undefined) {
      this.#ways.delete(oldest[0])
      retire(oldest[1])
    }
    return way
  }

  #makeWay(route: Route, pinned: Pinned): Way {
    if (route.scheme === 'http') {
      const open = (): Promise<net.Socket> => this.#dialer.dial({ host: route.host, pinned })
      return { pool: makePool(connector(open), route), http2: undefined }
    }
    const door = new TlsDoor(this.#dialer, route, pinned)
    const pool = makePool(
      connector(() => door.open(['http/1.1'])),
      route,
    )
    return { pool, http2: new Http2Origin(door, `${route.host}:${route.port}`) }
  }
}

/** Requests under way finish; a pool whose connections break meanwhile has nothing to report to. */
function retire({ pool, http2 }: Way): void {
  http2?.retire()
  pool.close().catch(() => pool.destroy())
}

function makePool(connect: Connector, route: Route): Pool {
  return new Pool(`${route.scheme}://${route.host}:${route.port}`, {
    connect,
    connections: MAX_CONNECTIONS_PER_POOL,
    pipelining: 1,
    allowH2: false,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: BODY_IDLE_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 10 * 60_000,
    maxHeaderSize: MAX_HEADER_BYTES,
  })
}

function connector(open: () => Promise<net.Socket>): Connector {
  return (_options, callback) => void tellOf(open(), callback)
}

async function tellOf(
  opening: Promise<net.Socket>,
  callback: buildConnector.Callback,
): Promise<void> {
  const socket = await opening.catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  if (socket instanceof Error) callback(socket, null)
  else callback(null, socket)
}
