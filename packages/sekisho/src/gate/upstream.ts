import net from 'node:net'
import tls from 'node:tls'
import { type buildConnector, type Dispatcher, Pool } from 'undici'
import { SekishoError } from '../core/error.ts'
import type { Pinned } from '../flow/ports.ts'
import type { Route } from './http-head.ts'

/** Pools of one session: each is one (scheme, host, port, address). */
const MAX_POOLS = 64
const MAX_CONNECTIONS_PER_POOL = 64
const CONNECT_TIMEOUT_MS = 10_000
/** a model may think for minutes before the first byte, and between two */
const HEADERS_TIMEOUT_MS = 15 * 60_000
const BODY_IDLE_TIMEOUT_MS = 15 * 60_000
const KEEP_ALIVE_MS = 15_000
const MAX_HEADER_BYTES = 64 * 1024

type Connector = buildConnector.connector

/** Connections to the outside of one session, kept alive; never shared with another session. */
export class Upstreams {
  readonly #pools = new Map<string, Pool>()

  /** A dispatcher whose every connection goes to the pinned address and nowhere else. */
  poolFor(route: Route, pinned: Pinned): Dispatcher {
    const key = `${route.scheme} ${route.host} ${route.port} ${pinned.address} ${pinned.port}`
    const known = this.#pools.get(key)
    if (known !== undefined) {
      this.#pools.delete(key)
      this.#pools.set(key, known)
      return known
    }
    const pool = makePool(route, pinned)
    this.#pools.set(key, pool)
    const [oldest] = this.#pools
    if (this.#pools.size > MAX_POOLS && oldest !== undefined) {
      this.#pools.delete(oldest[0])
      retire(oldest[1])
    }
    return pool
  }

  async destroy(): Promise<void> {
    const pools = [...this.#pools.values()]
    this.#pools.clear()
    await Promise.all(pools.map((pool) => pool.destroy()))
  }
}

/** Requests under way finish; a pool whose connections break meanwhile has nothing to report to. */
function retire(pool: Pool): void {
  pool.close().catch(() => pool.destroy())
}

function makePool(route: Route, pinned: Pinned): Pool {
  const connect: Connector =
    route.scheme === 'https' ? tlsConnector(route, pinned) : tcpConnector(pinned)
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

function tcpConnector({ address, port }: Pinned): Connector {
  return (_options, callback) => {
    const socket = net.connect({ host: address, port })
    whenUp(socket, 'connect', callback)
  }
}

function tlsConnector({ host }: Route, { address, port, caPem }: Pinned): Connector {
  const secureContext = tls.createSecureContext({
    minVersion: 'TLSv1.2',
    ...(caPem === null ? {} : { ca: caPem }),
  })
  let session: Buffer | undefined
  return (_options, callback) => {
    const socket = tls.connect({
      host: address,
      port,
      servername: host, // the certificate must be for the name, whatever the address
      ALPNProtocols: ['http/1.1'],
      secureContext,
      ...(session === undefined ? {} : { session }),
    })
    socket.on('session', (ticket) => {
      session = ticket
    })
    whenUp(socket, 'secureConnect', callback)
  }
}

function whenUp(
  socket: net.Socket,
  event: 'connect' | 'secureConnect',
  callback: buildConnector.Callback,
): void {
  const timer = setTimeout(() => {
    socket.destroy(new SekishoError('TIMEOUT', `no connection in ${CONNECT_TIMEOUT_MS} ms`))
  }, CONNECT_TIMEOUT_MS)
  const failed = (error: Error): void => {
    clearTimeout(timer)
    socket.off(event, up)
    callback(error, null)
  }
  const up = (): void => {
    clearTimeout(timer)
    // undici brings its own error listener; until then none may be missing
    queueMicrotask(() => socket.off('error', failed))
    callback(null, socket)
  }
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  socket.once('error', failed).once(event, up)
}
