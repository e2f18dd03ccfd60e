import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'

/** What OpenSSL makes of the beginning of a TLS stream. */
export type HelloSeen = {
  /** for which name it looked for a certificate; undefined when it did not get there */
  serverName: string | undefined
}

/** A TLS server that stops at the question which certificate to use. */
export class OpensslReader {
  readonly #server = tls.createServer({
    SNICallback: (name, callback) => {
      this.#asked = name
      callback(new Error('that is all that was asked'))
    },
  })
  #asked: string | undefined

  /** @throws where there is no loopback */
  static async start(): Promise<OpensslReader> {
    const reader = new OpensslReader()
    reader.#server.on('tlsClientError', () => undefined) // every stream ends so
    reader.#server.unref().listen(0, '127.0.0.1')
    await once(reader.#server, 'listening')
    return reader
  }

  /** One stream at a time. */
  async read(bytes: Buffer): Promise<HelloSeen> {
    this.#asked = undefined
    const address = this.#server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
    socket.on('error', () => undefined) // a reset is an answer
    socket.resume().end(bytes)
    await once(socket, 'close')
    return { serverName: this.#asked }
  }

  close(): void {
    this.#server.close()
  }
}
