import { createHash } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listOpen } from '../kernel/open-descriptors.ts'
import { SYSTEM_CLOCK } from './clock.ts'
import { DIGEST_WAIT_MS, ExecDigests, HashBudget, type HashedFile } from './exec-digests.ts'
import { HandClock } from './testing/hand-clock.ts'

/** A busy disk must not make a digest late: what lateness does has tests of its own. */
const PATIENCE_MS = 15_000

let directory = ''
const opened: number[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'digests-'))
})
afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

function open(content: string | Buffer): HashedFile {
  const path = join(directory, 'file')
  writeFileSync(path, content)
  const fd = openSync(path, 'r')
  opened.push(fd)
  return { fd, path, stats: fstatSync(fd, { bigint: true }) }
}

const sha256 = (path: string): string =>
  `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`

test('a file of several pieces is read whole, once', async () => {
  const digests = new ExecDigests(SYSTEM_CLOCK, PATIENCE_MS)
  const file = open(Buffer.alloc(700_000, 7))
  expect(await digests.ofSettled(file)).toBe(sha256(file.path))
  expect(digests.ofSettled(file)).toBe(sha256(file.path)) // known: nothing is waited for
  expect(await new ExecDigests(SYSTEM_CLOCK, PATIENCE_MS).ofChanging(file)).toBe(sha256(file.path))
  expect(listOpen(file.path).length).toBe(1) // our own
})

test('a file that can change is read each time', async () => {
  const digests = new ExecDigests(SYSTEM_CLOCK, PATIENCE_MS)
  const one = open('one')
  const digest = await digests.ofChanging(one)
  writeFileSync(one.path, 'two')
  expect(await digests.ofChanging(one)).toBe(sha256(one.path))
  expect(digest).not.toBe(sha256(one.path))
})

test('a digest that is late is null, and there the next time', async () => {
  const clock = new HandClock()
  const digests = new ExecDigests(clock)
  const file = open(Buffer.alloc(4_000_000, 1))
  const first = digests.ofSettled(file)
  void clock.pass(DIGEST_WAIT_MS)
  expect(await first).toBeNull()
  await expect.poll(() => digests.ofSettled(file)).toBe(sha256(file.path))
})

test('a directory has no digest', async () => {
  const fd = openSync(directory, 'r')
  opened.push(fd)
  const stats = fstatSync(fd, { bigint: true })
  expect(
    await new ExecDigests(SYSTEM_CLOCK, PATIENCE_MS).ofChanging({ fd, path: directory, stats }),
  ).toBeNull()
})

test('a session’s budget runs out and comes back with time', async () => {
  const clock = new HandClock()
  const budget = new HashBudget(clock)
  const MIB = 1024 * 1024
  expect([budget.take(200 * MIB), budget.take(56 * MIB), budget.take(1)]).toEqual([
    true,
    true,
    false,
  ])
  await clock.pass(1000)
  expect([budget.take(32 * MIB), budget.take(1)]).toEqual([true, false])
})
