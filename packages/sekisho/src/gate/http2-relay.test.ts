import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { Canary } from './testing/canary.ts'
import { makeIdentity, makeTestCa } from './testing/certificates.ts'
import { HOST, PLACEHOLDER, REAL, rule, CREDENTIAL } from './testing/scene.ts'
import { answerOf, ask, Http2Scene } from './testing/http2-scene.ts'

let scene: Http2Scene
const strangers: Canary[] = []
afterEach(async () => {
  for (const canary of strangers.splice(0)) canary.close()
  await scene.close()
})

test('a request goes on by HTTP/2, and its reply comes back with its trailers', async () => {
  scene = await Http2Scene.start()
  scene.outside.handler = (stream) => {
    stream.respond([':status', '201', 'x-a', '1', 'x-a', '2'], { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9' }))
    stream.end('hello')
  }
  const session = await scene.connect()
  const head = { ':method': 'POST', ':path': '/a?b=1', 'x-b': 'c' }
  expect(await ask(session, head, 'the body')).toMatchObject({
    status: 201,
    fields: ['x-a', '1', 'x-a', '2', 'date', expect.any(String)],
    body: 'hello',
    trailers: ['x-sum', '9'],
    reset: 0,
  })
  expect(scene.outside.requests).toEqual([
    {
      version: '2',
      raw: Object.entries({
        ':method': 'POST',
        ':scheme': 'https',
        ':authority': HOST,
        ':path': '/a?b=1',
        'x-b': 'c',
        te: 'trailers',
      }).flat(),
      body: 'the body',
      trailers: [],
    },
  ])
  expect(scene.rig.keyholder.intents().slice(1)).toMatchObject([
    { action: { method: 'POST', host: HOST, port: 443, path: '/a', query: 'b=1' } },
  ])
})

test('an upstream without HTTP/2 is asked by HTTP/1.1', async () => {
  scene = await Http2Scene.start({ protocols: ['http/1.1'] })
  const session = await scene.connect()
  for (const path of ['/a', '/b']) {
    expect(await ask(session, { ':path': path })).toMatchObject({
      status: 200,
      body: 'hello by 1.1',
    })
  }
  expect(scene.outside.requests.map(({ version }) => version)).toEqual(['1.1', '1.1'])
})

test('an upstream is not asked by HTTP/2 for an agent that speaks HTTP/1.1', async () => {
  scene = await Http2Scene.start()
  const reply = await scene.rig.send(
    HOST,
    `GET / HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`,
  )
  expect(reply).toContain('hello by 1.1')
})

test('a hundred requests of one connection are under way together', async () => {
  scene = await Http2Scene.start()
  const waiting: (() => void)[] = []
  const all = Promise.withResolvers<void>()
  scene.outside.handler = (stream, { raw }) => {
    waiting.push(() => {
      stream.respond({ ':status': 200 })
      stream.end(raw[7])
    })
    if (waiting.length === 100) all.resolve()
  }
  const session = await scene.connect()
  const answers = Array.from({ length: 100 }, (_, index) => ask(session, { ':path': `/${index}` }))
  await all.promise
  for (const answer of waiting) answer()
  const bodies = (await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`)
  expect(bodies).toEqual(Array.from({ length: 100 }, (_, index) => `200 /${index}`))
})

test('a denied request is answered on its stream, and the connection goes on', async () => {
  scene = await Http2Scene.start({ rules: [rule({ paths: ['/ok'] })] })
  const session = await scene.connect()
  const denied = await ask(session, { ':method': 'POST', ':path': '/no' }, 'x'.repeat(100_000))
  expect(denied).toMatchObject({ status: 403, reset: 0 })
  expect(denied.fields).not.toContain('connection')
  expect(scene.outside.leaked).toEqual({ connections: 0, bytes: 0 })
  expect(await ask(session, { ':path': '/ok' })).toMatchObject({ status: 200, body: 'hello' })
  expect(scene.rig.keyholder.deniedBy()).toEqual(['default'])
})

test('a credential is put in and taken out of the reply, fields and trailers included', async () => {
  scene = await Http2Scene.start({ credentials: [CREDENTIAL] })
  scene.rig.keyholder.secrets.set('token', REAL)
  scene.outside.handler = (stream, { raw }) => {
    const value = raw[raw.indexOf('authorization') + 1] ?? ''
    stream.respond({ ':status': 200, 'x-echo': value }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'x-trailer': value }))
    stream.end(`you sent ${value}`)
  }
  const session = await scene.connect()
  const answer = await ask(session, { ':path': '/', authorization: `Bearer ${PLACEHOLDER}` })
  expect(scene.outside.requests[0]?.raw).toContain(`Bearer ${REAL}`)
  expect(answer.status).toBe(200)
  expect(JSON.stringify(answer)).not.toContain(REAL)
})

test('a reply that carries messages in a coding is not passed on where a value could echo', async () => {
  scene = await Http2Scene.start({ credentials: [CREDENTIAL] })
  scene.rig.keyholder.secrets.set('token', REAL)
  scene.outside.handler = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' })
    stream.end(gzipSync(REAL))
  }
  const session = await scene.connect()
  const fields = { 'content-type': 'application/grpc', 'grpc-accept-encoding': 'gzip' }
  const head = {
    ':method': 'POST',
    ':path': '/',
    authorization: `Bearer ${PLACEHOLDER}`,
    ...fields,
  }
  const message = Buffer.from([0, 0, 0, 0, 1, 65])
  const answer = await ask(session, head, message)
  expect(scene.outside.requests[0]?.raw).not.toContain('grpc-accept-encoding')
  expect(answer).toMatchObject({ status: 200, body: '', fields: expect.arrayContaining(['14']) })
})

test.for([
  ['that nobody listens to', async () => ({ upstreamPort: 1 })],
  ['with a certificate of nobody known', async () => ({ upstreamPort: (await stranger()).port })],
] as const)('an upstream %s is a 502', async ([, options]) => {
  scene = await Http2Scene.start(await options())
  const session = await scene.connect()
  expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 502 })
  const grpc = { ':method': 'POST', ':path': '/', 'content-type': 'application/grpc' }
  const answer = await ask(session, grpc, Buffer.alloc(5))
  expect(answer).toMatchObject({
    status: 200,
    fields: expect.arrayContaining(['grpc-status', '14']),
  })
})

async function stranger(): Promise<Canary> {
  const canary = await Canary.start(makeIdentity(makeTestCa(), HOST))
  strangers.push(canary)
  return canary
}

test('events arrive one by one while the reply goes on', async () => {
  scene = await Http2Scene.start()
  const opened = Promise.withResolvers<(text: string) => void>()
  scene.outside.handler = (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
    opened.resolve((text) => (text === '' ? stream.end() : void stream.write(text)))
  }
  const session = await scene.connect()
  const stream = session.request({ ':path': '/events' })
  const response = once(stream, 'response')
  const send = await opened.promise
  await response // the head does not wait for the first event
  for (const event of ['data: one\n\n', 'data: two\n\n']) {
    const data = once(stream, 'data')
    send(event)
    expect(String((await data)[0])).toBe(event)
  }
  const ended = once(stream, 'end')
  send('')
  await ended
})

test('the reply of an upstream that breaks off is broken off', async () => {
  scene = await Http2Scene.start()
  scene.outside.handler = (stream) => {
    stream.respond({ ':status': 200 })
    stream.write('half', () => stream.destroy(new Error('broken')))
  }
  const session = await scene.connect()
  expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 200, reset: 2 })
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(scene.rig.keyholder.outcomes()[1]?.outcome).toMatchObject({ kind: 'failed' })
})

test('an agent that cancels is heard upstream', async () => {
  scene = await Http2Scene.start()
  const cancelled = Promise.withResolvers<number>()
  const begun = Promise.withResolvers<void>()
  scene.outside.onHead = (stream) => {
    stream.respond({ ':status': 200 })
    stream.once('close', () => cancelled.resolve(stream.rstCode ?? -1))
    begun.resolve()
  }
  const session = await scene.connect()
  const stream = session.request({ ':path': '/' })
  const answer = answerOf(stream)
  await begun.promise
  stream.close(8)
  expect(await cancelled.promise).not.toBe(0)
  expect(await answer).toMatchObject({ reset: 8 })
})

test('alt-svc does not lead to HTTP/3', async () => {
  scene = await Http2Scene.start()
  scene.outside.handler = (stream) => {
    stream.respond({ ':status': 200, 'alt-svc': 'h3=":443"' })
    stream.end()
  }
  expect((await ask(await scene.connect(), { ':path': '/' })).fields).not.toContain('alt-svc')
})

test('a long reply and a long upload pass whole', async () => {
  scene = await Http2Scene.start()
  const text = 'all work and no play '.repeat(200_000)
  scene.outside.handler = (stream, { body }) => {
    stream.respond({ ':status': 200 })
    stream.end(body)
  }
  const session = await scene.connect()
  const answer = await ask(session, { ':method': 'POST', ':path': '/' }, text)
  expect(answer.status).toBe(200)
  expect(answer.body === text).toBe(true)
})

test('a new connection takes the place of one that the upstream takes leave of', async () => {
  scene = await Http2Scene.start()
  scene.outside.handler = (stream) => {
    stream.respond({ ':status': 200 })
    stream.end('hello')
    stream.session?.close()
  }
  const session = await scene.connect()
  for (let count = 1; count <= 3; count += 1) {
    expect(await ask(session, { ':path': '/' })).toMatchObject({ status: 200 })
  }
  expect(scene.outside.requests.length).toBe(3)
})

test('curl speaks HTTP/2 and HTTP/1.1 through it, up and down', async () => {
  scene = await Http2Scene.start()
  const folder = await mkdtemp(join(tmpdir(), 'sekisho-'))
  try {
    await writeFile(join(folder, 'ca.pem'), scene.rig.keyholder.ca.pem)
    await writeFile(join(folder, 'upload'), 'x'.repeat(300_000))
    const { host, port } = await scene.rig.whereIs(HOST, 443)
    const curl = async (...args: string[]): Promise<string> => {
      const common = [
        '-sS',
        '--cacert',
        join(folder, 'ca.pem'),
        '-w',
        ' %{http_version} %{http_code}',
      ]
      const to = ['--connect-to', `${HOST}:443:${host}:${port}`]
      const run = promisify(execFile)('curl', [...common, ...to, ...args, `https://${HOST}/x`])
      return (await run).stdout
    }
    expect(await curl('--http2')).toBe('hello 2 200')
    expect(await curl('--http1.1')).toBe('hello by 1.1 1.1 200')
    expect(await curl('--data-binary', `@${join(folder, 'upload')}`)).toBe('hello 2 200')
    expect(scene.outside.requests.map(({ body }) => body.length)).toEqual([0, 0, 300_000])
  } finally {
    await rm(folder, { recursive: true })
  }
})
