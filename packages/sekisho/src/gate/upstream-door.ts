import tls from 'node:tls'
import { SekishoError } from '../core/error.ts'
import type { Pinned } from '../flow/ports.ts'
import { CONNECT_TIMEOUT_MS, type Dialer } from './dialer.ts'
import type { Route } from './http-head.ts'

export type Protocol = 'h2' | 'http/1.1'

/** The way to one name at one address, with the TLS session that makes the next handshake short. */
export class TlsDoor {
  readonly #dialer: Dialer
  readonly #host: string
  readonly #pinned: Pinned
  readonly #secureContext: tls.SecureContext
  #ticket: Buffer | undefined

  constructor(dialer: Dialer, { host }: Route, pinned: Pinned) {
    this.#dialer = dialer
    this.#host = host
    this.#pinned = pinned
    this.#secureContext = tls.createSecureContext({
      minVersion: 'TLSv1.2',
      ...(pinned.caPem === null ? {} : { ca: pinned.caPem }),
    })
  }

  /**
   * A connection whose certificate is for the name, whatever the address.
   *
   * @param protocols offered, in this order
   * @throws SekishoError TIMEOUT, UPSTREAM_FAILED; or what the socket or the handshake fails with
   */
  async open(protocols: readonly Protocol[]): Promise<tls.TLSSocket> {
    const host = this.#host
    const below = await this.#dialer.dial({ host, pinned: this.#pinned })
    const socket = tls.connect({
      socket: below,
      servername: host,
      ALPNProtocols: [...protocols],
      secureContext: this.#secureContext,
      ...(this.#ticket === undefined ? {} : { session: this.#ticket }),
    })
    socket.on('session', (ticket) => {
      this.#ticket = ticket
    })
    await untilSecure(socket)
    return socket
  }
}

function untilSecure(socket: tls.TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new SekishoError('TIMEOUT', `no TLS in ${CONNECT_TIMEOUT_MS} ms`))
    }, CONNECT_TIMEOUT_MS)
    const failed = (error: Error): void => {
      clearTimeout(timer)
      reject(error)
    }
    socket.once('error', failed)
    socket.once('secureConnect', () => {
      clearTimeout(timer)
      // whoever takes the socket brings a listener of its own; until then none may be missing
      setImmediate(() => socket.off('error', failed))
      resolve()
    })
  })
}
