import { expect } from 'vitest'
import { CREDENTIAL, PLACEHOLDER, REAL } from '../../src/gate/testing/scene.ts'
import {
  allow,
  type Attack,
  each,
  get,
  head,
  HOST,
  OTHER,
  overTcp,
  overTls,
  post,
  testFamily,
  type World,
} from './harness.ts'

const RULE = 'invariant.placeholder-misuse'
const MISUSE = { told: 403, rule: RULE }
const AUTH = `Authorization: Bearer ${PLACEHOLDER}`
const HEX = Buffer.from(PLACEHOLDER).toString('hex')
const BASE64 = Buffer.from(`x${PLACEHOLDER}`).toString('base64url')
const HALF = PLACEHOLDER.length / 2

const basic = (text: string): string =>
  `Authorization: Basic ${Buffer.from(text).toString('base64')}`
const toOther = (request: string): string => request.replace(`Host: ${HOST}`, `Host: ${OTHER}`)
const escaped = [...Buffer.from(PLACEHOLDER)].map((byte) => `%${byte.toString(16)}`).join('')

const inHead = each(MISUSE, {
  'in the path': get(`/public/${PLACEHOLDER}`),
  'in the query': get(`/public/a?k=${PLACEHOLDER}`),
  'in the query, percent-encoded': get(`/public/a?k=${escaped}`),
  'in the query, in hexadecimal': get(`/public/a?k=${HEX}`),
  'in the path, in base64': get(`/public/${BASE64}`),
  'in another header': get('/public/a', `X-Key: ${PLACEHOLDER}`),
  'in another header, in hexadecimal': get('/public/a', `X-Key: ${HEX}`),
  'in a cookie': get('/public/a', `Cookie: a=${PLACEHOLDER}`),
  'in a cookie beside its own header': get('/public/a', AUTH, `Cookie: a=${PLACEHOLDER}`),
  'as the name of a header': get('/public/a', `X-${HEX}: 1`),
  'in the user agent': get('/public/a', `User-Agent: ${PLACEHOLDER}`),
  'in the referrer': get('/public/a', `Referer: https://a.example/?${PLACEHOLDER}`),
  'in another header beside a body that holds it': post(
    '/public/a',
    PLACEHOLDER,
    `X-Key: ${PLACEHOLDER}`,
  ),
})

const elsewhere = each(
  { ...MISUSE, via: (sent) => overTls(sent, OTHER) },
  {
    'in its header': toOther(get('/a', AUTH)),
    'as a password': toOther(get('/a', basic(`u:${PLACEHOLDER}`))),
    'as a user': toOther(get('/a', basic(`${PLACEHOLDER}:`))),
    'in the body': toOther(post('/a', PLACEHOLDER)),
    'in the body, in base64': toOther(post('/a', BASE64)),
    'in the body, in hexadecimal': toOther(post('/a', HEX)),
    'in the body, in JSON': toOther(post('/a', JSON.stringify({ k: PLACEHOLDER }))),
    'in the body, over two segments': [
      toOther(head('POST /a', `Host: ${HOST}`, `Content-Length: ${PLACEHOLDER.length}`)),
      PLACEHOLDER.slice(0, HALF),
      PLACEHOLDER.slice(HALF),
    ],
    'in the body, over two chunks': [
      toOther(head('POST /a', `Host: ${HOST}`, 'Transfer-Encoding: chunked')),
      `5\r\n${PLACEHOLDER.slice(0, 5)}\r\n`,
      `20\r\n${PLACEHOLDER.slice(5)}\r\n`,
      '0\r\n\r\n',
    ],
  },
)

const attacks: Attack[] = [
  ...inHead.map((attack) => ({ ...attack, name: `a placeholder ${attack.name}` })),
  ...elsewhere.map((attack) => ({
    ...attack,
    name: `a placeholder to another host ${attack.name}`,
  })),
  {
    name: 'a placeholder in its own header, over plain http to its own host',
    run: overTcp(get('/public/a', AUTH)),
    ...MISUSE,
  },
]

async function attachAndEcho(world: World): Promise<void> {
  world.outside.reply = ({ headers }) => `<${headers.authorization ?? ''}>`
  const socket = world.wire.dial(await world.wire.lookUp(HOST), 443)
  const secure = await world.wire.secure(socket, { servername: HOST })
  const reply = await world.wire.talk(secure, [get('/public/a', AUTH)])
  world.outside.reply = () => 'hello'
  expect(world.outside.requests.at(-1)?.headers.authorization).toBe(`Bearer ${REAL}`)
  expect(reply).not.toContain(REAL)
  expect(reply).toMatch(/<Bearer \[sekisho:scrubbed\]\**>/)
}

testFamily({
  rules: [
    allow(HOST, { paths: ['/public/**'] }),
    allow(HOST, { id: 'plain', scheme: 'http', port: 80 }),
    allow(OTHER),
  ],
  credentials: [CREDENTIAL],
  prepare: ({ wire }) => void wire.keyholder.secrets.set('token', REAL),
  controls: [
    {
      name: 'the value arrives in its place, and a reply that echoes it is scrubbed',
      run: attachAndEcho,
    },
  ],
  attacks,
})
