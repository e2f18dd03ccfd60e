import { closeSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { mountDetached } from '../kernel/detached-mount.ts'
import { HostSpace, type Restrainable } from './host-space.ts'

const MIB = 2 ** 20
let fd = 0
let directory = ''
let warnings: string[] = []
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  fd = mountDetached({ type: 'tmpfs', options: { size: `${20 * MIB}` } })
  directory = `/proc/self/fd/${fd}`
  warnings = []
})
afterEach(() => {
  vi.useRealTimers()
  closeSync(fd)
})

function open(marginBytes?: number): HostSpace {
  const warn = (line: string): void => void warnings.push(line)
  return new HostSpace({ directory, warn, ...(marginBytes === undefined ? {} : { marginBytes }) })
}

function fakeDisk(delayed = 0): Restrainable & { delayed: number; said: boolean[] } {
  const disk = {
    delayed,
    said: new Array<boolean>(),
    delayedBytes: () => disk.delayed,
    holdBack: (isHeldBack: boolean) => void disk.said.push(isHeldBack),
    beFair: () => undefined,
  }
  return disk
}

const use = (bytes: number): void => writeFileSync(`${directory}/used`, Buffer.alloc(bytes))

test('disks are held back below the margin, and go on with a quarter to spare', () => {
  const space = open(8 * MIB)
  const [one, two] = [fakeDisk(), fakeDisk()]
  space.add(one)
  space.add(two)
  const timeline = [11, 13, 11, 9, 2].map((usedMib) => {
    use(usedMib * MIB)
    vi.advanceTimersByTime(100)
    return [...one.said]
  })
  expect(timeline).toEqual([[], [true], [true], [true, false], [true, false]])
  expect(two.said).toEqual(one.said)
  expect(warnings).toEqual([
    `${directory} is nearly full: sessions' disks take no more until there is space`,
    `${directory} has space again: sessions' disks go on`,
  ])
})

test('what was promised to writers and is not on the host yet counts as used', () => {
  const space = open(8 * MIB)
  const disk = fakeDisk(11 * MIB)
  space.add(disk)
  vi.advanceTimersByTime(100)
  expect(disk.said).toEqual([])
  disk.delayed = 13 * MIB
  vi.advanceTimersByTime(100)
  expect(disk.said).toEqual([true])
})

test('a disk that comes meanwhile is held back from the start', () => {
  const space = open(8 * MIB)
  space.add(fakeDisk())
  use(15 * MIB)
  vi.advanceTimersByTime(100)
  const late = fakeDisk()
  space.add(late)
  expect(late.said).toEqual([true])
})

test('a disk that cannot be held back is told once, and the others are held', () => {
  const space = open(8 * MIB)
  const stubborn = fakeDisk()
  stubborn.holdBack = () => {
    throw new Error('it does not listen')
  }
  const after = fakeDisk()
  for (const disk of [stubborn, stubborn, after]) space.add(disk)
  use(15 * MIB)
  vi.advanceTimersByTime(300)
  expect(after.said).toEqual([true])
  expect(warnings.slice(1)).toEqual([
    "a session's disk cannot be held back: Error: it does not listen",
  ])
})

test('nobody looks while no disk is in use', () => {
  const space = open(8 * MIB)
  const disk = fakeDisk()
  expect(vi.getTimerCount()).toBe(0)
  space.add(disk)
  expect(vi.getTimerCount()).toBe(1)
  space.remove(disk)
  expect(vi.getTimerCount()).toBe(0)
})

test.for([
  { name: 'a twentieth is kept free', margin: undefined, used: 0, size: 19 * MIB, fits: true },
  { name: 'less than that is left', margin: undefined, used: 2 * MIB, size: 18 * MIB, fits: false },
  {
    name: 'a small disk needs its own size alone',
    margin: MIB,
    used: 17 * MIB,
    size: 2 * MIB,
    fits: true,
  },
  { name: 'not even that is left', margin: MIB, used: 17 * MIB, size: 3 * MIB, fits: false },
])('$name', ({ margin, used, size, fits }) => {
  use(used)
  const space = open(margin)
  if (fits) expect(() => space.check(size)).not.toThrow()
  else {
    expect(() => space.check(size)).toThrow(
      expect.objectContaining({
        code: 'SANDBOX_FAILED',
        message: expect.stringMatching(/^no space for a session's disk: \d+ MiB free below /),
      }),
    )
  }
  rmSync(`${directory}/used`)
})
