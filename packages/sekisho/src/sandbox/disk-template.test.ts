import { closeSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openUnnamed } from '../kernel/image-file.ts'
import { mountImage } from './disk-mount.ts'
import { copyTemplate, type DiskSize, makeDiskTemplate } from './disk-template.ts'

const [MIB, GIB] = [2 ** 20, 2 ** 30]
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'template-'))
})
afterEach(() => {
  expect(readdirSync(directory)).toEqual([])
  rmSync(directory, { recursive: true })
})

/** What a copy has free, beyond what is held back. */
async function measure(size: DiskSize): Promise<{ bytes: number; inodes: number; copied: number }> {
  const template = await makeDiskTemplate(directory, size)
  const fd = openUnnamed(directory, template.imageBytes)
  copyTemplate(template, fd)
  const { mountFd } = mountImage(fd, { readOnly: true })
  const { bfree, bsize, ffree } = statfsSync(`/proc/self/fd/${mountFd}`)
  for (const each of [mountFd, fd]) closeSync(each)
  const copied = template.stretches.reduce((sum, { bytes }) => sum + bytes.length, 0)
  return { bytes: (bfree - template.reservedBlocks) * bsize, inodes: ffree, copied }
}

test.for([
  { name: 'the smallest', bytes: MIB, inodes: 16 },
  { name: 'few bytes and many inodes', bytes: MIB, inodes: 500_000 },
  { name: 'one group’s bytes', bytes: 128 * MIB, inodes: 10_000 },
  { name: 'a number of inodes that is no multiple of anything', bytes: GIB, inodes: 99_991 },
  { name: 'the usual', bytes: 10 * GIB, inodes: 500_000 },
])('exactly what was asked for is free: $name', async ({ bytes, inodes }) => {
  const { copied, ...free } = await measure({ bytes, inodes })
  expect(free).toEqual({ bytes, inodes })
  expect(copied).toBeLessThan(700_000)
})

test('a very large disk has at most 16 inodes fewer for each 128 MiB', async () => {
  const { bytes, inodes } = await measure({ bytes: 500 * GIB, inodes: 500_000 })
  expect(bytes).toBe(500 * GIB)
  expect(inodes).toBeLessThanOrEqual(500_000)
  expect(inodes).toBeGreaterThan(500_000 - (16 * 500 * GIB) / (128 * MIB) - 16)
})

test('too few inodes for a very large disk are refused with how many it needs', async () => {
  await expect(makeDiskTemplate(directory, { bytes: 2 ** 42, inodes: 1000 })).rejects.toMatchObject(
    {
      code: 'CONFIG_INVALID',
      message: 'a disk of 4398046511104 bytes with 1000 inodes',
      hint: expect.stringMatching(/^make the disk smaller, or its inodes at least \d+$/),
    },
  )
})

test('an image that is larger than a file can be is refused', async () => {
  await expect(
    makeDiskTemplate(directory, { bytes: 2 ** 53, inodes: 2_000_000_000 }),
  ).rejects.toMatchObject({ code: 'SANDBOX_FAILED' })
})
