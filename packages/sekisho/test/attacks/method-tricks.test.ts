import { allow, arrives, each, get, head, HOST, OTHER, post, testFamily } from './harness.ts'

const MALFORMED = 'invariant.http-malformed'
const BAD = { told: 400, rule: MALFORMED }
const OVERRIDE = { told: 403, rule: 'invariant.method-override' }
const UPGRADE = { told: 501, rule: 'invariant.upgrade' }

const by = (method: string, target = '/public/a'): string =>
  head(`${method} ${target}`, `Host: ${HOST}`)
const upgrade = (...fields: string[]): string =>
  `GET /public/a HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\n${fields.join('\r\n')}\r\n\r\n`

const unlisted = each(
  { told: 403, rule: 'default' },
  {
    'POST where only GET is open': post('/public/a', 'x'),
    'DELETE where only GET is open': by('DELETE'),
    'PUT where only GET is open': by('PUT'),
    'PATCH where only GET is open': by('PATCH'),
    'PROPFIND where only GET is open': by('PROPFIND'),
    'PURGE where only GET is open': by('PURGE'),
    'QUERY where only GET is open': by('QUERY'),
  },
)

const forbidden = each(
  { told: 405, rule: MALFORMED },
  {
    'TRACE, which echoes credentials': by('TRACE'),
    'CONNECT inside a connection': by('CONNECT', `${OTHER}:443`),
    'CONNECT to the same name': by('CONNECT', `${HOST}:443`),
  },
)

const unknown = each(BAD, {
  'a method that is none': by('FETCH'),
  'a method in small letters': by('get'),
  'a method of another protocol': by('EHLO'),
  'NUL in the method': by('GE\0T'),
  'TRACK, which echoes credentials': by('TRACK'),
  'HTTP/2 with prior knowledge': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
})

const OVERRIDES = [
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'X-Original-Method',
  'X_HTTP_Method_Override',
  'x-http_method-override',
]
const PATH_OVERRIDES = ['X-Original-URL', 'X-Original-URI', 'X-Rewrite-URL', 'X_Rewrite_URL']

const overrides = each(
  OVERRIDE,
  Object.fromEntries([
    ...OVERRIDES.map((name) => [
      `${name}, for another method`,
      get('/public/a', `${name}: DELETE`),
    ]),
    ...PATH_OVERRIDES.map((name) => [`${name}, for another path`, get('/public/a', `${name}: /x`)]),
  ]),
)

const upgrades = each(UPGRADE, {
  'an upgrade to h2c': upgrade('Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
  'the settings of h2c alone': get('/public/a', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
  'an upgrade to TLS': upgrade('Upgrade: TLS/1.0'),
  'an upgrade to something unknown': upgrade('Upgrade: tunnel'),
})

const webSocket = each(
  { told: 426, rule: 'invariant.upgrade' },
  {
    'a WebSocket where no rule grants one': upgrade(
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ),
  },
)

const expectations = each(
  { told: 417, rule: MALFORMED },
  { 'an expectation that nobody can meet': get('/public/a', 'Expect: the-unexpected') },
)

const sizes = each(
  { told: 431, rule: MALFORMED },
  {
    'more fields than anyone needs': get('/public/a', ...Array.from({ length: 127 }, () => 'X: 1')),
    'a head of more than 32 KiB': get('/public/a', `X: ${'a'.repeat(33 * 1024)}`),
  },
)

const targets = each(
  { told: 414, rule: MALFORMED },
  { 'a target longer than its record': get(`/public/${'a'.repeat(9_000)}`) },
)

testFamily({
  rules: [allow(HOST, { methods: ['GET', 'HEAD'], paths: ['/public/**'] })],
  controls: [arrives('GET, which is open')],
  attacks: [
    ...unlisted,
    ...forbidden,
    ...unknown,
    ...overrides,
    ...upgrades,
    ...webSocket,
    ...expectations,
    ...sizes,
    ...targets,
  ],
})
