import fc from 'fast-check'
import { expect, test } from 'vitest'
import { joinPieces, WholeBytes } from './whole-bytes.ts'

const chunks = fc
  .array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  .map((all) => all.map((bytes) => Buffer.from(bytes)))
const declared = fc.option(
  fc.nat({ max: 200 }).map((bytes) => String(bytes)),
  { nil: undefined },
)

test('a body is what came, whatever it says of its length', () => {
  fc.assert(
    fc.property(chunks, declared, (all, length) => {
      const body = new WholeBytes(length)
      const kept = all.map((chunk) => body.add(Buffer.from(chunk)))
      expect(kept).toEqual(all)
      expect(joinPieces(kept)).toEqual(Buffer.concat(all))
      expect(body.whole()).toEqual(Buffer.concat(all))
      expect(Buffer.concat(body.take())).toEqual(Buffer.concat(all))
      expect(body.take()).toEqual([])
    }),
  )
})

test('a body of a declared length lies in one place, and is put together without a copy', () => {
  const body = new WholeBytes('6')
  const kept = [
    body.add(Buffer.from('ab')),
    body.add(Buffer.from('cd')),
    body.add(Buffer.from('ef')),
  ]
  const whole = body.whole()
  const joined = joinPieces(kept)
  expect(joined.toString()).toBe('abcdef')
  expect([joined.buffer, joined.byteOffset]).toEqual([whole.buffer, whole.byteOffset])
  expect(whole.buffer).toHaveProperty('byteLength', 6)
})

test('a length that nobody has room for makes none', () => {
  const chunk = Buffer.from('ab')
  expect(new WholeBytes('1048577').add(chunk)).toBe(chunk)
  expect(new WholeBytes('1048576').add(chunk)).not.toBe(chunk)
})
