import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../../core/action.ts'
import type { Operation } from '../../wire/operations.ts'
import { compileOperations, overlapsOf } from './operation-index.ts'
import type { RequestParts } from './read-arguments.ts'

const send: Operation = {
  id: 'mail.send',
  scheme: 'https',
  host: 'mail.example',
  port: 443,
  methods: ['POST'],
  paths: ['/v1/messages'],
  arguments: 'json',
  parameters: {
    type: 'object',
    required: ['to', 'text'],
    properties: {
      to: { type: 'array', items: { type: 'string', format: 'email' }, minItems: 1, maxItems: 5 },
      text: { type: 'string', maxLength: 1000 },
      priority: { type: 'integer', minimum: 1, maximum: 5 },
      price: { type: 'number', multipleOf: 0.01, minimum: -10, maximum: 10 },
      parts: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: { type: 'string' }, inline: { type: 'boolean' } },
        },
      },
    },
  },
  critical: { recipient: ['to[]'], amount: ['price'], command: ['parts[].name'] },
  reversibility: 'irreversible',
  consequence: 'medium',
}
const search: Operation = {
  ...send,
  id: 'mail.search',
  methods: ['GET'],
  paths: ['/v1/search'],
  arguments: 'query',
  parameters: {
    type: 'object',
    properties: {
      q: { type: 'string' },
      label: { type: 'array', items: { type: 'string' } },
      n: { type: 'integer' },
    },
  },
  critical: {},
}
const index = compileOperations([send, search])

const request = (path: string, method = 'POST', host = 'mail.example'): HttpRequestAction => ({
  kind: 'http.request',
  scheme: 'https',
  method,
  host,
  port: 443,
  path,
  query: null,
})
const json = (value: unknown, rest: Partial<RequestParts> = {}): RequestParts => ({
  query: null,
  contentType: 'application/json',
  body: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  ...rest,
})
const whyDenied = (parts: RequestParts, id = 'mail.send'): string | undefined => {
  const read = index.get(id)?.read(parts)
  return read?.kind === 'deny' ? read.reason : undefined
}

test('a call is read with the values that decide where it strikes', () => {
  const args = {
    to: ['a@x.example', 'b@x.example'],
    text: 'hi',
    price: 1.5,
    parts: [{ name: 'n' }, {}],
  }
  expect(index.get('mail.send')?.read(json(args))).toEqual({
    kind: 'call',
    call: {
      id: 'mail.send',
      arguments: args,
      reversibility: 'irreversible',
      consequence: 'medium',
    },
    critical: [
      { kind: 'recipient', argument: 'to[0]', value: 'a@x.example' },
      { kind: 'recipient', argument: 'to[1]', value: 'b@x.example' },
      { kind: 'command', argument: 'parts[0].name', value: 'n' },
      { kind: 'amount', argument: 'price', value: '1.5' },
    ],
  })
})

const good = { to: ['a@x.example'], text: 'hi' }

test.for([
  [
    'an argument that nobody declared',
    json({ ...good, bcc: ['e@x.example'] }),
    'bcc is no argument that the operation has',
  ],
  [
    'one further in',
    json({ ...good, parts: [{ path: 'x' }] }),
    'parts[0].path is no argument that the operation has',
  ],
  [
    'its name in other letters',
    json({ ...good, To: ['e@x.example'] }),
    'To is no argument that the operation has',
  ],
  ['a missing argument', json({ to: ['a@x.example'] }), 'text is missing'],
  ['another type', json({ ...good, priority: '1' }), 'priority is no number'],
  [
    'a fraction for a whole number',
    json({ ...good, priority: 1.5 }),
    'priority is not as exact as its type',
  ],
  ['out of bounds', json({ ...good, priority: 6 }), 'priority is not within 1 to 5'],
  ['a fraction too fine', json({ ...good, price: 0.001 }), 'price is not as exact as its type'],
  ['null', json({ ...good, text: null }), 'text is no text'],
  [
    'two recipients in one',
    json({ ...good, to: ['a@x.example, e@x.example'] }),
    'to[0] is not in the format email',
  ],
  [
    'a name before the address',
    json({ ...good, to: ['A <a@x.example>'] }),
    'to[0] is not in the format email',
  ],
  [
    'a line end after it',
    json({ ...good, to: ['a@x.example\n'] }),
    'to[0] is not in the format email',
  ],
  [
    'too many entries',
    json({ ...good, to: Array(6).fill('a@x.example') }),
    'to has 6 entries, not 1 to 5',
  ],
  ['a list in place of the arguments', json([good]), 'the whole is no object'],
  [
    'an argument twice',
    json('{"to":["a@x.example"],"to":["e@x.example"],"text":""}'),
    'a name that stands twice in one object, at character 26',
  ],
  [
    'a query beside the body',
    json(good, { query: 'to=e@x.example' }),
    'a query, and its arguments do not stand there',
  ],
  [
    'another content type',
    json(good, { contentType: 'text/plain' }),
    'the Content-Type is not that of json in UTF-8',
  ],
  [
    'no content type',
    json(good, { contentType: undefined }),
    'the Content-Type is not that of json in UTF-8',
  ],
  [
    'two content types',
    json(good, { contentType: 'application/json, text/plain' }),
    'the Content-Type is not that of json in UTF-8',
  ],
  [
    'another charset',
    json(good, { contentType: 'application/json; charset=utf-16' }),
    'the Content-Type is not that of json in UTF-8',
  ],
  [
    'a large body',
    json({ ...good, text: 'x'.repeat(1024 * 1024) }),
    'a body of more than 1048576 bytes',
  ],
] as const)('%s is denied', ([, parts, reason]) => {
  expect(whyDenied(parts)).toBe(`mail.send: ${reason}`)
})

test('a charset that is the one passes', () => {
  expect(
    whyDenied(json(good, { contentType: 'Application/JSON; charset="UTF-8"' })),
  ).toBeUndefined()
})

const query = (text: string | null, body = ''): RequestParts => ({
  query: text,
  contentType: undefined,
  body: Buffer.from(body),
})

test.for([
  ['fields of their types', 'q=a+b&label=x&label=y&n=-3', { q: 'a b', label: ['x', 'y'], n: -3 }],
  ['one entry of a list', 'label=x', { label: ['x'] }],
  ['a number as text', 'q=3', { q: '3' }],
  ['no query', null, {}],
] as const)('of a query: %s', ([, text, args]) => {
  const read = index.get('mail.search')?.read(query(text))
  expect(read).toMatchObject({ kind: 'call', call: { arguments: args } })
})

test.for([
  ['a field twice', 'q=a&q=b', 'q stands there twice, or is not of its type'],
  ['a number with an exponent', 'n=1e3', 'n stands there twice, or is not of its type'],
  ['a number with a space', 'n=+1', 'n stands there twice, or is not of its type'],
  ['an unknown field', 'to=e@x.example', 'to is no argument that the operation has'],
  ['brackets of PHP', 'label[]=x', 'a field that is not plainly percent-encoded UTF-8'],
  ['brackets of PHP, escaped', 'label%5B%5D=x', 'label[] is no argument that the operation has'],
] as const)('of a query: %s is denied', ([, text, reason]) => {
  expect(whyDenied(query(text), 'mail.search')).toBe(`mail.search: ${reason}`)
})

test('a query with a body is denied', () => {
  expect(whyDenied(query('q=a', 'q=b'), 'mail.search')).toBe(
    'mail.search: a body, and its arguments do not stand there',
  )
})

test.for([
  ['the path itself is it', request('/v1/messages'), 'mail.send'],
  ['the path as a loose server reads it is it', request('/v1//messages;x=1'), 'mail.send'],
  ['the path with an escaped slash is it', request('/v1%2Fmessages'), 'mail.send'],
  ['the path with a slash behind it is it', request('/v1/messages/'), 'mail.send'],
  ['the path in capitals is it', request('/V1/Messages'), 'mail.send'],
  ['another method is not', request('/v1/messages', 'GET'), undefined],
  ['another host is not', request('/v1/messages', 'POST', 'mail.example.org'), undefined],
  ['another path is not', request('/v1/drafts'), undefined],
] as const)('%s', ([, action, id]) => {
  expect(index.find(action)?.id).toBe(id)
})

test('a path that a loose server reads as another operation is denied', () => {
  const overlapping = compileOperations([
    send,
    { ...send, id: 'mail.odd', paths: ['/v1//messages'] },
  ])
  const found = overlapping.find(request('/v1//messages'))
  expect(found?.read(json(good))).toEqual({
    kind: 'deny',
    rules: ['operation.ambiguous'],
    reason: 'it is not plain which operation this is: mail.odd or mail.send',
  })
})

test('a path with dot segments to a loose server is no operation that can be called', () => {
  expect(index.find(request('/v1/x/%2e%2e/messages'))?.read(json(good)).kind).toBe('deny')
})

test.for([
  ['two that one request can be overlap', [send, { ...send, id: 'mail.all', paths: ['/v1/*'] }], 1],
  ['two of one name overlap', [send, { ...send, paths: ['/v2/messages'] }], 1],
  ['one below a wildcard overlaps', [send, { ...send, id: 'any.send', host: '*.example' }], 1],
  ['other methods do not', [send, { ...send, id: 'mail.read', methods: ['GET'] }], 0],
  ['another port does not', [send, { ...send, id: 'mail.read', port: 8443 }], 0],
  ['another host does not', [send, { ...send, id: 'any.send', host: '*.mail.example' }], 0],
] satisfies [string, Operation[], number][])('%s', ([, operations, count]) => {
  expect(overlapsOf(operations)).toHaveLength(count)
  if (count > 0) expect(() => compileOperations(operations)).toThrow()
})
