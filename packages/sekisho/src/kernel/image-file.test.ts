import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mountDetached } from './detached-mount.ts'
import {
  giveBackFree,
  lockFile,
  nameFile,
  openUnnamed,
  readStretches,
  writeBack,
} from './image-file.ts'

let directory = ''
const owned: number[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'image-file-'))
})
afterEach(() => {
  for (const fd of owned.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

function own(fd: number): number {
  owned.push(fd)
  return fd
}

test('a file has no name until it is given one, which nobody else may have', () => {
  const fd = own(openUnnamed(directory, 8192))
  expect(readdirSync(directory)).toEqual([])
  const path = join(directory, 'name')
  nameFile(fd, path)
  const { size, mode, nlink } = fstatSync(own(openSync(path, 'r')))
  expect([size, mode & 0o7777, nlink]).toEqual([8192, 0o600, 1])
  expect(() => nameFile(own(openUnnamed(directory, 0)), path)).toThrow('EEXIST')
})

test('a directory that is not there takes no file', () => {
  expect(() => openUnnamed(join(directory, 'none'), 0)).toThrow(
    expect.objectContaining({ code: 'SANDBOX_FAILED' }),
  )
})

test('one writer or many readers have a file, and a closed descriptor has none', () => {
  const path = join(directory, 'locked')
  const writer = own(openSync(path, 'w'))
  const [one, other] = [own(openSync(path, 'r')), own(openSync(path, 'r'))]
  expect([lockFile(writer, 'exclusive'), lockFile(one, 'shared')]).toEqual([true, false])
  closeSync(writer)
  owned.splice(owned.indexOf(writer), 1)
  expect([lockFile(one, 'shared'), lockFile(other, 'shared')]).toEqual([true, true])
  expect(lockFile(own(openSync(path, 'r')), 'exclusive')).toBe(false)
})

test('what was written in a sparse file is found, wherever it lies, and no whole hole', () => {
  const piece = fc.record({
    block: fc.nat({ max: 2_000 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 9000 }),
  })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const size = 2_010 * 4096
      const fd = openUnnamed(directory, size)
      try {
        const expected = Buffer.alloc(size)
        for (const { block, bytes } of pieces) {
          writeSync(fd, bytes, 0, bytes.length, block * 4096)
          expected.set(bytes, block * 4096)
        }
        const stretches = readStretches(fd)
        const found = Buffer.alloc(size)
        for (const { offset, bytes } of stretches) found.set(bytes, offset)
        expect(found.equals(expected)).toBe(true)
        const total = stretches.reduce((sum, { bytes }) => sum + bytes.length, 0)
        expect(total).toBeLessThanOrEqual(pieces.length * 4 * 4096)
      } finally {
        closeSync(fd)
      }
    }),
    { numRuns: 30 },
  )
})

test('many file systems at once are written back', async () => {
  const mounted = own(mountDetached({ type: 'tmpfs', options: { size: '64k' } }))
  const fd = own(openSync(`/proc/self/fd/${mounted}/file`, 'w'))
  const all = await Promise.all(Array.from({ length: 400 }, () => writeBack(fd)))
  expect(new Set(all)).toEqual(new Set([true]))
  expect(await giveBackFree(fd)).toBe(false) // memory is given back anyway
})
