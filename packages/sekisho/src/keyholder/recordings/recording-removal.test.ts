import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SESSION } from '../testing/leaves.ts'
import { type RecordingLimits, RecordingStore } from './recording-store.ts'
import { SEAL_BYTES } from './sealed-recording.ts'
import { keys, DAY_MS, first, second, lost, whole, leaning, keep } from './testing/recorded.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-recordings-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function open(limits: Partial<RecordingLimits> = {}, now = () => Date.now()): RecordingStore {
  return new RecordingStore({ dir, keys, now }, { minFreeBytes: 0, ...limits })
}

function files(): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('s-'))
}

test('what has not been written to for the days goes, with its key when it is the last', async () => {
  let now = Date.now()
  const store = open({}, () => now)
  const digest = await keep(store, whole(first))
  now += 2 * DAY_MS // a file is written to for a day
  const later = await keep(store, whole(second))
  expect(files().sort()).toEqual([`${SESSION}.1.rec`, `${SESSION}.2.rec`, `${SESSION}.key`])
  const told: unknown[] = []
  const record = async (what: unknown): Promise<void> => void told.push(what)
  expect(store.withOlderThan(now - DAY_MS)).toEqual([SESSION])
  await store.remove(SESSION, now - DAY_MS, record)
  expect(files().sort()).toEqual([`${SESSION}.2.rec`, `${SESSION}.key`])
  await expect(store.get(SESSION, digest)).rejects.toMatchObject(lost)
  expect(await store.get(SESSION, later)).toEqual(second)
  await store.remove(SESSION, Infinity, record)
  expect(files()).toEqual([])
  expect(told).toEqual([
    { recordings: 1, bytes: SEAL_BYTES + first.length },
    { recordings: 1, bytes: SEAL_BYTES + second.length },
  ])
  expect(store.withOlderThan(Infinity)).toEqual([])
})

test('what is said again on another day is kept for as long as that day', async () => {
  let now = Date.now()
  const store = open({}, () => now)
  const digest = await keep(store, whole(first))
  now += 2 * DAY_MS
  expect(await keep(store, whole(first))).toBe(digest)
  await store.remove(SESSION, now - DAY_MS, async () => undefined)
  expect(await store.get(SESSION, digest)).toEqual(first)
})

test('what was answered as kept while a session is erased can be read afterwards', async () => {
  for (let turn = 0; turn < 20; turn += 1) {
    const store = open()
    const putting = store.put(SESSION, whole(first))
    for (let tick = 0; tick < turn; tick += 1) await Promise.resolve()
    await store.remove(SESSION, Infinity, async () => undefined)
    const done = await putting
    const kept = await store.put(SESSION, whole(second))
    if (done.kind !== 'kept' || kept.kind !== 'kept') throw new Error('not kept')
    expect(await store.get(SESSION, kept.digest)).toEqual(second)
    await store.remove(SESSION, Infinity, async () => undefined)
    expect(files()).toEqual([])
  }
})

test('a file that was begun while others of its session went is not forgotten', async () => {
  let now = Date.now()
  const store = open({}, () => now)
  await keep(store, whole(first))
  now += 2 * DAY_MS
  const putting = store.put(SESSION, whole(second))
  await store.remove(SESSION, now - DAY_MS, async () => undefined)
  const done = await putting
  if (done.kind !== 'kept') throw new Error('not kept')
  expect(await store.get(SESSION, done.digest)).toEqual(second)
})

test('what is removed is on record before it is gone, and stays where that fails', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  const fails = store.remove(SESSION, Infinity, async () => {
    expect(files()).toHaveLength(2)
    throw new Error('the log is down')
  })
  await expect(fails).rejects.toThrow('the log is down')
  expect(await store.get(SESSION, digest)).toEqual(first)
})

test('a session that is erased while it runs goes on under another key', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  const before = readFileSync(join(dir, `${SESSION}.key`))
  const removed = store.remove(SESSION, Infinity, async () => undefined)
  const again = store.put(SESSION, whole(first)) // waits
  await removed
  const done = await again
  expect(done).toMatchObject({ kind: 'kept' })
  expect(done).not.toEqual({ kind: 'kept', digest })
  expect(readFileSync(join(dir, `${SESSION}.key`))).not.toEqual(before)
  expect(await store.put(SESSION, leaning(digest))).toEqual({ kind: 'whole' })
})
