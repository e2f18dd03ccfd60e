import zlib from 'node:zlib'
import { PLAIN_EGRESS } from '../../src/gate/testing/rig.ts'
import {
  allow,
  arrives,
  type Attack,
  each,
  head,
  HOST,
  OTHER,
  overTls,
  post,
  testFamily,
} from './harness.ts'
import { TOKEN } from './planted.ts'

const MAX = 64 * 1024
const LONG = 'a word '.repeat(12_000)
const chunked = (...fields: string[]): string =>
  head('POST /public/a', `Host: ${HOST}`, 'Transfer-Encoding: chunked', ...fields)
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const coded = (coding: string, body: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from(
      head(
        'POST /public/a',
        `Host: ${HOST}`,
        `Content-Encoding: ${coding}`,
        `Content-Length: ${body.length}`,
      ),
    ),
    body,
  ])

const tooLong = each(
  { told: 403, rule: 'invariant.body-too-long' },
  {
    'a body of more than is inspected, by its length': post('/public/a', LONG),
    'a length of more than is inspected, and no body yet': head(
      'POST /public/a',
      `Host: ${HOST}`,
      `Content-Length: ${10 * MAX}`,
    ),
    'a body of more than is inspected, in chunks':
      chunked() + chunk(LONG) + chunk(TOKEN) + chunk(''),
    'a body of more than is inspected, and it waits for permission': head(
      'POST /public/a',
      `Host: ${HOST}`,
      `Content-Length: ${10 * MAX}`,
      'Expect: 100-continue',
    ),
  },
)

const zeros = Buffer.alloc(32 * 1024 * 1024)
const bombs = each(
  { told: 403, rule: 'invariant.body-bomb' },
  {
    'a bomb of gzip': coded('gzip', zlib.gzipSync(zeros)),
    'a bomb of deflate': coded('deflate', zlib.deflateSync(zeros)),
    'a bomb of brotli': coded(
      'br',
      zlib.brotliCompressSync(zeros, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
    ),
    'a bomb of zstd': coded('zstd', zlib.zstdCompressSync(zeros)),
  },
)

const text = Buffer.from('{"a":1}')
const encodings = each(
  { told: 403, rule: 'invariant.body-encoding' },
  {
    'a coding that is not known': coded('compress', text),
    'a coding of one’s own': coded('x-secret', text),
    'two codings': coded('gzip, gzip', zlib.gzipSync(zlib.gzipSync(text))),
    'a coding that the body does not have': coded('gzip', text),
    'a coding in which a byte is wrong': coded(
      'gzip',
      Buffer.from(zlib.gzipSync(text)).fill(0, 12, 16),
    ),
    'brotli that is none': coded('br', Buffer.alloc(40, 0xff)),
    'zstd that is none': coded('zstd', text),
  },
)

const brokenOff: Attack = {
  name: 'a body that breaks off',
  run: async (world) => {
    const socket = world.wire.dial(await world.wire.lookUp(HOST), 443)
    const secure = await world.wire.secure(socket, { servername: HOST })
    secure.end(head('POST /public/a', `Host: ${HOST}`, 'Content-Length: 100') + TOKEN.slice(0, 9))
    return (await world.wire.talk(secure, [])) === '' ? 'reset' : 'answered'
  },
  told: 'reset',
  rule: 'invariant.body-incomplete',
}

/** What a rule lets pass unseen is streamed, and a secret in the part that is seen is not. */
const streamed: Attack = {
  name: 'a secret at the beginning of a body that a rule lets pass uninspected',
  run: overTls(post('/a', `${TOKEN} ${LONG}`).replace(`Host: ${HOST}`, `Host: ${OTHER}`), OTHER),
  told: 403,
  rule: 'detect.secret.gitlab-pat',
}

testFamily({
  rules: [
    allow(HOST, { paths: ['/public/**'] }),
    allow(OTHER, { options: { uninspected: true, maxBodyBytes: 4096 } }),
  ],
  egress: { ...PLAIN_EGRESS, inspection: { maxBodyBytes: MAX, treatments: {} } },
  controls: [
    arrives('a body that is inspected', post('/public/a', LONG.slice(0, MAX - 10))),
    arrives('a body that is inspected in gzip', coded('gzip', zlib.gzipSync(LONG))),
    arrives(
      'a long body that a rule lets pass uninspected',
      post('/a', LONG).replace(`Host: ${HOST}`, `Host: ${OTHER}`),
      OTHER,
    ),
  ],
  attacks: [...tooLong, ...bombs, ...encodings, brokenOff, streamed],
})
