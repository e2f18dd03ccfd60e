import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHead } from './http-head.ts'
import { readHttp2Head } from './http2-head.ts'

const ROUTE = { scheme: 'https', host: 'api.example.com', port: 443 } as const
const GET = Object.entries({
  ':method': 'GET',
  ':scheme': 'https',
  ':authority': 'api.example.com',
  ':path': '/a/b?c=d',
}).flat()

test('a request is the same action as by HTTP/1.1', () => {
  const raw = [...GET, 'host', 'api.example.com', 'cookie', 'a=1', 'x-a', 'b', 'cookie', 'c=2']
  expect(readHttp2Head({ raw, isWhole: true }, ROUTE)).toEqual({
    head: {
      kind: 'read',
      hasBody: false,
      action: {
        kind: 'http.request',
        scheme: 'https',
        method: 'GET',
        host: 'api.example.com',
        port: 443,
        path: '/a/b',
        query: 'c=d',
      },
    },
    fields: ['host', 'api.example.com', 'x-a', 'b', 'cookie', 'a=1; c=2'],
  })
})

const POST = GET.with(1, 'POST')

test.for([
  { name: 'a stream that goes on', fields: [], isWhole: false, hasBody: true },
  { name: 'a length', fields: ['content-length', '3'], isWhole: false, hasBody: true },
  { name: 'a length of nothing', fields: ['content-length', '0'], isWhole: false, hasBody: false },
  { name: 'a stream that ends', fields: [], isWhole: true, hasBody: false },
])('$name tells of a body: $hasBody', ({ fields, isWhole, hasBody }) => {
  const { head } = readHttp2Head({ raw: [...POST, ...fields], isWhole }, ROUTE)
  expect(head).toMatchObject({ kind: 'read', hasBody })
})

const without = (name: string): string[] => {
  const at = GET.indexOf(name)
  return GET.toSpliced(at, 2)
}

const MALFORMED = 'invariant.http-malformed'
const MISMATCH = 'invariant.host-mismatch'

test.for([
  ['no :method', without(':method'), MALFORMED, 400],
  ['no :scheme', without(':scheme'), MALFORMED, 400],
  ['no :authority', without(':authority'), MALFORMED, 400],
  ['no :path', without(':path'), MALFORMED, 400],
  ['two :path', [...GET, ':path', '/x'], MALFORMED, 400],
  ['an unknown pseudo-header field', [...GET, ':status', '200'], MALFORMED, 400],
  ['a pseudo-header field after a cookie', ['cookie', 'a', ...GET], MALFORMED, 400],
  ['an empty path', GET.with(7, ''), MALFORMED, 400],
  ['an asterisk', GET.with(7, '*'), MALFORMED, 400],
  ['an absolute path', GET.with(7, 'https://api.example.com/'), MALFORMED, 400],
  ['a NUL in the path', GET.with(7, '/a\0b'), MALFORMED, 400],
  ['a line end in the authority', GET.with(5, 'api.example.com\r\nx: y'), MALFORMED, 400],
  ['another authority', GET.with(5, 'evil.example'), MISMATCH, 421],
  ['another port', GET.with(5, 'api.example.com:8443'), MISMATCH, 421],
  ['another scheme', GET.with(3, 'http'), MISMATCH, 421],
  ['another host beside', [...GET, 'host', 'evil.example'], MISMATCH, 421],
  ['a host spelled otherwise', [...GET, 'host', 'API.example.com'], MISMATCH, 421],
  ['a name in upper case', [...GET, 'X-A', 'b'], MALFORMED, 400],
  ['a space in a name', [...GET, 'x a', 'b'], MALFORMED, 400],
  ['an empty name', [...GET, '', 'b'], MALFORMED, 400],
  ['a line end in a value', [...GET, 'x-a', 'b\r\nhost: evil'], MALFORMED, 400],
  ['a NUL in a value', [...GET, 'x-a', 'b\0c'], MALFORMED, 400],
  ['a value that begins with a space', [...GET, 'x-a', ' b'], MALFORMED, 400],
  ['connection', [...GET, 'connection', 'x-a'], MALFORMED, 400],
  ['keep-alive', [...GET, 'keep-alive', '1'], MALFORMED, 400],
  ['proxy-connection', [...GET, 'proxy-connection', 'close'], MALFORMED, 400],
  ['transfer-encoding', [...GET, 'transfer-encoding', 'chunked'], MALFORMED, 400],
  ['upgrade', [...GET, 'upgrade', 'websocket'], MALFORMED, 400],
  ['te: gzip', [...GET, 'te', 'gzip'], MALFORMED, 400],
  ['CONNECT', [':method', 'CONNECT', ':authority', 'evil.example:443'], MALFORMED, 405],
  [
    'extended CONNECT',
    [...GET.with(1, 'CONNECT'), ':protocol', 'websocket'],
    'invariant.upgrade',
    501,
  ],
  ['TRACE', GET.with(1, 'TRACE'), MALFORMED, 405],
  ['a length without a body', [...GET, 'content-length', '3'], MALFORMED, 400],
  ['two lengths', [...GET, 'content-length', '0', 'content-length', '0'], MALFORMED, 400],
  ['a head of 40 KB', [...GET, 'x-a', 'b'.repeat(40_000)], MALFORMED, 431],
  ['200 fields', [...GET, ...Array.from({ length: 400 }, () => 'a')], MALFORMED, 431],
  [
    'a method by a header',
    [...GET, 'x-http-method-override', 'PUT'],
    'invariant.method-override',
    403,
  ],
  ['a path by a header', [...GET, 'x_original_url', '/b'], 'invariant.method-override', 403],
  ['dot segments', GET.with(7, '/a/%2e%2e/b'), 'invariant.ambiguous-path', 400],
] as const)('%s is refused', ([, raw, rule, status]) => {
  const { head, fields } = readHttp2Head({ raw, isWhole: true }, ROUTE)
  expect(head).toMatchObject({ kind: 'refused', status, by: { kind: 'deny', rules: [rule] } })
  expect(fields.length === 0 || head.kind === 'refused').toBe(true)
})

test('a body on GET is refused', () => {
  const { head } = readHttp2Head({ raw: GET, isWhole: false }, ROUTE)
  expect(head).toMatchObject({ kind: 'refused', by: { rules: [MALFORMED] } })
})

test('whatever is read would be read alike by HTTP/1.1, and could be written as that', () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 12,
  })
  const name = fc.constantFrom(
    'x-a',
    'cookie',
    'host',
    'te',
    'content-length',
    ':path',
    'X-A',
    'x a',
    'accept',
  )
  const pairs = fc.array(
    fc.tuple(name, fc.oneof(text, fc.constantFrom('api.example.com', 'trailers', '0'))),
    { maxLength: 5 },
  )
  const path = fc.oneof(
    fc.constant('/a'),
    text.map((rest) => `/${rest}`),
  )
  fc.assert(
    fc.property(pairs, path, fc.boolean(), (more, target, isWhole) => {
      const raw = [...POST.with(7, target), ...more.flat()]
      const { head, fields } = readHttp2Head({ raw, isWhole }, ROUTE)
      if (head.kind === 'refused') return
      for (const part of fields) expect(part).not.toMatch(/[\r\n\0]/)
      const framing =
        head.hasBody && !fields.includes('content-length') ? ['transfer-encoding', 'chunked'] : []
      const again = readHead(
        { method: 'POST', target, httpVersion: '1.1', rawHeaders: [...fields, ...framing] },
        ROUTE,
      )
      expect(again).toEqual(head)
    }),
    { numRuns: 2_000 },
  )
})
