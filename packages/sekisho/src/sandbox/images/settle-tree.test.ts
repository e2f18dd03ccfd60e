import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseOwnerNote } from './settle-tree.ts'

test.for([
  ['08e80710e807', { uid: 1000, gid: 1000 }],
  ['08e807', { uid: 1000, gid: 0 }],
  ['1005', { uid: 0, gid: 5 }],
  ['', { uid: 0, gid: 0 }],
  ['08ffffffff0f', { uid: 4_294_967_295, gid: 0 }],
] as const)('the note %s is %o', ([hex, owner]) => {
  expect(parseOwnerNote(Buffer.from(hex, 'hex'))).toEqual(owner)
})

test.for(['08', '08ff', '18e807', '08ffffffffff0f', 'ff'])('the note %s is refused', (hex) => {
  expect(() => parseOwnerNote(Buffer.from(hex, 'hex'))).toThrow(/names no owner/)
})

test('any bytes are an owner or an error, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        const { uid, gid } = parseOwnerNote(Buffer.from(bytes))
        expect(Number.isSafeInteger(uid) && Number.isSafeInteger(gid)).toBe(true)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ROOTFS_INVALID' })
      }
    }),
  )
})
