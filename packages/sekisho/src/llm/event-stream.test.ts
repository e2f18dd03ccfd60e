import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeEventStream, EventStreamFault, EventStreamReader } from './event-stream.ts'

type Read = { messages: [Record<string, string | null>, string][]; raw: Buffer; isWhole: boolean }

function readAll(pieces: readonly Buffer[], maxBytes = 1 << 20): Read {
  const reader = new EventStreamReader(maxBytes)
  const messages: Read['messages'] = []
  const raw: Buffer[] = []
  for (const piece of pieces) {
    reader.push(piece, (message) => {
      messages.push([Object.fromEntries(message.headers), message.payload.toString('hex')])
      raw.push(message.raw)
    })
  }
  return { messages, raw: Buffer.concat(raw), isWhole: reader.isBetween }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    pieces.push(bytes.subarray(at, at + size))
    at += size
  }
  return pieces
}

const header = fc.tuple(
  fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme-ascii' }).map((name) => `:${name}`),
  fc.string({ maxLength: 40, unit: 'grapheme' }).map((value) => value.toWellFormed()),
)
const message = fc.record({
  headers: fc.uniqueArray(header, { maxLength: 4, selector: ([name]) => name }),
  payload: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
})
const sizes = fc.oneof(
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
)

// of the test vectors that Amazon's SDKs share
test.for([
  ['000000100000000005c248eb7d98c8ff', [{}, '']],
  [
    '0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936',
    [{}, Buffer.from("{'foo':'bar'}").toString('hex')],
  ],
] as const)('%s is what Amazon says', ([bytes, want]) => {
  const read = readAll([Buffer.from(bytes, 'hex')])
  expect(read).toEqual({ messages: [want], raw: Buffer.from(bytes, 'hex'), isWhole: true })
  expect(encodeEventStream([], Buffer.from(want[1], 'hex')).toString('hex')).toBe(bytes)
})

test('however it is cut, a stream is the messages that it was made of', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), sizes, (messages, by) => {
      const bytes = Buffer.concat(
        messages.map(({ headers, payload }) => encodeEventStream(headers, payload)),
      )
      expect(readAll(cut(bytes, by))).toEqual({
        messages: messages.map(({ headers, payload }) => [
          Object.fromEntries(headers),
          payload.toString('hex'),
        ]),
        raw: bytes,
        isWhole: true,
      })
    }),
  )
})

test('no message with a changed bit anywhere is read', () => {
  fc.assert(
    fc.property(message, fc.tuple(fc.nat(), fc.nat(7)), sizes, (of, [where, bit], by) => {
      const { headers, payload } = of
      const bytes = encodeEventStream(headers, payload)
      const at = where % bytes.length
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
      expect(() => readAll(cut(bytes, by))).toThrow(EventStreamFault)
    }),
    { numRuns: 500 },
  )
})

test('a message that breaks off is none', () => {
  const bytes = encodeEventStream([[':event-type', 'chunk']], Buffer.from('{}'))
  const read = readAll([bytes.subarray(0, -1)])
  expect(read).toEqual({ messages: [], raw: Buffer.alloc(0), isWhole: false })
})

test.for([
  ['too long', encodeEventStream([], Buffer.alloc(200)), 'a message of more than 100 bytes'],
  [
    'with a header twice',
    encodeEventStream(
      [
        [':a', '1'],
        [':a', '2'],
      ],
      Buffer.alloc(0),
    ),
    'a header without a name of its own',
  ],
  [
    'with a header without a name',
    encodeEventStream([['', '1']], Buffer.alloc(0)),
    'a header without a name of its own',
  ],
] as const)('a message %s is refused', ([, bytes, why]) => {
  expect(() => readAll([bytes], 100)).toThrow(why)
})
