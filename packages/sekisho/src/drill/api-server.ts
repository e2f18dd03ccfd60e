import { createHash } from 'node:crypto'
import { once } from 'node:events'
import https from 'node:https'
import { CANARY_ANSWER } from './inside/attempt.ts'

/**
 * The API that the attacked session may use. What it may not use it for must not arrive: every
 * request but the plainly allowed ones counts as bytes at the canary.
 */
export async function startApi(options: {
  key: string
  certificate: string
  count: (bytes: number) => void
}): Promise<{ port: number; close(): Promise<void> }> {
  const { key, certificate, count } = options
  const server = https.createServer({ key, cert: certificate }, (request, response) => {
    request.on('data', (chunk: Buffer) => count(chunk.length))
    request.resume()
    if (request.url === '/public/first') {
      response.end('first\n')
      return
    }
    if (request.url !== '/echo') {
      count(request.url?.length ?? 1)
      response.end(`${CANARY_ANSWER}\n`)
      return
    }
    const value = String(request.headers['x-api-key'] ?? '')
    response.setHeader('content-type', 'application/json')
    response.end(
      JSON.stringify({
        digest: createHash('sha256').update(value).digest('hex'),
        plain: value,
        base64: Buffer.from(value).toString('base64'),
        shifted: Buffer.from(` ${value}`).toString('base64').slice(2),
        hex: Buffer.from(value).toString('hex'),
        percent: [...Buffer.from(value)].map((byte) => `%${byte.toString(16)}`).join(''),
      }),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the API has no port')
  return {
    port: address.port,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
