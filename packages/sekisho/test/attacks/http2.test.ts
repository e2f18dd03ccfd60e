import { FRAME } from '../../src/gate/http2-frames.ts'
import { expect } from 'vitest'
import {
  allow,
  arrives,
  type Attack,
  type Control,
  EVIL,
  HOST,
  OTHER,
  testFamily,
} from './harness.ts'
import {
  type Field,
  FLAG,
  framedRows,
  frame,
  overHttp2,
  pseudo,
  PSEUDO,
  request,
  upload,
} from './http2-client.ts'
import { TOKEN, TOKEN_RULE } from './planted.ts'

type Rows = Readonly<Record<string, readonly Field[]>>

const heads = (same: { told: string; rule: string }, rows: Rows): Attack[] =>
  Object.entries(rows).map(([name, fields]) => ({
    ...same,
    name: `${name}, in HTTP/2`,
    run: overHttp2(request(fields)),
  }))

const mismatch = heads(
  { told: '421', rule: 'invariant.host-mismatch' },
  {
    ':authority is another allowed name': pseudo({ ':authority': OTHER }),
    ':authority is a name that no rule allows': pseudo({ ':authority': EVIL }),
    ':authority has another port': pseudo({ ':authority': `${HOST}:8443` }),
    ':authority is an address': pseudo({ ':authority': '169.254.169.254' }),
    ':scheme is http': pseudo({ ':scheme': 'http' }),
    'host is another name than :authority': [...PSEUDO, ['host', EVIL]],
    'a forwarding header names another host': [...PSEUDO, ['x-forwarded-host', EVIL]],
  },
)

const paths = heads(
  { told: '400', rule: 'invariant.ambiguous-path' },
  {
    'dot segments': pseudo({ ':path': '/public/../private' }),
    'dot segments, encoded': pseudo({ ':path': '/public/%2e%2e/private' }),
    'a path that names a host': pseudo({ ':path': `//${EVIL}/a` }),
  },
)

const closed = heads(
  { told: '403', rule: 'default' },
  {
    'a closed path': pseudo({ ':path': '/private' }),
    'a closed method': pseudo({ ':method': 'DELETE' }),
  },
)

const overrides = heads(
  { told: '403', rule: 'invariant.method-override' },
  {
    'a field that overrides the method': [...PSEUDO, ['x-http-method-override', 'DELETE']],
    'a field that overrides the path': [...PSEUDO, ['x-original-url', '/private']],
  },
)

const secrets = heads(
  { told: '403', rule: TOKEN_RULE },
  {
    'a secret in the path': pseudo({ ':path': `/public/${TOKEN}` }),
    'a secret in a field': [...PSEUDO, ['x-data', TOKEN]],
    'a secret in a cookie': [...PSEUDO, ['cookie', 'a=1'], ['cookie', `b=${TOKEN}`]],
  },
)

const methods = heads(
  { told: '405', rule: 'invariant.http-malformed' },
  { TRACE: pseudo({ ':method': 'TRACE' }) },
)

const MALFORMED = 'invariant.http-malformed'
const POST = pseudo({ ':method': 'POST' })
const LATE: Field[] = [...pseudo({ ':path': undefined }), ['x-a', 'b'], [':path', '/private']]
const WEB_SOCKET: Field[] = [...pseudo({ ':method': 'CONNECT' }), [':protocol', 'websocket']]

/** What the parser resets by itself. */
const unreadable = [
  ...heads(
    { told: 'RST PROTOCOL_ERROR', rule: MALFORMED },
    {
      ':authority has user information': pseudo({ ':authority': `x@${HOST}` }),
      'two :authority': [...PSEUDO, [':authority', EVIL]],
      'two :path': [...PSEUDO, [':path', '/private']],
      'a pseudo-header field behind others': LATE,
      'an unknown pseudo-header field': [...PSEUDO, [':fancy', 'b']],
      'the pseudo-header field of replies': [...PSEUDO, [':status', '200']],
      'no :path': pseudo({ ':path': undefined }),
      'an empty :path': pseudo({ ':path': '' }),
      ':path is a URL of another name': pseudo({ ':path': `https://${EVIL}/` }),
      'no :authority and no host': pseudo({ ':authority': undefined }),
      'no :method': pseudo({ ':method': undefined }),
      'a field in capitals': [...PSEUDO, ['X-Upper', 'a']],
      'a connection field': [...PSEUDO, ['connection', 'close']],
      'an upgrade': [...PSEUDO, ['upgrade', 'h2c']],
      'a transfer coding': [...PSEUDO, ['transfer-encoding', 'chunked']],
      'te for another coding': [...PSEUDO, ['te', 'gzip']],
      'a tunnel for a WebSocket': WEB_SOCKET,
      'a length and no body': [...POST, ['content-length', '9']],
    },
  ),
  ...framedRows(
    { told: 'RST PROTOCOL_ERROR', rule: MALFORMED },
    { 'two lengths': [upload([...POST, ['content-length', '3'], ['content-length', '4']], 'abc')] },
  ),
  ...heads(
    { told: 'RST ENHANCE_YOUR_CALM', rule: MALFORMED },
    {
      'two hundred fields': [
        ...PSEUDO,
        ...Array.from({ length: 200 }, (_, index): Field => [`x-${index}`, '1']),
      ],
    },
  ),
]

const refused = [
  ...heads(
    { told: '400', rule: MALFORMED },
    { 'host in place of :authority': [...pseudo({ ':authority': undefined }), ['host', HOST]] },
  ),
  ...heads(
    { told: '405', rule: MALFORMED },
    {
      'a tunnel to another name': [
        [':method', 'CONNECT'],
        [':authority', `${EVIL}:443`],
      ],
    },
  ),
  ...framedRows({ told: '400', rule: MALFORMED }, { 'GET with a body': [upload(pseudo(), 'abc')] }),
]

const bodies = [
  ...framedRows({ told: '403', rule: TOKEN_RULE }, { 'a secret in a body': [upload(POST, TOKEN)] }),
  ...framedRows(
    { told: '403', rule: TOKEN_RULE },
    {
      'a secret in a body, over two frames': [
        upload(POST, TOKEN.slice(0, 9), []).subarray(0, -9),
        frame(FRAME.data, { flags: FLAG.endStream, stream: 1 }, Buffer.from(TOKEN.slice(9))),
      ],
    },
  ),
  ...framedRows(
    {
      told: 'RST INTERNAL_ERROR',
      rule: 'invariant.trailers',
      record: ['deny invariant.trailers', 'deny invariant.body-incomplete'],
    },
    { 'a secret in trailers': [upload(POST, 'abc', [['x-a', TOKEN]])] },
  ),
  ...framedRows(
    { told: 'RST PROTOCOL_ERROR', rule: 'invariant.body-incomplete' },
    {
      'a path in trailers': [upload(POST, 'abc', [[':path', '/private']])],
      'a body shorter than its length': [upload([...POST, ['content-length', '9']], 'abc')],
    },
  ),
  ...framedRows(
    {
      told: 'reset',
      rule: 'invariant.http2-abuse',
      record: ['deny invariant.body-incomplete', 'deny invariant.http2-abuse'],
    },
    { 'a body longer than its length': [upload([...POST, ['content-length', '1']], 'abc')] },
  ),
]

const asked: Control = {
  name: 'a request and a body by HTTP/2',
  run: async (world) => {
    expect(await overHttp2(request(PSEUDO))(world)).toBe('200')
    expect(await overHttp2(upload(POST, 'nothing to see'))(world)).toBe('200')
    expect(world.outside.requests.at(-1)?.body).toBe('nothing to see')
  },
}

testFamily({
  rules: [allow(HOST, { paths: ['/public/**'], methods: ['GET', 'POST'] }), allow(OTHER)],
  controls: [arrives('a request by HTTP/1.1'), asked],
  attacks: [
    ...mismatch,
    ...paths,
    ...closed,
    ...overrides,
    ...secrets,
    ...methods,
    ...unreadable,
    ...refused,
    ...bodies,
  ],
})
