import { afterAll, beforeAll, expect, test } from 'vitest'
import { get, HOST, head, NOTHING_LEAKED, OTHER, rule, Scene } from './testing/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await Scene.start({
    rules: [
      rule({ paths: ['/public/**', '/'], methods: ['GET', 'POST'] }),
      rule({ id: 'other', host: OTHER }),
    ],
  })
})
afterAll(() => scene.close())

type Attack = { name: string; bytes: string; status: number; rule: string }

const attacks: Attack[] = [
  {
    name: 'a path that no rule allows',
    bytes: get('/private'),
    status: 403,
    rule: 'default',
  },
  {
    name: 'a method that no rule allows',
    bytes: head('DELETE /public/a', `Host: ${HOST}`),
    status: 403,
    rule: 'default',
  },
  {
    name: 'Host other than the server name',
    bytes: head('GET /public/a', `Host: ${OTHER}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'Host with another port',
    bytes: head('GET /public/a', `Host: ${HOST}:8443`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'Host with user information',
    bytes: head('GET /public/a', `Host: ${HOST}@${OTHER}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'two Hosts',
    bytes: head('GET /public/a', `Host: ${HOST}`, `Host: ${OTHER}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'the same Host twice',
    bytes: head('GET /public/a', `Host: ${HOST}`, `Host: ${HOST}`),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'no Host',
    bytes: head('GET /public/a'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'an absolute form to another host',
    bytes: head(`GET https://${OTHER}/public/a`, `Host: ${HOST}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'an absolute form with another scheme',
    bytes: head(`GET http://${HOST}/public/a`, `Host: ${HOST}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'an absolute form with user information',
    bytes: head(`GET https://x@${HOST}/public/a`, `Host: ${HOST}`),
    status: 421,
    rule: 'invariant.host-mismatch',
  },
  {
    name: 'an asterisk form',
    bytes: head('OPTIONS *', `Host: ${HOST}`),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'CONNECT',
    bytes: head(`CONNECT ${OTHER}:443`, `Host: ${HOST}`),
    status: 405,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'TRACE',
    bytes: head('TRACE /public/a', `Host: ${HOST}`),
    status: 405,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'Content-Length and Transfer-Encoding',
    bytes: head(
      'POST /public/a',
      `Host: ${HOST}`,
      'Content-Length: 3',
      'Transfer-Encoding: chunked',
    ),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'two Content-Lengths',
    bytes: head('POST /public/a', `Host: ${HOST}`, 'Content-Length: 3', 'Content-Length: 30'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a transfer coding beside chunked',
    bytes: head('POST /public/a', `Host: ${HOST}`, 'Transfer-Encoding: gzip, chunked'),
    status: 501,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a Content-Length under another spelling',
    bytes: head('POST /public/a', `Host: ${HOST}`, 'Content_Length: 3'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a folded header',
    bytes: head('GET /public/a', `Host: ${HOST}`, 'X-A: b\r\n c'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a space before the colon',
    bytes: head('GET /public/a', `Host: ${HOST}`, 'X-A : b'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'NUL in a header',
    bytes: head('GET /public/a', `Host: ${HOST}`, 'X-A: b\0c'),
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'bare line feeds',
    bytes: `GET /public/a HTTP/1.1\nHost: ${HOST}\n\n`,
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a fragment in the target',
    bytes: head('GET /public/a#b', `Host: ${HOST}`),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'dot segments',
    bytes: get('/public/../private'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'encoded dot segments',
    bytes: get('/public/%2e%2E/private'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'dot segments with a path parameter',
    bytes: get('/public/..;/private'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'dot segments behind an encoded slash',
    bytes: get('/public/..%2fprivate'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'a backslash',
    bytes: get('/public\\..\\private'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'doubly encoded dot segments',
    bytes: get('/public/%252e%252e/private'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'NUL in the path',
    bytes: get('/public/a%00.txt'),
    status: 400,
    rule: 'invariant.ambiguous-path',
  },
  {
    name: 'a method override',
    bytes: get('/public/a', 'X-HTTP-Method-Override: DELETE'),
    status: 403,
    rule: 'invariant.method-override',
  },
  {
    name: 'a method override spelled with underscores',
    bytes: get('/public/a', 'X_HTTP_Method_Override: DELETE'),
    status: 403,
    rule: 'invariant.method-override',
  },
  {
    name: 'a path override',
    bytes: get('/public/a', 'X-Original-URL: /private'),
    status: 403,
    rule: 'invariant.method-override',
  },
  {
    name: 'a WebSocket upgrade',
    bytes: `GET /public/a HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n`,
    status: 426,
    rule: 'invariant.upgrade',
  },
  {
    name: 'an upgrade to h2c',
    bytes: get('/public/a', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'),
    status: 501,
    rule: 'invariant.upgrade',
  },
  {
    name: 'HTTP/2 with prior knowledge',
    bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    status: 400,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'HTTP/1.0',
    bytes: `GET /public/a HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`,
    status: 505,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'an expectation nobody can meet',
    bytes: get('/public/a', 'Expect: the-unexpected'),
    status: 417,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'too many fields',
    bytes: get('/public/a', ...Array.from({ length: 127 }, (_, index) => `X-${index}: 1`)),
    status: 431,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a head of more than 32 KiB',
    bytes: get('/public/a', `X-A: ${'a'.repeat(33 * 1024)}`),
    status: 431,
    rule: 'invariant.http-malformed',
  },
  {
    name: 'a target longer than a leaf',
    bytes: get(`/public/${'a'.repeat(9000)}`),
    status: 414,
    rule: 'invariant.http-malformed',
  },
]

test.for(attacks)(
  '$name: denied, recorded, nothing leaves',
  async ({ bytes, status, rule: by }) => {
    const before = scene.rig.keyholder.intents().length
    const reply = await scene.rig.send(HOST, bytes)
    expect(reply.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(reply).toContain(`x-sekisho-rule: ${by}\r\n`)
    expect(reply).toContain('x-sekisho-verdict: deny\r\n')
    expect(reply).toMatch(/connection: (upgrade, )?close\r\n/i)
    expect(reply.includes('\r\nupgrade: HTTP/1.1\r\n')).toBe(status === 426)
    expect(reply).toContain('{"error":{"type":"sekisho_denied","message":')
    const denials = scene.rig.keyholder
      .intents()
      .slice(before)
      .filter(({ action }) => action.kind !== 'dns.resolve')
    expect(denials.map(({ verdict }) => [verdict.kind, verdict.rules])).toEqual([['deny', [by]]])
    expect(scene.leaked).toEqual(NOTHING_LEAKED)
  },
)

test('the agent is told the kind of refusal, not the inputs of the rule', async () => {
  const reply = await scene.rig.send(HOST, get('/private/thing'))
  expect(reply).not.toContain('/private')
  expect(reply).not.toContain('/public')
})

test.for([
  ['after Connection: close', get('/public/../x')],
  ['on a connection that would be kept', `GET /public/../x HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
] as const)('what is pipelined behind a refusal is dropped, %s', async ([, refused]) => {
  const smuggled = `GET /public/smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
  const reply = await scene.rig.send(HOST, refused + smuggled)
  expect(reply.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 400'])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})
