import zlib from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Canary } from './testing/canary.ts'
import {
  CREDENTIAL,
  get,
  HOST,
  head,
  NOTHING_LEAKED,
  OTHER,
  PLACEHOLDER,
  REAL,
  Scene,
} from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start({ credentials: [CREDENTIAL] })
})
afterEach(() => scene.close())

const AUTH = `Authorization: Bearer ${PLACEHOLDER}`
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

function header(canary: Canary, name: string): (string | undefined)[] {
  const raw = canary.requests.at(-1)?.rawHeaders ?? []
  return raw.flatMap((key, index) =>
    index % 2 === 0 && key.toLowerCase() === name ? [raw[index + 1]] : [],
  )
}

test('the placeholder in its header becomes the value, at the bound host', async () => {
  const reply = await scene.rig.send(
    HOST,
    get('/me', AUTH, 'Accept-Encoding: gzip', 'Range: bytes=0-1'),
  )
  expect(reply).toContain('hello')
  expect(header(scene.canary, 'authorization')).toEqual([`Bearer ${REAL}`])
  expect(header(scene.canary, 'accept-encoding')).toEqual(['identity'])
  expect(header(scene.canary, 'range')).toEqual([])
  const intent = scene.rig.keyholder.intents().at(-1)
  expect(intent?.credentials).toEqual(['token'])
  expect(JSON.stringify(scene.rig.keyholder.leaves)).not.toContain(REAL)
})

test('git sends its token as a password', async () => {
  await scene.rig.send(
    HOST,
    get('/repo.git', `Authorization: ${basic('x-access-token', PLACEHOLDER)}`),
  )
  expect(header(scene.canary, 'authorization')).toEqual([basic('x-access-token', REAL)])
})

test('a request without a placeholder asks for no credential', async () => {
  await scene.rig.send(HOST, get('/me', 'Authorization: Bearer mine', 'Accept-Encoding: gzip'))
  expect(header(scene.canary, 'authorization')).toEqual(['Bearer mine'])
  expect(header(scene.canary, 'accept-encoding')).toEqual(['gzip'])
  expect(scene.rig.keyholder.intents().at(-1)?.credentials).toEqual([])
})

const hex = Buffer.from(PLACEHOLDER).toString('hex')
const base64 = Buffer.from(`x${PLACEHOLDER}`).toString('base64url')
const half = PLACEHOLDER.length / 2

const misuses: { name: string; host?: string; parts: string[]; where: string }[] = [
  {
    name: 'in its header to another allowed host',
    host: OTHER,
    parts: [head('GET /', `Host: ${OTHER}`, AUTH)],
    where: 'header authorization',
  },
  {
    name: 'in a Basic password to another host',
    host: OTHER,
    parts: [head('GET /', `Host: ${OTHER}`, `Authorization: ${basic('u', PLACEHOLDER)}`)],
    where: 'header authorization',
  },
  { name: 'in the path', parts: [get(`/x/${PLACEHOLDER}`)], where: 'url' },
  { name: 'in the query', parts: [get(`/x?k=${PLACEHOLDER}`)], where: 'url' },
  {
    name: 'percent-encoded in part in the query',
    parts: [get(`/x?k=${PLACEHOLDER.replace('PLACE', '%50L%41CE')}`)],
    where: 'url',
  },
  { name: 'in hexadecimal in the query', parts: [get(`/x?k=${hex}`)], where: 'url' },
  { name: 'in base64 in the path', parts: [get(`/x/${base64}`)], where: 'url' },
  { name: 'in another header', parts: [get('/x', `X-Key: ${PLACEHOLDER}`)], where: 'header x-key' },
  {
    name: 'in a cookie beside its own header',
    parts: [get('/x', AUTH, `Cookie: a=${PLACEHOLDER}`)],
    where: 'header cookie',
  },
  {
    name: 'as the name of a header',
    parts: [get('/x', `X-${hex}: 1`)],
    where: `header x-${hex}`.slice(0, 71),
  },
  {
    name: 'in the body',
    parts: [head('POST /x', `Host: ${HOST}`, 'Content-Length: 37'), PLACEHOLDER],
    where: 'body',
  },
  {
    name: 'in the body beside its own header',
    parts: [head('POST /x', `Host: ${HOST}`, AUTH, 'Content-Length: 37'), PLACEHOLDER],
    where: 'body',
  },
  {
    name: 'in the body, cut in two',
    parts: [
      head('POST /x', `Host: ${HOST}`, 'Content-Length: 37'),
      PLACEHOLDER.slice(0, half),
      PLACEHOLDER.slice(half),
    ],
    where: 'body',
  },
  {
    name: 'in the body, over two chunks',
    parts: [
      head('POST /x', `Host: ${HOST}`, 'Transfer-Encoding: chunked'),
      `5\r\n${PLACEHOLDER.slice(0, 5)}\r\n`,
      `20\r\n${PLACEHOLDER.slice(5)}\r\n`,
      '0\r\n\r\n',
    ],
    where: 'body',
  },
  {
    name: 'in base64 in the body',
    parts: [head('POST /x', `Host: ${HOST}`, `Content-Length: ${base64.length}`), base64],
    where: 'body',
  },
]

test.for(misuses)(
  'a placeholder $name: denied, recorded, nothing leaves',
  async ({ host = HOST, parts, where }) => {
    const reply = await scene.rig.send(host, ...parts)
    expect(reply).toMatch(/^HTTP\/1\.1 403 /)
    expect(reply).toContain('x-sekisho-rule: invariant.placeholder-misuse\r\n')
    const intent = scene.rig.keyholder.intents().at(-1)
    expect(intent?.credentials).toEqual([])
    expect(intent?.verdict).toEqual({
      kind: 'deny',
      rules: ['invariant.placeholder-misuse'],
      reason: `the placeholder of token in ${where}, to ${host}`,
    })
    expect(scene.leaked).toEqual(NOTHING_LEAKED)
  },
)

test('a placeholder late in a long body cuts the request and gets a denial of its own', async () => {
  const filler = 'a'.repeat(600 * 1024)
  const length = filler.length + PLACEHOLDER.length + 10
  const reply = await scene.rig.send(
    HOST,
    head('POST /x', `Host: ${HOST}`, `Content-Length: ${length}`) +
      filler +
      PLACEHOLDER +
      'b'.repeat(10),
  )
  expect(reply).not.toContain('hello')
  await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
  expect(scene.canary.requests).toEqual([]) // it never was whole
  expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toEqual({
    kind: 'failed',
    code: 'PLACEHOLDER_MISUSE',
    message: 'cut: token in body',
  })
  expect(scene.rig.keyholder.intents().at(-1)?.action).toEqual({
    kind: 'secret.use',
    secret: 'token',
    host: HOST,
    where: 'body',
  })
})

const ECHOES: [string, string][] = [
  ['as it is', REAL],
  ['in base64', Buffer.from(`token:${REAL}`).toString('base64')],
  ['in base64url', Buffer.from(REAL).toString('base64url')],
  ['in hexadecimal', Buffer.from(REAL).toString('hex')],
  ['percent-encoded', encodeURIComponent(REAL)],
  ['in JSON', JSON.stringify({ token: REAL })],
]

test.for(ECHOES)(
  'a reply that echoes the value %s is scrubbed, its length true',
  async ([, echo]) => {
    const text = `<<${echo}>>`
    scene.canary.handler = (_request, response) => {
      response.writeHead(200, {
        'content-length': text.length,
        'x-echo': echo,
        [`x-${Buffer.from(REAL).toString('hex')}`]: '1',
      })
      response.write(text.slice(0, 9))
      setImmediate(() => response.end(text.slice(9)))
    }
    const reply = await scene.rig.send(HOST, get('/me', AUTH))
    const [, body = ''] = reply.split('\r\n\r\n')
    expect(body).toHaveLength(text.length)
    expect(body).toContain('[sekisho:scrubbed]')
    expect(reply).toMatch(/x-echo: .*\[sekisho:scrubbed\]/)
    for (const [, spelling] of ECHOES) expect(reply).not.toContain(spelling)
    await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
    expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
      kind: 'performed',
      scrubbed: 3,
    })
  },
)

test.for([
  ['gzip', zlib.gzipSync],
  ['deflate', zlib.deflateSync],
  ['br', zlib.brotliCompressSync],
  ['zstd', zlib.zstdCompressSync],
] as const)(
  'an echo in a reply that comes in %s all the same is scrubbed',
  async ([coding, compress]) => {
    const packed = compress(Buffer.from(`<<${REAL}>>`.repeat(2000)))
    scene.canary.handler = (_request, response) => {
      response.writeHead(200, { 'content-encoding': coding, 'content-length': packed.length })
      response.end(packed)
    }
    const reply = await scene.rig.send(HOST, get('/me', AUTH))
    expect(reply).not.toMatch(/content-encoding/i)
    expect(reply).not.toContain(REAL)
    expect(reply.match(/\[sekisho:scrubbed\]/g)).toHaveLength(2000)
  },
)

test.for([
  ['an unknown coding', 'compress', Buffer.from(REAL)],
  ['two codings', 'gzip, gzip', zlib.gzipSync(zlib.gzipSync(REAL))],
  ['what it is not', 'gzip', Buffer.from(REAL)],
  ['a bomb', 'gzip', zlib.gzipSync(Buffer.alloc(64 * 1024 * 1024))],
] as const)(
  'a reply with a credential behind it that is encoded as %s does not pass',
  async ([, coding, body]) => {
    scene.canary.handler = (_request, response) => {
      response.writeHead(200, { 'content-encoding': coding })
      response.end(body)
    }
    const reply = await scene.rig.send(HOST, get('/me', AUTH))
    expect(reply).not.toContain(REAL)
    await scene.rig.keyholder.until((keyholder) => keyholder.outcomes().length === 2)
    expect(scene.rig.keyholder.outcomes().at(-1)?.outcome).toMatchObject({
      kind: 'failed',
      code: expect.any(String),
    })
  },
)

test('a redirect is handed to the agent, not followed, and carries no value', async () => {
  scene.canary.handler = (_request, response) => {
    response.writeHead(302, { location: `https://${OTHER}/?t=${encodeURIComponent(REAL)}` })
    response.end()
  }
  const reply = await scene.rig.send(HOST, get('/me', AUTH))
  expect(reply).toMatch(/^HTTP\/1\.1 302 /)
  expect(reply).toMatch(new RegExp(`location: https://${OTHER}/\\?t=\\[sekisho:scrubbed\\]`))
  expect(scene.other.connections).toBe(0)
})

test('an event stream with a credential behind it is passed on as it comes', async () => {
  scene.canary.handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: one\n\n')
  }
  const secure = await scene.rig.dialTls(HOST)
  secure.write(get('/events', AUTH))
  let seen = ''
  await new Promise<void>((resolve) => {
    secure.on('data', (chunk: Buffer) => {
      seen += chunk.toString()
      if (seen.includes('data: one\n\n')) resolve()
    })
  })
  expect(seen).toContain('data: one\n\n')
})
