import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Rig, talk } from './testing/rig.ts'
import {
  get,
  HOST,
  head,
  NOTHING_LEAKED,
  OTHER,
  OUTSIDE_PEM,
  rule,
  Scene,
} from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start()
})
afterEach(() => scene.close())

test('an allowed request passes as it is, recorded before and after', async () => {
  const reply = await scene.rig.send(
    HOST,
    get('/a/%7eb?q=%zz', 'X-Mine: 1', 'x-mine: 2', 'TE: trailers', 'X-Hop: 1', 'Connection: X-Hop'),
  )
  expect(reply).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  expect(reply).toMatch(/\r\n\r\nhello$/)
  expect(scene.canary.requests).toEqual([
    {
      method: 'GET',
      url: '/a/~b?q=%zz',
      rawHeaders: ['host', HOST, 'connection', 'keep-alive', 'X-Mine', '1', 'x-mine', '2'],
      body: '',
    },
  ])
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  const intent = scene.rig.keyholder.intents().at(-1)
  expect(intent).toMatchObject({
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'GET',
      host: HOST,
      port: 443,
      path: '/a/~b',
      query: 'q=%zz',
    },
    verdict: { kind: 'allow', rules: ['api'] },
  })
  expect(scene.rig.keyholder.outcomes().at(-1)).toMatchObject({
    id: intent?.id,
    outcome: { kind: 'performed', status: 200, address: '127.0.0.1', scrubbed: 0 },
  })
})

test('plain HTTP on port 80 passes too', async () => {
  const socket = await scene.rig.dial(await scene.rig.resolve(HOST), 80)
  expect(await talk(socket, [get('/')])).toContain('hello')
  expect(scene.plain.requests).toHaveLength(1)
})

test('a port that a rule opens speaks what the rule says', async () => {
  const second = await Scene.start({ rules: [rule({ port: 8443 })] })
  try {
    const secure = await second.rig.dialTls(HOST, { port: 8443 })
    expect(await talk(secure, [head('GET /', `Host: ${HOST}:8443`)])).toContain('hello')
    expect(second.canary.requests[0]?.rawHeaders.slice(0, 2)).toEqual(['host', `${HOST}:8443`])
  } finally {
    await second.close()
  }
})

test('an absolute form that says the same is the same request', async () => {
  await scene.rig.send(HOST, head(`GET https://${HOST}:443/x?y`, `Host: ${HOST}`))
  expect(scene.canary.requests.map(({ url }) => url)).toEqual(['/x?y'])
})

test('a length that is not kept does not make a second request', async () => {
  const inner = `GET /smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
  const outer = head('POST /x', `Host: ${HOST}`, `Content-Length: ${inner.length}`)
  await scene.rig.send(HOST, outer + inner)
  expect(scene.canary.requests.map(({ url, body }) => [url, body])).toEqual([['/x', inner]])
})

test('pipelined requests are done one after the other, each decided by itself', async () => {
  const finished: string[] = []
  scene.canary.handler = (request, response) => {
    expect(finished).toHaveLength(scene.canary.requests.length - 1)
    setImmediate(() => {
      finished.push(request.url ?? '')
      response.end(request.url)
    })
  }
  const kept = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
  const reply = await scene.rig.send(HOST, kept('/1') + kept('/2') + get('/3'))
  expect(finished).toEqual(['/1', '/2', '/3'])
  expect(reply.match(/\/[123]$|\/[123](?=HTTP)/gm)).toEqual(['/1', '/2', '/3'])
})

test('a flood of pipelined requests ends the connection', async () => {
  scene.canary.handler = () => undefined
  const kept = `GET /slow HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
  expect(await scene.rig.send(HOST, kept.repeat(40))).toBe('')
  expect(scene.canary.heads).toBeLessThan(2)
})

test.for([
  [
    'HEAD keeps the length it tells of',
    head('HEAD /', `Host: ${HOST}`),
    200,
    /content-length: 5\r\n/i,
  ],
  ['204 has no body', head('DELETE /', `Host: ${HOST}`), 204, /\r\n\r\n$/],
  ['304 has no body', head('GET /', `Host: ${HOST}`, 'If-None-Match: x'), 304, /etag: x\r\n/i],
] as const)('%s', async ([, request, status, want]) => {
  scene.canary.handler = (_request, response) => {
    if (status === 200) response.writeHead(200, { 'content-length': 5 })
    else response.writeHead(status, { etag: 'x' })
    response.end()
  }
  const reply = await scene.rig.send(HOST, request)
  expect(reply).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(reply).toMatch(want)
  expect(reply).toMatch(/\r\n\r\n$/)
})

test('trailers of a reply arrive', async () => {
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' })
    response.write('body')
    response.addTrailers({ 'x-sum': '42' })
    response.end()
  }
  expect(await scene.rig.send(HOST, get('/'))).toMatch(/0\r\nx-sum: 42\r\n\r\n$/)
})

test('every field of a reply arrives, repeated ones too, hop-by-hop ones not', async () => {
  scene.canary.handler = (_request, response) => {
    response.setHeader('set-cookie', ['a=1', 'b=2'])
    response.setHeader('connection', 'x-hop')
    response.setHeader('x-hop', '1')
    response.end('x')
  }
  const reply = await scene.rig.send(HOST, get('/'))
  expect(reply).toMatch(/set-cookie: a=1\r\nset-cookie: b=2\r\n/i)
  expect(reply).not.toMatch(/x-hop/i)
})

test('an expectation of 100 is met once the request is allowed', async () => {
  const secure = await scene.rig.dialTls(HOST)
  secure.write(head('POST /x', `Host: ${HOST}`, 'Content-Length: 2', 'Expect: 100-continue'))
  const [first] = await once(secure, 'data')
  expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  expect(await talk(secure, ['ok'])).toContain('hello')
  expect(scene.canary.requests.map(({ body }) => body)).toEqual(['ok'])
})

test('early hints are passed on', async () => {
  scene.canary.handler = (_request, response) => {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' })
    response.end('x')
  }
  const reply = await scene.rig.send(HOST, get('/'))
  expect(reply).toMatch(
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /,
  )
})

test('an agent that hangs up ends its request upstream', async () => {
  const aborted = new Promise<void>((resolve) => {
    scene.canary.handler = (request, response) => {
      response.write('first')
      request.socket.once('close', () => resolve())
    }
  })
  const secure = await scene.rig.dialTls(HOST)
  secure.write(get('/endless'))
  await once(secure, 'data')
  secure.destroy()
  await aborted
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
    kind: 'failed',
    code: 'CLIENT_GONE',
  })
})

test('an upstream that breaks off in the middle cannot pass for a whole reply', async () => {
  scene.canary.handler = (request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('half', () => request.socket.destroy())
  }
  const reply = await scene.rig.send(HOST, get('/'))
  expect(reply).toMatch(/half$/)
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(scene.rig.keyholder.outcomes().at(-1)?.outcome.kind).toBe('failed')
})

test('an upstream that breaks off before its reply is a 502', async () => {
  scene.canary.handler = (request) => request.socket.destroy()
  const reply = await scene.rig.send(HOST, get('/'))
  expect(reply).toMatch(/^HTTP\/1\.1 502 /)
  expect(reply).toContain('"type":"sekisho_upstream_failed"')
})

test('an upstream with a certificate for another name is a 502 and sees no request', async () => {
  const wrong = { host: HOST, port: 443, address: '127.0.0.1', dialPort: scene.other.port }
  for (const caPem of [OUTSIDE_PEM, null]) {
    const rig = await Rig.start({ rules: [rule()], upstreams: [{ ...wrong, caPem }] })
    expect(await rig.send(HOST, get('/'))).toMatch(/^HTTP\/1\.1 502 /)
    await rig.close()
  }
  expect(scene.other.connections).toBe(2)
  expect(scene.other.heads).toBe(0)
})

test('back-pressure: a reply that nobody reads stops at the upstream', async () => {
  const size = 64 * 1024 * 1024
  const chunk = Buffer.alloc(256 * 1024)
  let written = 0
  const begun = new Promise<void>((resolve) => {
    scene.canary.handler = (_request, response) => {
      response.writeHead(200, { 'content-length': size })
      const pump = (): void => {
        resolve()
        while (written < size) {
          written += chunk.length
          if (!response.write(chunk)) return void response.once('drain', pump)
        }
        response.end()
      }
      pump()
    }
  })
  const secure = await scene.rig.dialTls(HOST)
  secure.pause()
  secure.write(get('/big'))
  await begun
  await standstill(() => written)
  expect(written).toBeLessThan(size / 2)
  let received = 0
  secure.on('data', (data: Buffer) => {
    received += data.length
  })
  secure.resume()
  await once(secure, 'close')
  expect(received).toBeGreaterThan(size)
})

/** Resolves when a value has not moved for so many turns of the event loop that it will not. */
async function standstill(read: () => number): Promise<void> {
  for (let still = 0, last = -1; still < 3000; ) {
    await new Promise((resolve) => setImmediate(resolve))
    still = read() === last ? still + 1 : 0
    last = read()
  }
}

test('a connection is kept and its upstream too', async () => {
  const secure = await scene.rig.dialTls(HOST)
  for (let round = 0; round < 5; round++) {
    secure.write(`GET /${round} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`)
    await once(secure, 'data')
  }
  expect(scene.canary.requests).toHaveLength(5)
  expect(scene.canary.connections).toBe(1)
})

test('a name is answered on another host only through its own connection', async () => {
  const reply = await scene.rig.send(OTHER, head('GET /', `Host: ${HOST}`))
  expect(reply).toMatch(/^HTTP\/1\.1 421 /)
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
