import { once } from 'node:events'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { Http2Dispatcher } from './upstream-http2-call.ts'

test.each(['onResponseStart', 'onResponseData'] as const)(
  'what %s throws breaks off its own request, and nothing else',
  async (name) => {
    const server = http2.createServer((_request, response) => response.end('hello'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = addressOf(server)
    const session = http2.connect(`http://127.0.0.1:${port}`)
    const origin = { isHttp1: false, begin: async () => session.request({ ':path': '/' }) }
    const http1 = { dispatch: () => false }
    const route = { scheme: 'https', host: 'api.example.com', port: 443 } as const
    const broken = Promise.withResolvers<Error>()
    new Http2Dispatcher(origin, http1, route).dispatch(
      { path: '/', method: 'GET', body: null },
      {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: () => undefined,
        onResponseEnd: () => broken.reject(new Error('ended')),
        onResponseError: (_controller, error) => broken.resolve(error),
        [name]: () => {
          throw new RangeError('too much')
        },
      },
    )
    expect((await broken.promise).message).toBe('too much')
    session.close()
    server.close()
  },
)

function addressOf(server: http2.Http2Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no address')
  return address
}
