import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commonPrefix, commonSuffix } from './common-ends.ts'

/** Byte for byte, as anybody would write it first. */
function slowPrefix(a: Buffer, b: Buffer): number {
  let at = 0
  while (at < a.length && at < b.length && a[at] === b[at]) at += 1
  return at
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const long = fc
  .tuple(fc.integer({ min: 0, max: 20_000 }), bytes)
  .map(([zeros, end]) => Buffer.concat([Buffer.alloc(zeros), end]))

test('the common beginning and end of any two buffers are those that a loop finds', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, long), fc.oneof(bytes, long), bytes, (a, b, end) => {
      expect(commonPrefix(a, b)).toBe(slowPrefix(a, b))
      const [left, right] = [Buffer.concat([a, end]), Buffer.concat([b, end])]
      const most = Math.min(left.length, right.length)
      const reversed = (of: Buffer): Buffer => Buffer.from(of).reverse()
      expect(commonSuffix(left, right, most)).toBe(slowPrefix(reversed(left), reversed(right)))
    }),
  )
})

test('an end is not looked for beyond what may be taken', () => {
  const same = Buffer.from('aaaaaaaa')
  expect(commonPrefix(same, same)).toBe(8)
  expect(commonSuffix(same, same, 0)).toBe(0)
  expect(commonSuffix(same, same, 3)).toBe(3)
})
