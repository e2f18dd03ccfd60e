import { afterEach, expect, test } from 'vitest'
import { asAgent, type DiskBench, diskBench, SMALL } from '../../sandbox/testing/disks.ts'
import { readSpace, spaceOf } from './space.ts'

const MIB = 1024 * 1024
const figures = { bsize: 4096, blocks: 16_384, bfree: 4096, bavail: 4000, ffree: 60 }
const limits = { bytes: 64 * MIB, inodes: 100 }

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
    name: 'larger than its limit, for its tables',
    over: { blocks: 20_000, bfree: 20_000 - 12_288 },
    want: { bytes: 48 * MIB, inodes: 40, isFullOfBytes: false, isFullOfInodes: false },
  },
  {
    name: 'that has nothing to give because the host has not',
    over: { bavail: 0 },
    want: { bytes: 48 * MIB, inodes: 40, isFullOfBytes: false, isFullOfInodes: false },
  },
])('a file system $name', ({ over, want }) => {
  expect(spaceOf({ ...figures, ...over }, limits)).toEqual(want)
})

test('one block is not full before it is taken', () => {
  const tiny = { ...figures, blocks: 1, bfree: 1, bavail: 1 }
  const one = { bytes: 4096, inodes: 100 }
  expect(spaceOf(tiny, one)?.isFullOfBytes).toBe(false)
  expect(spaceOf({ ...tiny, bfree: 0, bavail: 0 }, one)?.isFullOfBytes).toBe(true)
})

test.for([
  ['has more in use than the limit', { blocks: 40_000 }],
  ['has more free than the limit', { bavail: 16_385 }],
] as const)('a file system that %s is the host’s and tells nothing of a session', ([, over]) => {
  expect(spaceOf({ ...figures, ...over }, limits)).toBeUndefined()
  expect(readSpace('/', { bytes: 1, inodes: 1 })).toBeUndefined()
})

let bench: DiskBench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

test.for([
  { name: 'empty', script: ':', full: { isFullOfBytes: false, isFullOfInodes: false } },
  {
    name: 'full of bytes',
    script: 'dd if=/dev/zero of=fill bs=4k',
    full: { isFullOfBytes: true, isFullOfInodes: false },
  },
  {
    name: 'full of files',
    script: 'i=0; while : > f$i; do i=$((i+1)); done',
    full: { isFullOfBytes: false, isFullOfInodes: true },
  },
])('a session’s own disk that is $name is read so', async ({ script, full }) => {
  bench = diskBench()
  const disk = await bench.disk(await bench.open(), 's')
  asAgent(disk.upper, script)
  const { bytes = 0, inodes = 0 } = disk.usage() ?? {}
  const space = readSpace(disk.upper, SMALL)
  expect(space).toMatchObject({ inodes, ...full })
  expect(Math.abs((space?.bytes ?? -1) - bytes)).toBeLessThan(128 * 1024)
})
