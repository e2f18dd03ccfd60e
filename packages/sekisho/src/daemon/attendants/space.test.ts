import { expect, test } from 'vitest'
import { readSpace, spaceOf } from './space.ts'

const MIB = 1024 * 1024
const figures = { bsize: 4096, blocks: 16_384, bfree: 4096, bavail: 4000, files: 100, ffree: 60 }

test.for([
  {
    name: 'half full',
    over: {},
    want: { bytes: 48 * MIB, inodes: 40, isFullOfBytes: false, isFullOfInodes: false },
  },
  {
    name: 'without a block',
    over: { bfree: 0, bavail: 0 },
    want: { bytes: 64 * MIB, inodes: 40, isFullOfBytes: true, isFullOfInodes: false },
  },
  {
    name: 'with the few blocks that ext4 keeps back',
    over: { bfree: 15, bavail: 15 },
    want: { bytes: 64 * MIB - 61_440, inodes: 40, isFullOfBytes: true, isFullOfInodes: false },
  },
  {
    name: 'without an inode',
    over: { ffree: 0 },
    want: { bytes: 48 * MIB, inodes: 100, isFullOfBytes: false, isFullOfInodes: true },
  },
  {
    name: 'that counts no inodes at all',
    over: { files: 0, ffree: 0 },
    want: { bytes: 48 * MIB, inodes: 0, isFullOfBytes: false, isFullOfInodes: false },
  },
])('a file system $name', ({ over, want }) => {
  expect(spaceOf({ ...figures, ...over }, 64 * MIB)).toEqual(want)
})

test('one block is not full before it is taken', () => {
  const tiny = { ...figures, blocks: 1, bfree: 1, bavail: 1 }
  expect(spaceOf(tiny, 4096)?.isFullOfBytes).toBe(false)
  expect(spaceOf({ ...tiny, bfree: 0, bavail: 0 }, 4096)?.isFullOfBytes).toBe(true)
})

test('a file system larger than the limit is the host’s and tells nothing of a session', () => {
  expect(spaceOf(figures, 62 * MIB)).toBeUndefined()
  expect(readSpace('/', 1)).toBeUndefined()
})
