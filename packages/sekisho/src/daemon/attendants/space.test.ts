import { expect, test } from 'vitest'
import { fullnessOf } from './space.ts'

const MIB = 1024 * 1024
const LIMITS = { bytes: 64 * MIB, inodes: 100 }
const use = { bytes: 48 * MIB, inodes: 40, bytesFree: 16 * MIB, inodesFree: 60 }

test.for([
  { name: 'half full', over: {}, want: { ofBytes: false, ofInodes: false } },
  {
    name: 'without a block',
    over: { bytes: 64 * MIB, bytesFree: 0 },
    want: { ofBytes: true, ofInodes: false },
  },
  {
    name: 'with less left than the next write wants',
    over: { bytes: 64 * MIB - 61_440, bytesFree: 61_440 },
    want: { ofBytes: true, ofInodes: false },
  },
  {
    name: 'without an inode',
    over: { inodes: 100, inodesFree: 0 },
    want: { ofBytes: false, ofInodes: true },
  },
  {
    name: 'that has fewer inodes than were asked for',
    over: { inodes: 96, inodesFree: 0 },
    want: { ofBytes: false, ofInodes: true },
  },
  {
    name: 'on a host whose own disk is full',
    over: { bytesFree: 0 },
    want: { ofBytes: false, ofInodes: false },
  },
])('a file system $name', ({ over, want }) => {
  expect(fullnessOf({ ...use, ...over }, LIMITS)).toEqual(want)
})

test('one block is not full before it is taken', () => {
  const tiny = { bytes: 0, inodes: 1, bytesFree: 4096, inodesFree: 9 }
  const limits = { bytes: 4096, inodes: 10 }
  expect(fullnessOf(tiny, limits).ofBytes).toBe(false)
  expect(fullnessOf({ ...tiny, bytes: 4096, bytesFree: 0 }, limits).ofBytes).toBe(true)
})
