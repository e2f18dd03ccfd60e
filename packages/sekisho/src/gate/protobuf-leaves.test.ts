import fc from 'fast-check'
import { expect, test } from 'vitest'
import { protobufLeaves } from './protobuf-leaves.ts'
import { encode } from './testing/grpc-scene.ts'

const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from([number * 8 + 2]), encode(bytes).subarray(1)])

const texts = (message: Buffer): string[] =>
  protobufLeaves(message).map(({ bytes }) => String(bytes))

test('strings stand alone, whatever is around them', () => {
  const varint = Buffer.from([0x08, 0x96, 0x01])
  const fixed = Buffer.from([0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x1d, 1, 2, 3, 4])
  expect(texts(Buffer.concat([varint, encode('one'), fixed, encode('two')]))).toEqual([
    'one',
    'two',
  ])
})

test('those of messages in messages are found too', () => {
  const inner = field(3, encode('deep down'))
  expect(texts(field(2, inner))).toEqual([
    'deep down',
    encode('deep down').toString(),
    inner.toString(),
  ])
  expect(protobufLeaves(field(2, inner)).map(({ isInnermost }) => isInnermost)).toEqual([
    true,
    false,
    false,
  ])
})

test.for([
  ['text', Buffer.from('{"json": true}')],
  ['a field that goes past the end', Buffer.from([0x0a, 9, 65])],
  ['field number 0', Buffer.from([0x02, 1, 65])],
  ['an unending varint', Buffer.alloc(12, 0xff)],
  ['a fixed field that is cut', Buffer.from([0x11, 1])],
  ['an unknown wire type', Buffer.from([0x0f, 1])],
] as const)('%s has none', ([, message]) => {
  expect(protobufLeaves(message)).toEqual([])
})

test('nesting without end costs no more than a few times the message', () => {
  let message = encode('x')
  for (let depth = 0; depth < 200; depth += 1) message = field(1, message)
  const bytes = protobufLeaves(message).reduce((sum, leaf) => sum + leaf.bytes.length, 0)
  expect(bytes).toBeLessThanOrEqual(4 * message.length)
})

test('no bytes make it throw, and leaves are within them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const message = Buffer.from(bytes)
      for (const leaf of protobufLeaves(message)) expect(message.includes(leaf.bytes)).toBe(true)
    }),
  )
})
