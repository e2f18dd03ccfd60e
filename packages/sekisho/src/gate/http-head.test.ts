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
