import zlib from 'node:zlib'
import { expect } from 'vitest'
import { allow, type Control, HOST, testFamily } from './harness.ts'
import { type Field, framedRows, overHttp2, pseudo, upload } from './http2-client.ts'
import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import { TOKEN, TOKEN_RULE } from './planted.ts'

const MAX = 64 * 1024

/** @param flag 1 says that it is compressed */
const message = (payload: string | Buffer, flag = 0): Buffer => {
  const bytes = Buffer.from(payload)
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(flag, 0)
  prefix.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([prefix, bytes])
}

/** A string field of a protobuf message. */
const field = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)])

const head = (path = '/echo.Echo/Say', ...more: Field[]): Field[] => [
  ...pseudo({ ':method': 'POST', ':path': path }),
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
  ...more,
]
const GZIP: Field = ['grpc-encoding', 'gzip']
const gzip = (text: string | Buffer): Buffer => message(zlib.gzipSync(text), 1)

const calls = framedRows(
  { told: '200', rule: 'default' },
  {
    'a method that no rule opens': [upload(head('/admin.Admin/Drop'), message('x'))],
    'a service that only begins like an open one': [
      upload(head('/echo.EchoEvil/Say'), message('x')),
    ],
  },
)

const secrets = framedRows(
  { told: '200', rule: TOKEN_RULE },
  {
    'a secret in a message': [upload(head(), message(field(1, TOKEN)))],
    'a secret in a message of no known form': [upload(head(), message(`  ${TOKEN}  `))],
    'a secret in base64 in a message': [
      upload(head(), message(field(1, Buffer.from(TOKEN).toString('base64')))),
    ],
    'a secret in a message that is compressed': [
      upload(head(undefined, GZIP), gzip(field(1, TOKEN))),
    ],
    'a secret in metadata': [upload(head(undefined, ['x-meta', TOKEN]), message('x'))],
    'a secret in binary metadata': [
      upload(head(undefined, ['x-meta-bin', Buffer.from(TOKEN).toString('base64')]), message('x')),
    ],
  },
)

const encodings = framedRows(
  { told: '200', rule: 'invariant.body-encoding' },
  {
    'a message compressed in a way that is not known': [
      upload(head(undefined, ['grpc-encoding', 'x-secret']), message('x', 1)),
    ],
    'a message that says to be compressed and is not': [
      upload(head(undefined, GZIP), message('x', 1)),
    ],
    'a message with a flag that there is not': [upload(head(), message('x', 7))],
  },
)

const sizes = framedRows(
  { told: '200', rule: 'invariant.body-bomb' },
  { 'a message that is a bomb': [upload(head(undefined, GZIP), gzip(Buffer.alloc(32 * MAX)))] },
)

const called: Control = {
  name: 'a call without secrets',
  run: async (world) => {
    expect(await overHttp2(upload(head(), message(field(1, 'hello'))))(world)).toMatch(/^200/)
    expect(world.outside.requests.at(-1)?.url).toBe('/echo.Echo/Say')
  },
}

testFamily({
  rules: [allow(HOST, { methods: ['POST'], paths: ['/echo.Echo/*'] })],
  egress: { ...PLAIN_EGRESS, inspection: { maxBodyBytes: MAX, treatments: {} } },
  controls: [called],
  attacks: [...calls, ...secrets, ...encodings, ...sizes],
})
