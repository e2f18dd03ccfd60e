import zlib from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CREDENTIAL, get, HOST, OTHER, PLACEHOLDER, REAL, Scene } from './testing/scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await Scene.start({ credentials: [CREDENTIAL] })
})
afterEach(() => scene.close())

const AUTH = `Authorization: Bearer ${PLACEHOLDER}`

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
