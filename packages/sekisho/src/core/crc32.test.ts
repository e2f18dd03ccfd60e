import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from './crc32.ts'

test('the check value of the catalogue of parametrised CRC algorithms', () => {
  expect(crc32(Buffer.from('123456789'))).toBe(0xcb_f4_39_26)
})

test('the same as of zlib, of whatever bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => crc32(bytes) === zlibCrc32(bytes)),
  )
})
