import net from 'node:net'
import { matchesHost } from '../core/host.ts'
import { SekishoError } from '../core/error.ts'
import type { Pinned } from '../flow/ports.ts'
import type { EgressProxy } from '../wire/egress.ts'
import { readReplyHead } from './reply-head.ts'

export const CONNECT_TIMEOUT_MS = 10_000
/** A proxy that says more than this before it connects is no proxy. */
const MAX_PROXY_REPLY_BYTES = 16 * 1024

export type Target = { host: string; pinned: Pinned }

/** Opens connections to the outside; the only place that does. */
export interface Dialer {
  /**
   * A connection to exactly the pinned address, up.
   *
   * @throws SekishoError TIMEOUT, UPSTREAM_FAILED; or the socket's own error
   */
  dial(target: Target): Promise<net.Socket>
}

export function makeDialer(proxy: EgressProxy | null): Dialer {
  if (proxy === null) return { dial: ({ pinned }) => connect(pinned.address, pinned.port) }
  const isDirect = (host: string): boolean =>
    proxy.except.some((pattern) => matchesHost(pattern, host))
  return {
    dial: ({ host, pinned }) =>
      isDirect(host) || pinned.caPem !== null
        ? connect(pinned.address, pinned.port)
        : connectThrough(proxy, pinned),
  }
}

/** RFC 9110 §9.3.6: the proxy is told the address that was checked, so that it checks nothing anew. */
async function connectThrough(proxy: EgressProxy, pinned: Pinned): Promise<net.Socket> {
  const socket = await connect(proxy.host, proxy.port)
  const name = pinned.address.includes(':') ? `[${pinned.address}]` : pinned.address
  const authority = `${name}:${pinned.port}`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
  const { lines, rest } = await readReplyHead(socket, {
    from: 'the egress proxy',
    maxBytes: MAX_PROXY_REPLY_BYTES,
    timeoutMs: CONNECT_TIMEOUT_MS,
  })
  const [said = ''] = lines
  if (!/^HTTP\/1\.[01] 2\d\d(?: |$)/.test(said)) {
    socket.destroy()
    throw new SekishoError(
      'UPSTREAM_FAILED',
      `the egress proxy refused ${authority}: ${said.slice(0, 128)}`,
    )
  }
  if (rest.length > 0) socket.unshift(rest)
  return socket
}

function connect(host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port })
    const timer = setTimeout(() => {
      socket.destroy(new SekishoError('TIMEOUT', `no connection in ${CONNECT_TIMEOUT_MS} ms`))
    }, CONNECT_TIMEOUT_MS)
    const failed = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.once('error', failed)
    socket.once('connect', () => {
      clearTimeout(timer)
      // whoever takes the socket brings a listener of its own; until then none may be missing
      setImmediate(() => socket.off('error', failed))
      resolve(socket)
    })
  })
}
