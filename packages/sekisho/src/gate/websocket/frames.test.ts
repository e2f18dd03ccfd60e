import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameError, FrameReader, type Message, writeFrame } from './frames.ts'

const type = fc.constantFrom('binary', 'ping', 'pong', 'close')
const messages: fc.Arbitrary<Message[]> = fc.array(
  fc.oneof(
    fc.record({ type, payload: fc.uint8Array({ maxLength: 125 }).map((b) => Buffer.from(b)) }),
    fc
      .tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(1, 100, 20_000))
      .map(([text, times]) => Buffer.from(text.repeat(times).slice(0, 70_000).toWellFormed()))
      .map((payload) => ({ type: 'text' as const, payload })),
  ),
  { maxLength: 5 },
)

test.for([
  ['client', Buffer.from([1, 2, 3, 4])],
  ['server', undefined],
] as const)('what a %s writes is what is read, however it is cut', ([from, mask]) => {
  fc.assert(
    fc.property(messages, fc.integer({ min: 10, max: 5000 }), (sent, step) => {
      const bytes = Buffer.concat(sent.map((message) => writeFrame(message, mask)))
      const reader = new FrameReader(from, 1e6)
      const read: Message[] = []
      for (let at = 0; at < bytes.length; at += step) {
        read.push(...reader.push(bytes.subarray(at, at + step)))
      }
      expect(read).toEqual(sent)
    }),
    { numRuns: 50 },
  )
})

test('no bytes make it fail otherwise than with FrameError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        new FrameReader('client', 100).push(Buffer.from(bytes))
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})

test.for([
  ['a length in a longer form than it needs', [0x82, 0x80 + 126, 0, 5, 0, 0, 0, 0]],
  ['a long control frame', [0x89, 0x80 + 126, 0, 126, 0, 0, 0, 0]],
  ['a control frame in fragments', [0x09, 0x80, 0, 0, 0, 0]],
  ['an opcode that is not there', [0x83, 0x80, 0, 0, 0, 0]],
  ['a message above the bound', [0x82, 0x80 + 101, 0, 0, 0, 0]],
  ['a length beyond what is exact', [0x82, 0x80 + 127, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['a second beginning inside a message', [0x02, 0x80, 0, 0, 0, 0, 0x82, 0x80, 0, 0, 0, 0]],
] as const)('%s is refused', ([, bytes]) => {
  expect(() => new FrameReader('client', 100).push(Buffer.from(bytes))).toThrow(FrameError)
})

test('a message in fragments is one message, whatever control frames stand between', () => {
  const reader = new FrameReader('client', 100)
  const ping = writeFrame({ type: 'ping', payload: Buffer.from('p') }, Buffer.alloc(4))
  const read = reader.push(
    Buffer.concat([
      Buffer.from([0x01, 0x82, 0, 0, 0, 0, 0xc3, 0xa9]),
      ping,
      Buffer.from([0x80, 0x81, 0, 0, 0, 0, 0x21]),
    ]),
  )
  expect(read.map(({ type: kind, payload }) => [kind, payload.toString()])).toEqual([
    ['ping', 'p'],
    ['text', 'é!'],
  ])
})
