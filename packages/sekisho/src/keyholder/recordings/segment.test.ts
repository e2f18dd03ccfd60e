import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Segment, SEGMENT_AHEAD_BYTES } from './segment.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-segment-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('what is queued is written before it is closed, and nothing afterwards', async () => {
  const segment = await Segment.create(join(dir, 'a'))
  const both = [segment.append(Buffer.from('one ')), segment.append(Buffer.from('two'))]
  await Promise.all([segment.close(), ...both])
  await expect(segment.append(Buffer.from('three'))).rejects.toMatchObject({
    code: 'CONTENT_UNKEPT',
  })
  expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('one two')
})

test('to close it again closes no file that has its number by then', async () => {
  const segment = await Segment.create(join(dir, 'a'))
  await segment.close()
  expect(isOpen(join(dir, 'a'))).toBe(false)
  const others = Array.from({ length: 8 }, (_, index) => openSync(join(dir, `other-${index}`), 'w'))
  await segment.close()
  // a close of one's own behind it in the same queue of threads
  for (let index = 0; index < 8; index += 1) await (await open(join(dir, 'a'))).close()
  for (const other of others) expect(writeSync(other, 'x')).toBe(1)
  for (const other of others) closeSync(other)
})

test('what may wait is flushed with what may not, and by itself when nothing comes', async () => {
  const path = join(dir, 'a')
  const segment = await Segment.create(path)
  const told: string[] = []
  const append = (text: string, mayWaitMs: number): Promise<void> =>
    segment.append(Buffer.from(text), mayWaitMs).then(() => void told.push(text))
  const never = append('reply ', 1_000_000)
  await Promise.all([append('request ', 0), never])
  expect(told).toEqual(['reply ', 'request '])
  await append('last', 1)
  expect(readFileSync(path, 'latin1').slice(0, 20)).toBe('reply request last\0\0')
  const closing = append(' left', 1_000_000)
  await Promise.all([segment.close(), closing])
  expect(readFileSync(path, 'latin1')).toBe('reply request last left')
})

test('a file is made longer by a stretch at a time, and closed at its length', async () => {
  const path = join(dir, 'a')
  const segment = await Segment.create(path)
  const sizes: number[] = []
  const pieces = [10, SEGMENT_AHEAD_BYTES - 1, 1, 1, 3 * SEGMENT_AHEAD_BYTES]
  for (const bytes of pieces) {
    await segment.append(Buffer.alloc(bytes, 'x'))
    sizes.push(statSync(path).size)
  }
  const A = SEGMENT_AHEAD_BYTES
  expect(sizes).toEqual([A + 10, A + 10, A + 10, A + 11 + A, A + 11 + 4 * A])
  await segment.close()
  expect(readFileSync(path)).toEqual(Buffer.alloc(4 * A + 11, 'x'))
})

function isOpen(path: string): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`) === path
    } catch {
      return false // of the reading itself, which is over
    }
  })
}
