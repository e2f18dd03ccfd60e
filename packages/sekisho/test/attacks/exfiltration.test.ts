import { generateKeyPairSync } from 'node:crypto'
import zlib from 'node:zlib'
import { makeCanary } from '../../src/detect/egress/canaries/make-canary.ts'
import { canaryPrints } from '../../src/detect/egress/canaries/canary-prints.ts'
import { makeSecretPrints } from '../../src/detect/egress/secret-prints/make-secret-prints.ts'
import type { SecretPrintSet } from '../../src/wire/secret-prints.ts'
import {
  allow,
  arrives,
  type Attack,
  each,
  get,
  head,
  HOST,
  overTls,
  post,
  testFamily,
} from './harness.ts'
import { TOKEN } from './planted.ts'

const KEY = Buffer.alloc(32, 7)
const CANARY = makeCanary(Buffer.alloc(128, 0x5a))
const canary = CANARY.tokens.find(({ name }) => name === 'aws-secret-access-key')?.value ?? ''
/** a secret of the platform that looks like nothing in particular */
const SECRET = ['correct', 'horse', 'battery', 'staple', '42'].join('~')

function prints(): SecretPrintSet {
  const own = [
    ['db', SECRET],
    ['phrase', SPACED],
  ].map(([name = '', value = '']) => {
    const made = makeSecretPrints(name, value, KEY)
    if (made.kind === 'refused') throw new Error(made.reason)
    return made.prints
  })
  return { key: KEY.toString('base64'), secrets: [...own, ...canaryPrints(CANARY, KEY)] }
}

type Kind = { what: string; value: string; rule: string }
const KINDS: readonly Kind[] = [
  { what: 'a canary', value: canary, rule: 'detect.canary.aws-secret-access-key' },
  { what: 'a secret of the platform', value: SECRET, rule: 'detect.platform.db' },
  { what: 'a token of a known format', value: TOKEN, rule: 'detect.secret.gitlab-pat' },
]

const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const base64url = (text: string): string => Buffer.from(text).toString('base64url')
const hex = (text: string): string => Buffer.from(text).toString('hex')
const unicode = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `\\u${byte.toString(16).padStart(4, '0')}`).join('')

/** Places in a request, each with the value as it is. */
function places(value: string): Record<string, string> {
  const v = encodeURIComponent(value)
  const form = (part: string): string =>
    post(
      '/public/a',
      `--b\r\n${part}\r\n--b--\r\n`,
      'Content-Type: multipart/form-data; boundary=b',
    )
  return {
    'in the path': get(`/public/${v}`),
    'in the query': get(`/public/a?b=${v}`),
    'as the name of a parameter': get(`/public/a?${v}=1`),
    'in a header': get('/public/a', `X-Data: ${value}`),
    'in a cookie': get('/public/a', `Cookie: a=1; b=${value}`),
    'in the user agent': get('/public/a', `User-Agent: curl/8 ${value}`),
    'in the referrer': get('/public/a', `Referer: https://a.example/${v}`),
    'as a bearer token': get('/public/a', `Authorization: Bearer ${value}`),
    'as a password': get('/public/a', `Authorization: Basic ${base64(`user:${value}`)}`),
    'as an entity tag': get('/public/a', `If-None-Match: "${value}"`),
    'in plain text': post('/public/a', `see ${value} there`, 'Content-Type: text/plain'),
    'in JSON': post('/public/a', JSON.stringify({ a: [value] }), 'Content-Type: application/json'),
    'in a form': post('/public/a', `a=1&b=${v}`, 'Content-Type: application/x-www-form-urlencoded'),
    'in a part of a form': form(`Content-Disposition: form-data; name="a"\r\n\r\n${value}`),
    'in the name of a file': form(
      `Content-Disposition: form-data; name="a"; filename="${value}"\r\n\r\nx`,
    ),
    'in XML': post('/public/a', `<a b='${value}'/>`, 'Content-Type: application/xml'),
    'in a body without a type': post('/public/a', value),
    'in a body that says to be an image': post('/public/a', value, 'Content-Type: image/png'),
    'behind a megabyte of harmless text': post('/public/a', `${'a word '.repeat(150_000)}${value}`),
  }
}

/** Spellings of the value, each in a place where it could be put. */
function spellings(value: string): Record<string, string | string[]> {
  const half = Math.floor(value.length / 2)
  return {
    'in base64': post('/public/a', base64(value)),
    'in base64 for URLs': get(`/public/a?b=${base64url(value)}`),
    'in base64 of more than itself': post('/public/a', base64(`{"k":"${value}"}`)),
    'in base64 of base64': post('/public/a', base64(base64(value))),
    'in base64 in JSON': post('/public/a', JSON.stringify({ a: base64(`x ${value}`) })),
    'in hexadecimal': post('/public/a', hex(value)),
    'in hexadecimal capitals, in the query': get(`/public/a?b=${hex(value).toUpperCase()}`),
    'in hexadecimal of base64': post('/public/a', hex(base64(`${value} `))),
    'percent-encoded to the last letter': get(`/public/a?b=${percent(value)}`),
    'percent-encoded twice': get(`/public/a?b=${percent(percent(value))}`),
    'in escapes of JSON': post('/public/a', `{"a":"${unicode(value)}"}`),
    'in UTF-16': post('/public/a', Buffer.from(value, 'utf16le')),
    'over two chunks': [
      head('POST /public/a', `Host: ${HOST}`, 'Transfer-Encoding: chunked'),
      `${half.toString(16)}\r\n${value.slice(0, half)}\r\n`,
      `${(value.length - half).toString(16)}\r\n${value.slice(half)}\r\n0\r\n\r\n`,
    ],
    'letter by letter in chunks': `${head('POST /public/a', `Host: ${HOST}`, 'Transfer-Encoding: chunked')}${value
      .split('')
      .map((c) => `1\r\n${c}\r\n`)
      .join('')}0\r\n\r\n`,
  }
}

/** Codings of a whole body. */
function codings(value: string): Record<string, Buffer> {
  const text = Buffer.from(`{"a":"${value}"}`)
  const packed = (coding: string, body: Buffer): Buffer =>
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
  return {
    'in gzip': packed('gzip', zlib.gzipSync(text)),
    'in deflate': packed('deflate', zlib.deflateSync(text)),
    'in brotli': packed('br', zlib.brotliCompressSync(text)),
    'in zstd': packed('zstd', zlib.zstdCompressSync(text)),
    'in gzip of base64': packed('gzip', zlib.gzipSync(base64(text.toString()))),
    'in base64 of gzip': packed('identity', Buffer.from(zlib.gzipSync(text).toString('base64'))),
  }
}

const attacks: Attack[] = KINDS.flatMap(({ what, value, rule }) => {
  const rows = { ...places(value), ...spellings(value), ...codings(value) }
  return each({ told: 403, rule }, rows).map((attack) => ({
    ...attack,
    name: `${what} ${attack.name}`,
  }))
})

/** Spaces are written as `+` in a query, and as themselves in a field. */
const SPACED = ['open', 'sesame', 'valley', '4711'].join(' ')
const PLUSSED = `b=${SPACED.replaceAll(' ', '+')}`
const spaced = each(
  { told: 403, rule: 'detect.platform.phrase' },
  {
    'a secret with spaces in a query': get(`/public/a?${PLUSSED}`),
    'a secret with spaces in a query, after the same in a field': get(
      `/public/a?x${PLUSSED}`,
      `X-Data: x${PLUSSED}`,
    ),
    'a secret with spaces in a form': post(
      '/public/a',
      PLUSSED,
      'Content-Type: application/x-www-form-urlencoded',
    ),
  },
)

/** Made here: the whole of a key, as its file is put into a query. */
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const KEY_FILE = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const KEY_QUERY = `k=${encodeURIComponent(KEY_FILE).replaceAll('%20', '+')}`
const keys = each(
  { told: 403, rule: 'detect.secret.private-key-pkcs8' },
  {
    'a private key in a query': get(`/public/a?${KEY_QUERY}`),
    'a private key in a query, after the same in a field': get(
      `/public/a?x${KEY_QUERY}`,
      `X-Data: x${KEY_QUERY}`,
    ),
    'a private key in JSON': post('/public/a', JSON.stringify({ k: KEY_FILE })),
  },
)

/** What is said first is harmless and stands in both; its header tells how to read what comes later. */
const LONG = 'she reads a file and he writes one, till it is late and they go to \\"'.repeat(400)
const STORED = Buffer.alloc(5)
STORED.writeUInt16LE(LONG.length - 400, 1)
STORED.writeUInt16LE((LONG.length - 400) ^ 0xff_ff, 3)
const escaped = (bytes: Buffer): string => bytes.toString('hex').replaceAll(/../g, '%$&')
const BEGUN = escaped(Buffer.concat([Buffer.from('1f8b0800000000000003', 'hex'), STORED])) + LONG
const inBody = (text: string): string =>
  post('/public/a', `{"a":"${text}"}`, 'Content-Type: application/json')
const inTwo: Attack = {
  name: 'a secret packed behind the gzip that an earlier request began in escapes',
  run: async (world) => {
    const first = await overTls(inBody(BEGUN))(world)
    const packed = escaped(zlib.deflateRawSync(Buffer.from(`see ${SECRET} there`)))
    return `${first}; ${await overTls(inBody(BEGUN + packed))(world)}`
  },
  told: '200; 403 detect.platform.db',
  rule: 'detect.platform.db',
  record: [`allow ${HOST}`, 'deny detect.platform.db'],
  arrived: [`POST ${HOST}/public/a`],
}

testFamily({
  rules: [allow(HOST, { paths: ['/public/**'] })],
  prints: prints(),
  controls: [
    arrives('a body without secrets', post('/public/a', 'nothing to see')),
    arrives('half of a secret', post('/public/a', SECRET.slice(0, 12))),
  ],
  attacks: [...attacks, ...spaced, ...keys, inTwo],
})
