import fc from 'fast-check'
import { expect, test } from 'vitest'
import { describeType, RCODE, readQuery, writeBareReply, writeReply } from './dns-message.ts'
import { makeQuery } from './testing/dns-client.ts'

function readOne(bytes: Buffer): Extract<ReturnType<typeof readQuery>, { kind: 'query' }>['query'] {
  const read = readQuery(bytes)
  if (read.kind !== 'query') throw new Error(`expected a query, got ${read.kind}`)
  return read.query
}

test('reads a question, in the case it was sent', () => {
  expect(readOne(makeQuery({ id: 7, name: 'aPi.Example.com', type: 28, udpBytes: 1232 }))).toEqual({
    id: 7,
    isRecursive: true,
    name: 'aPi.Example.com',
    type: 28,
    class: 1,
    question: Buffer.from('\x03aPi\x07Example\x03com\0\0\x1c\0\x01', 'latin1'),
    udpBytes: 1232,
  })
})

test.for([
  ['a label with a dot in it', '\x03a.b\x03com\0', 'a\\046b.com'],
  ['a label with a NUL', '\x03a\0b\0', 'a\\000b'],
  ['the root', '\0', '.'],
  ['an underscore', '\x04_dns\0', '_dns'],
] as const)('%s stays one label', ([, raw, want]) => {
  const head = makeQuery({ id: 1, name: 'x', type: 1 }).subarray(0, 12)
  const query = Buffer.concat([head, Buffer.from(raw, 'latin1'), Buffer.from([0, 1, 0, 1])])
  expect(readOne(query).name).toBe(want)
})

const bend = (at: number, byte: number): Buffer => {
  const query = Buffer.from(makeQuery({ id: 7, name: 'a.example', type: 1 }))
  query[at] = byte
  return query
}

test.for([
  ['a response', bend(2, 0x81), { kind: 'dropped' }],
  ['too short for a header', Buffer.alloc(11), { kind: 'dropped' }],
  ['an update', bend(2, 0x29), { kind: 'refused', id: 7, rcode: RCODE.notImp }],
  ['a truncated query', bend(2, 0x03), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  ['two questions', bend(5, 2), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  ['an answer section', bend(7, 1), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  ['a compressed name', bend(12, 0xc0), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  ['a label past the end', bend(12, 60), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  ['a missing OPT', bend(11, 1), { kind: 'refused', id: 7, rcode: RCODE.formErr }],
  [
    'bytes left over',
    Buffer.concat([makeQuery({ id: 7, name: 'a', type: 1 }), Buffer.from([0])]),
    { kind: 'refused', id: 7, rcode: RCODE.formErr },
  ],
] as const)('refuses %s', ([, bytes, want]) => {
  expect(readQuery(bytes)).toEqual(want)
})

test('no bytes make it throw', () => {
  const good = makeQuery({ id: 7, name: 'a.example', type: 1, udpBytes: 4096 })
  const bent = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(good)
    copy[at] = byte
    return copy
  })
  fc.assert(
    fc.property(
      fc.oneof(
        bent,
        fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        expect(['query', 'refused', 'dropped']).toContain(readQuery(bytes).kind)
      },
    ),
    { numRuns: 2000 },
  )
})

test('an answer points at the name of the question', () => {
  const query = readOne(makeQuery({ id: 0x1234, name: 'a', type: 1 }))
  const reply = writeReply(query, { rcode: RCODE.noError, address: 0xc6120001, ttlSeconds: 60 })
  expect(reply.toString('hex')).toBe(
    [
      '1234',
      '8180',
      '0001000100000000',
      '01610000010001',
      'c00c00010001',
      '0000003c',
      '0004c6120001',
    ].join(''),
  )
})

test('a blocked name says so to a client that speaks EDNS', () => {
  const blocked = { rcode: RCODE.nxDomain, extendedError: { code: 15, text: 'no' } }
  const query = readOne(makeQuery({ id: 1, name: 'a', type: 1, udpBytes: 512 }))
  expect(writeReply(query, blocked).toString('hex')).toBe(
    [
      '0001',
      '8183',
      '0001000000000001',
      '01610000010001',
      '00002904d0000000000008',
      '000f0004000f',
      '6e6f',
    ].join(''),
  )
  const plain = readOne(makeQuery({ id: 1, name: 'a', type: 1 }))
  expect(writeReply(plain, blocked).toString('hex')).toBe(
    '0001818300010000000000000161' + '0000010001',
  )
})

test('a bare reply has a header only', () => {
  expect(writeBareReply(9, RCODE.formErr).toString('hex')).toBe('000980810000000000000000')
})

test.for([
  [1, 1, 'A'],
  [65, 1, 'HTTPS'],
  [999, 1, 'TYPE999'],
  [16, 3, 'CLASS3'],
] as const)('type %d of class %d is called %s', ([type, class_, want]) => {
  expect(describeType({ type, class: class_ })).toBe(want)
})
