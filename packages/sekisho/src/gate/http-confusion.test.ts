import { afterAll, beforeAll, expect, test } from 'vitest'
import { HOST, NOTHING_LEAKED, OTHER, rule, Scene } from './testing/scene.ts'

let scene: Scene
beforeAll(async () => {
  scene = await Scene.start({ rules: [rule({ methods: ['GET', 'POST', 'HEAD'] })] })
})
afterAll(() => scene.close())

const MALFORMED = 'invariant.http-malformed'
const AMBIGUOUS = 'invariant.ambiguous-path'
const MISMATCH = 'invariant.host-mismatch'
const OVERRIDE = 'invariant.method-override'

const message = (line: string, ...fields: string[]): string =>
  `${[`${line} HTTP/1.1`, `Host: ${HOST}`, ...fields].join('\r\n')}\r\n\r\n`
const get = (path: string, ...fields: string[]): string => message(`GET ${path}`, ...fields)
const post = (...fields: string[]): string => message('POST /', ...fields)
const chunked = (body: string): string => `${post('Transfer-Encoding: chunked')}${body}`

/** what goes over one connection, and the rule and status that meet it */
const attacks: [name: string, bytes: string, status: number, rule: string][] = [
  ['GET with a body', `${get('/', 'Content-Length: 5')}hello`, 400, MALFORMED],
  ['GET with chunks', `${get('/', 'Transfer-Encoding: chunked')}0\r\n\r\n`, 400, MALFORMED],
  ['HEAD with a body', `${message('HEAD /', 'Content-Length: 5')}hello`, 400, MALFORMED],
  ['TRACK', message('TRACK /'), 400, MALFORMED],
  ['a length with a plus', `${post('Content-Length: +5')}hello`, 400, MALFORMED],
  ['a negative length', `${post('Content-Length: -5')}hello`, 400, MALFORMED],
  ['a length that is octal to some', `${post('Content-Length: 05')}hello`, 400, MALFORMED],
  ['a length in hexadecimal', `${post('Content-Length: 0x5')}hello`, 400, MALFORMED],
  ['a list of lengths', `${post('Content-Length: 5, 5')}hello`, 400, MALFORMED],
  ['a length of 20 digits', post(`Content-Length: ${'9'.repeat(20)}`), 400, MALFORMED],
  ['a length of 16 digits', post(`Content-Length: ${'9'.repeat(16)}`), 400, MALFORMED],
  ['no length in its field', post('Content-Length:'), 400, MALFORMED],
  ['a space before the length’s colon', `${post('Content-Length : 5')}hello`, 400, MALFORMED],
  [
    'the coding twice',
    post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
    400,
    MALFORMED,
  ],
  ['a coding that is unknown', post('Transfer-Encoding: xchunked'), 501, MALFORMED],
  ['a coding in quotes', post('Transfer-Encoding: "chunked"'), 501, MALFORMED],
  ['a coding behind a vertical tab', post('Transfer-Encoding:\x0bchunked'), 400, MALFORMED],
  ['a coding with NUL in its name', post('Transfer-Encoding\0: chunked'), 400, MALFORMED],
  ['a coding on a folded line', post('X-A: b', ' Transfer-Encoding: chunked'), 400, MALFORMED],
  ['a coding behind a bare line feed', post('X-A: b\nTransfer-Encoding: chunked'), 400, MALFORMED],
  ['a coding behind a bare return', post('X-A: b\rTransfer-Encoding: chunked'), 400, MALFORMED],
  ['the coding with underscores', post('Transfer_Encoding: chunked'), 400, MALFORMED],
  [
    'a parameter of the coding',
    `${post('Transfer-Encoding: chunked;q=1')}0\r\n\r\n`,
    501,
    MALFORMED,
  ],
  ['HTTP/0.9', 'GET /\r\n\r\n', 505, MALFORMED],
  ['a tab in the request line', `GET\t/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 400, MALFORMED],
  ['a method in lower case', `get / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 400, MALFORMED],
  ['a name without a colon', get('/', 'X-A'), 400, MALFORMED],
  ['a name of nothing', get('/', ': b'), 400, MALFORMED],
  ['a Host with NUL', `GET / HTTP/1.1\r\nHost: ${HOST}\0.${OTHER}\r\n\r\n`, 400, MALFORMED],
  ['a Host with an empty port', `GET / HTTP/1.1\r\nHost: ${HOST}:\r\n\r\n`, 421, MISMATCH],
  ['a Host with two ports', `GET / HTTP/1.1\r\nHost: ${HOST}:443:80\r\n\r\n`, 421, MISMATCH],
  ['a list of Hosts', `GET / HTTP/1.1\r\nHost: ${HOST}, ${OTHER}\r\n\r\n`, 421, MISMATCH],
  ['a Host in percent-escapes', `GET / HTTP/1.1\r\nHost: api%2eexample.com\r\n\r\n`, 421, MISMATCH],
  [
    'a Host with a fullwidth dot',
    `GET / HTTP/1.1\r\nHost: api\xef\xbc\x8eexample.com\r\n\r\n`,
    421,
    MISMATCH,
  ],
  ['a Host that is an address', `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`, 421, MISMATCH],
  ['an absolute form with a backslash', get(`https://${HOST}\\@${OTHER}/`), 400, MALFORMED],
  ['an absolute form without slashes', get(`https:${HOST}/`), 400, MALFORMED],
  ['an absolute form with another port', get(`https://${HOST}:444/`), 421, MISMATCH],
  ['an authority form for GET', get(`${HOST}:443`), 400, MALFORMED],
  ['a target that names a host without a scheme', get(`//${OTHER}/`), 400, AMBIGUOUS],
  ['dot segments in overlong UTF-8', get('/a/%c0%ae%c0%ae/b'), 400, AMBIGUOUS],
  ['dot segments in fullwidth', get('/a/%ef%bc%8e%ef%bc%8e/b'), 400, AMBIGUOUS],
  ['dot segments before a space', get('/a/..%20/b'), 400, AMBIGUOUS],
  ['a path encoded five times', get('/%2525252561'), 400, AMBIGUOUS],
  ['X-Forwarded-Host of another', get('/', `X-Forwarded-Host: ${OTHER}`), 421, MISMATCH],
  ['Forwarded for another host', get('/', `Forwarded: host=${OTHER}`), 421, MISMATCH],
  ['X-Host of another', get('/', `X-Host: ${OTHER}`), 421, MISMATCH],
  ['X-Rewrite-URL', get('/', 'X-Rewrite-URL: /admin'), 403, OVERRIDE],
  ['X-HTTP-Method', get('/', 'X-HTTP-Method: DELETE'), 403, OVERRIDE],
  ['X-Method-Override', get('/', 'X-Method-Override: DELETE'), 403, OVERRIDE],
  ['X-Forwarded-Uri', get('/', 'X-Forwarded-Uri: /admin'), 403, OVERRIDE],
]

test.for(attacks)('%s: denied, recorded, nothing leaves', async ([, bytes, status, by]) => {
  const before = scene.rig.keyholder.intents().length
  const reply = await scene.rig.send(HOST, bytes)
  expect(reply.split('\r\n')[0]).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(reply).toContain(`x-sekisho-rule: ${by}\r\n`)
  expect(rulesSince(before)).toEqual([[by]])
  expect(scene.leaked).toEqual(NOTHING_LEAKED)
})

/** llhttp has read a head by then, so the request is under way: it must not become a whole one. */
const LATE: [name: string, bytes: string][] = [
  ['a chunk size with 0x', chunked('0x5\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size with a plus', chunked('+5\r\nhello\r\n0\r\n\r\n')],
  ['a chunk size with a space', chunked('5 \r\nhello\r\n0\r\n\r\n')],
  ['a chunk size above 64 bits', chunked('10000000000000005\r\nhello\r\n0\r\n\r\n')],
  ['a chunk that is longer than its size', chunked('4\r\nhello\r\n0\r\n\r\n')],
  ['a chunk extension with a line feed', chunked('5;a=b\nX\r\nhello\r\n0\r\n\r\n')],
  ['a chunk extension in an open quote', chunked('5;a="b\r\nhello\r\n0\r\n\r\n')],
  ['chunks that end in bare line feeds', chunked('5\nhello\n0\n\n')],
]

test.for(LATE)('%s: the request never arrives whole, and is answered once', async ([, bytes]) => {
  const whole = scene.canary.requests.length
  const reply = await scene.rig.send(HOST, bytes)
  expect(reply.match(/HTTP\/1\.1 \d+/g)?.length ?? 0).toBeLessThanOrEqual(1)
  expect(reply).not.toContain('HTTP/1.1 200')
  expect(scene.canary.requests.length).toBe(whole)
})

function rulesSince(before: number): string[][] {
  return scene.rig.keyholder
    .intents()
    .slice(before)
    .filter(({ action }) => action.kind !== 'dns.resolve')
    .map(({ verdict }) => [...verdict.rules])
}
