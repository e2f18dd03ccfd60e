import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalPath } from '../core/url-path.ts'
import { ActionShape } from '../wire/schemas.ts'
import { type RawHead, readHead } from './http-head.ts'

const route = { scheme: 'https', host: 'a.example', port: 443 } as const

const makeHead = (over: Partial<RawHead> = {}): RawHead => ({
  method: 'GET',
  target: '/x?y=1',
  httpVersion: '1.1',
  rawHeaders: ['Host', 'a.example'],
  ...over,
})

test('a head becomes one canonical action', () => {
  const head = makeHead({ target: '/%61/%2f?q', rawHeaders: ['HOST', 'A.Example:443'] })
  expect(readHead(head, route)).toEqual({
    kind: 'read',
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'GET',
      host: 'a.example',
      port: 443,
      path: '/a/%2F',
      query: 'q',
    },
    hasBody: false,
  })
})

test('a port that is not the usual one must be named', () => {
  const other = { ...route, port: 8443 }
  const named = makeHead({ rawHeaders: ['Host', 'a.example:8443'] })
  expect(readHead(named, other).kind).toBe('read')
  expect(readHead(makeHead(), other).kind).toBe('refused')
})

const POST = { method: 'POST' }
const fields = (...lines: string[]): string[] => [
  'Host',
  'a.example',
  ...lines.flatMap((line) => line.split(': ')),
]

test.for([
  ['GET and a length of nothing', makeHead({ rawHeaders: fields('Content-Length: 0') }), false],
  ['POST without a length', makeHead(POST), false],
  ['POST with a length', makeHead({ ...POST, rawHeaders: fields('Content-Length: 5') }), true],
  ['POST in chunks', makeHead({ ...POST, rawHeaders: fields('Transfer-Encoding: Chunked') }), true],
  ['its own host again', makeHead({ rawHeaders: fields('X-Forwarded-Host: a.example') }), false],
  [
    'the address that it was forwarded for',
    makeHead({ rawHeaders: fields('Forwarded: for=192.0.2.1;proto=https') }),
    false,
  ],
] as const)('%s is read', ([, head, hasBody]) => {
  expect(readHead(head, route)).toMatchObject({ kind: 'read', hasBody })
})

const MALFORMED = 'invariant.http-malformed'
const MISMATCH = 'invariant.host-mismatch'
const OVERRIDE = 'invariant.method-override'

test.for([
  ['GET with a body', makeHead({ rawHeaders: fields('Content-Length: 5') }), MALFORMED],
  ['GET in chunks', makeHead({ rawHeaders: fields('Transfer-Encoding: chunked') }), MALFORMED],
  [
    'HEAD with a body',
    makeHead({ method: 'HEAD', rawHeaders: fields('Content-Length: 1') }),
    MALFORMED,
  ],
  ['TRACK', makeHead({ method: 'TRACK' }), MALFORMED],
  ['a method in lower case', makeHead({ method: 'get' }), MALFORMED],
  ['no method', makeHead({ method: '' }), MALFORMED],
  ['a method that nobody knows', makeHead({ method: 'GETT' }), MALFORMED],
  ['the method that starts HTTP/2', makeHead({ method: 'PRI' }), MALFORMED],
  ...['+5', '-5', '05', '00', '0x5', '5,5', '5 5', '', '9'.repeat(16), '\uff15'].map(
    (length) =>
      [
        `a length of ${JSON.stringify(length)}`,
        makeHead({ ...POST, rawHeaders: ['Host', 'a.example', 'Content-Length', length] }),
        MALFORMED,
      ] as const,
  ),
  [
    'two lengths of nothing',
    makeHead({ rawHeaders: fields('Content-Length: 0', 'Content-Length: 0') }),
    MALFORMED,
  ],
  [
    'chunks and a length of nothing',
    makeHead({ ...POST, rawHeaders: fields('Content-Length: 0', 'Transfer-Encoding: chunked') }),
    MALFORMED,
  ],
  ['a port with a leading zero', makeHead({ rawHeaders: ['Host', 'a.example:0443'] }), MISMATCH],
  ['an empty port', makeHead({ rawHeaders: ['Host', 'a.example:'] }), MISMATCH],
  ...[
    'X-Forwarded-Host',
    'X_Forwarded_Host',
    'X-Host',
    'X-Original-Host',
    'X-Forwarded-Server',
  ].map(
    (name) =>
      [
        `${name} of another`,
        makeHead({ rawHeaders: fields(`${name}: b.example`) }),
        MISMATCH,
      ] as const,
  ),
  [
    'Forwarded for another host',
    makeHead({ rawHeaders: fields('Forwarded: for=192.0.2.1;Host="b.example"') }),
    MISMATCH,
  ],
  ['X-Forwarded-Uri', makeHead({ rawHeaders: fields('X-Forwarded-Uri: /admin') }), OVERRIDE],
] as const)('%s is refused', ([, head, rule]) => {
  const read = readHead(head, route)
  expect(read).toMatchObject({ kind: 'refused', by: { kind: 'deny', rules: [rule] } })
})

const text = fc.oneof(fc.string(), fc.constantFrom('a.example', '/', 'chunked', '0', '5'))
const field = fc.tuple(
  fc.constantFrom(
    'Host',
    'host',
    'Transfer-Encoding',
    'Content-Length',
    'Upgrade',
    'X-A',
    'X_Host',
  ),
  text,
)
const anyHead = fc.record({
  method: fc.oneof(fc.constantFrom('GET', 'CONNECT'), fc.string()),
  target: fc.oneof(fc.string(), fc.webPath(), fc.webUrl()),
  httpVersion: fc.constantFrom('1.0', '1.1', '2.0'),
  rawHeaders: fc.array(field, { maxLength: 6 }).map((fields) => fields.flat()),
})

test('whatever comes is read into a canonical action or refused, and fits into a leaf', () => {
  fc.assert(
    fc.property(anyHead, (head) => {
      const read = readHead({ ...head, method: head.method.slice(0, 32) }, route)
      expect(ActionShape.safeParse(read.action).success).toBe(true)
      if (read.kind === 'refused') return
      expect(canonicalPath(read.action.path)).toBe(read.action.path)
      expect(head.rawHeaders.filter((part) => part.toLowerCase() === 'host')).not.toEqual([])
    }),
    { numRuns: 1000 },
  )
})
