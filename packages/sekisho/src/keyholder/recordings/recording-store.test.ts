import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sha256Of } from '../blobs/sealed-content.ts'
import { Keys } from '../keys.ts'
import { OTHER, SESSION } from '../testing/leaves.ts'
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

test('what leans on another comes back byte by byte, also after a restart', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  const later = await keep(store, leaning(digest))
  const empty = await keep(store, whole(Buffer.alloc(0)))
  for (const one of [store, open()]) {
    expect(await one.get(SESSION, digest)).toEqual(first)
    expect(await one.get(SESSION, later)).toEqual(second)
    expect(await one.get(SESSION, empty)).toEqual(Buffer.alloc(0))
  }
})

test('of what leans on another, what is new is written, and its seal', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  await keep(store, leaning(digest))
  await store.release(SESSION)
  const isNew = SEAL_BYTES + second.length - 27 - 15
  expect(statSync(join(dir, `${SESSION}.1.rec`)).size).toBe(SEAL_BYTES + first.length + isNew)
})

test('what is kept already is not written again, by two at once too', async () => {
  const store = open()
  const [one, other] = await Promise.all([
    store.put(SESSION, whole(first)),
    store.put(SESSION, whole(first)),
  ])
  expect(one).toEqual(other)
  expect(await store.put(SESSION, whole(first))).toEqual(one)
  await store.release(SESSION)
  const segment = files().find((name) => name.endsWith('.rec')) ?? ''
  expect(statSync(join(dir, segment)).size).toBe(SEAL_BYTES + first.length)
})

test('what is on its way to the disk is not kept yet: no call may say that it is', async () => {
  const digest = await keep(open(), whole(first))
  const store = open()
  let isDone = false
  const putting = store.put(SESSION, { ...whole(first), side: 'reply' }).then((done) => {
    isDone = true
    return done
  })
  for (; !isDone; await new Promise(setImmediate)) expect(store.has(SESSION, digest)).toBe(false)
  expect(await putting).toEqual({ kind: 'kept', digest })
  expect(store.has(SESSION, digest)).toBe(true)
})

test('neither files nor digests say anything of what was said', async () => {
  const digest = await keep(open(), whole(first))
  for (const name of files()) {
    expect(readFileSync(join(dir, name)).includes('nobody')).toBe(false)
    expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
  }
  expect(digest).not.toBe(sha256Of(first))
  expect(await keep(open(), whole(first), OTHER)).not.toBe(digest)
})

test('without its key file nobody reads a session, the keyholder included', async () => {
  const digest = await keep(open(), whole(first))
  rmSync(join(dir, `${SESSION}.key`))
  await expect(open().get(SESSION, digest)).rejects.toMatchObject(lost)
  writeFileSync(join(dir, `${SESSION}.key`), Buffer.alloc(62, 1))
  await expect(open().get(SESSION, digest)).rejects.toMatchObject(lost)
  const elsewhere = new RecordingStore({ dir, keys: new Keys(Buffer.alloc(32, 8)), now: Date.now })
  await expect(elsewhere.get(SESSION, digest)).rejects.toMatchObject(lost)
})

test('a file of which one bit is another is an error and never returned', async () => {
  const store = open()
  const digest = await keep(store, leaning(await keep(store, whole(first))))
  await store.release(SESSION)
  for (const name of files()) {
    const good = readFileSync(join(dir, name))
    for (let at = 0; at < good.length; at++) {
      const bent = Buffer.from(good)
      bent[at] = (bent[at] ?? 0) ^ 1
      writeFileSync(join(dir, name), bent)
      await expect(open().get(SESSION, digest), `${name} ${at}`).rejects.toMatchObject(lost)
    }
    writeFileSync(join(dir, name), good)
  }
  expect(await open().get(SESSION, digest)).toEqual(second)
})

test('a recording in the place of another, or of another session, is an error', async () => {
  const digest = await keep(open(), whole(first))
  const theirs = await keep(open(), whole(first), OTHER)
  copyFileSync(join(dir, `${SESSION}.1.rec`), join(dir, `${OTHER}.1.rec`))
  await expect(open().get(OTHER, theirs)).rejects.toMatchObject(lost)
  await expect(open().get(OTHER, digest)).rejects.toMatchObject(lost)
  copyFileSync(join(dir, `${SESSION}.key`), join(dir, `${OTHER}.key`))
  await expect(open().get(OTHER, digest)).rejects.toMatchObject(lost)
})

test('wherever a crash has torn the last recording, those before it are there, and more is kept', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  const path = join(dir, `${SESSION}.1.rec`)
  const sound = SEAL_BYTES + first.length
  const later = await keep(store, leaning(digest))
  await store.release(SESSION)
  const all = readFileSync(path)
  for (let length = sound; length < all.length; length++) {
    writeFileSync(path, all.subarray(0, length))
    const restarted = open()
    expect(await restarted.get(SESSION, digest)).toEqual(first)
    await expect(restarted.get(SESSION, later)).rejects.toMatchObject(lost)
  }
  const restarted = open()
  expect(await restarted.put(SESSION, leaning(digest))).toEqual({ kind: 'whole' })
  expect(await keep(restarted, whole(second))).toBe(later)
  expect(await open().get(SESSION, later)).toEqual(second)
  expect(await open().get(SESSION, digest)).toEqual(first)
  expect(readFileSync(path)).toEqual(all.subarray(0, all.length - 1))
})

test('a second copy that a crash has torn, in zeros written ahead, hides none that is sound', async () => {
  const digest = await keep(open(), whole(first))
  const again = open()
  expect(await keep(again, whole(first))).toBe(digest)
  await again.release(SESSION)
  const path = join(dir, `${SESSION}.2.rec`)
  const all = readFileSync(path)
  for (let length = 0; length <= all.length; length++) {
    writeFileSync(path, Buffer.concat([all.subarray(0, length), Buffer.alloc(all.length)]))
    expect(await open().get(SESSION, digest), String(length)).toEqual(first)
  }
  // a head alone is no recording: where nothing sound is there nobody is given what was torn
  writeFileSync(join(dir, `${SESSION}.1.rec`), '')
  writeFileSync(path, Buffer.concat([all.subarray(0, all.length - 16), Buffer.alloc(16)]))
  await expect(open().get(SESSION, digest)).rejects.toMatchObject(lost)
})

test('what cannot be leaned on is asked for as a whole', async () => {
  const store = open()
  const digest = await keep(store, whole(first))
  const none = `sha256:${'0'.repeat(64)}`
  for (const base of [
    { digest: none, prefixBytes: 27, suffixBytes: 15 },
    { digest, prefixBytes: 40, suffixBytes: 15 },
    { digest, prefixBytes: 26, suffixBytes: 15 },
  ]) {
    expect(await store.put(SESSION, { ...leaning(digest), base })).toEqual({ kind: 'whole' })
  }
  const short = { ...whole(second), middle: first }
  expect(await store.put(SESSION, short)).toEqual({ kind: 'whole' })
})

test('no chain is longer than 64', async () => {
  const store = open()
  let content = Buffer.from('0')
  let digest = await keep(store, whole(content))
  for (let depth = 1; depth <= 64; depth++) {
    const middle = Buffer.from(String(depth))
    const base = { digest, prefixBytes: content.length, suffixBytes: 0 }
    content = Buffer.concat([content, middle])
    digest = await keep(store, { ...whole(content), base, middle })
  }
  expect(await store.get(SESSION, digest)).toEqual(content)
  const base = { digest, prefixBytes: content.length, suffixBytes: 0 }
  const longer = Buffer.concat([content, Buffer.from('x')])
  const put = { ...whole(longer), base, middle: Buffer.from('x') }
  expect(await store.put(SESSION, put)).toEqual({ kind: 'whole' })
})

test('a digest that is not of what was sent is found when it is read', async () => {
  const store = open()
  const digest = await keep(store, { ...whole(first), sha256: sha256Of(second) })
  await expect(store.get(SESSION, digest)).rejects.toMatchObject(lost)
})

test.each([
  ['bytes of a session', { sessionBytes: 200 }, 'the session has recorded too much'],
  ['bytes of all sessions', { totalBytes: 200 }, 'all sessions have recorded too much'],
  ['free bytes of the disk', { minFreeBytes: 2 ** 60 }, 'the disk is nearly full'],
])('above the quota of %s nothing is kept', async (_, limits, why) => {
  const digest = await keep(open(), whole(first))
  const store = open(limits)
  await expect(store.put(SESSION, whole(second))).rejects.toMatchObject({
    code: 'CONTENT_UNKEPT',
    message: expect.stringContaining(why),
  })
  expect(await store.get(SESSION, digest)).toEqual(first)
})

test('a directory that is gone keeps nothing, and leaves nothing half open', async () => {
  const store = open()
  rmSync(dir, { recursive: true })
  await expect(store.put(SESSION, whole(first))).rejects.toMatchObject({ code: 'CONTENT_UNKEPT' })
  dir = mkdtempSync(join(tmpdir(), 'sekisho-recordings-'))
  expect(await keep(open(), whole(first))).toMatch(/^sha256:/)
})

test('files of a keyholder before count, and their age is that of their last write', async () => {
  const digest = await keep(open(), whole(first))
  const monthAgo = Date.now() / 1000 - 31 * 24 * 3600
  utimesSync(join(dir, `${SESSION}.1.rec`), monthAgo, monthAgo)
  expect(open().withOlderThan(Date.now() - 30 * DAY_MS)).toEqual([SESSION])
  expect(await open().get(SESSION, digest)).toEqual(first)
})

test('any texts of a session, each leaning on the one before as it can, come back as they were', async () => {
  const text = fc.string({ maxLength: 60 }).map((words) => Buffer.from(words))
  await fc.assert(
    fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 12 }), async (texts) => {
      const store = open()
      const digests: string[] = []
      let before: Buffer | undefined
      for (const content of texts) {
        const digest = digests.at(-1)
        let prefixBytes = 0
        while (before !== undefined && prefixBytes < Math.min(before.length, content.length)) {
          if (before[prefixBytes] !== content[prefixBytes]) break
          prefixBytes += 1
        }
        const base = digest === undefined ? null : { digest, prefixBytes, suffixBytes: 0 }
        const middle = content.subarray(base === null ? 0 : prefixBytes)
        digests.push(await keep(store, { ...whole(content), base, middle }))
        before = content
      }
      for (const [index, digest] of digests.entries()) {
        expect(await store.get(SESSION, digest)).toEqual(texts[index])
      }
      await store.remove(SESSION, Infinity, async () => undefined)
    }),
    { numRuns: 25 },
  )
})
