import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Keys } from '../keys.ts'
import { OTHER, SESSION } from '../testing/leaves.ts'
import { type ContentLimits, ContentStore } from './content-store.ts'
import { nameContent, openContent, sealContent, sha256Of } from './sealed-content.ts'

const keys = new Keys(Buffer.alloc(32, 7))
const DAY_MS = 24 * 60 * 60_000
const page = Buffer.from('a page that nobody else has')

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-contents-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

function open(limits: Partial<ContentLimits> = {}, now = () => Date.now()): ContentStore {
  return new ContentStore({ dir, keys, now }, { minFreeBytes: 0, ...limits })
}

function files(): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('s-'))
}

test('what is kept comes back byte by byte, also after a restart', async () => {
  const store = open()
  const digest = await store.keep(SESSION, page)
  const empty = await store.keep(SESSION, Buffer.alloc(0))
  expect(await store.get(SESSION, digest)).toEqual(page)
  expect(await open().get(SESSION, digest)).toEqual(page)
  expect(await open().get(SESSION, empty)).toEqual(Buffer.alloc(0))
})

test('neither a file nor its name says anything of what is in it', async () => {
  const digest = await open().keep(SESSION, page)
  const [name = ''] = files()
  expect(name).toBe(`${SESSION}.${digest.slice(7)}`)
  expect(readFileSync(join(dir, name)).includes('nobody')).toBe(false)
  expect(digest).not.toBe(sha256Of(page))
  // the same content of another session, and by another instance's key
  expect(await open().keep(OTHER, page)).not.toBe(digest)
  expect(nameContent(new Keys(Buffer.alloc(32, 8)), SESSION, sha256Of(page))).not.toBe(digest)
})

test('the same content of one session is written once, by two at once too', async () => {
  const store = open({ sessionContents: 1 })
  const [first, second] = await Promise.all([store.keep(SESSION, page), store.keep(SESSION, page)])
  expect(first).toBe(second)
  expect(await store.keep(SESSION, Buffer.from(page))).toBe(first)
  expect(files()).toHaveLength(1)
})

test('a file of which one bit is another is an error and never returned', async () => {
  const digest = await open().keep(SESSION, page)
  const [name = ''] = files()
  const whole = readFileSync(join(dir, name))
  for (let at = 0; at < whole.length; at++) {
    const bent = Buffer.from(whole)
    bent[at] = (bent[at] ?? 0) ^ 1
    writeFileSync(join(dir, name), bent)
    await expect(open().get(SESSION, digest), `byte ${at}`).rejects.toMatchObject({
      code: 'CONTENT_LOST',
    })
  }
  for (const length of [0, 1, 29, whole.length - 1]) {
    writeFileSync(join(dir, name), whole.subarray(0, length))
    await expect(open().get(SESSION, digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
  }
})

test('a file in the place of another, of another session or of the same, is an error', async () => {
  const store = open()
  const digest = await store.keep(SESSION, page)
  const other = await store.keep(SESSION, Buffer.from('another page'))
  const theirs = await store.keep(OTHER, page)
  const path = (session: string, name: string): string => join(dir, `${session}.${name.slice(7)}`)
  copyFileSync(path(SESSION, digest), path(SESSION, other))
  copyFileSync(path(SESSION, digest), path(OTHER, theirs))
  const lost = { code: 'CONTENT_LOST' }
  await expect(store.get(SESSION, other)).rejects.toMatchObject(lost)
  await expect(store.get(OTHER, theirs)).rejects.toMatchObject(lost)
  expect(await store.get(SESSION, digest)).toEqual(page)
})

test('any content opens for its owner and digest, and for no other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4096 }), (bytes) => {
      const content = Buffer.from(bytes)
      const owned = { session: SESSION, digest: nameContent(keys, SESSION, sha256Of(content)) }
      const sealed = sealContent(keys, owned, content)
      expect(openContent(keys, owned, sealed)).toEqual(content)
      expect(() => openContent(keys, { ...owned, session: OTHER }, sealed)).toThrow('damaged')
      const elsewhere = { ...owned, digest: `sha256:${'0'.repeat(64)}` }
      expect(() => openContent(keys, elsewhere, sealed)).toThrow('damaged')
      expect(() => openContent(new Keys(Buffer.alloc(32, 1)), owned, sealed)).toThrow('damaged')
    }),
    { numRuns: 50 },
  )
})

test.each([
  ['bytes of a session', { sessionBytes: 99 }, 'the session has kept too much'],
  ['contents of a session', { sessionContents: 1 }, 'the session has kept too many'],
  ['bytes of all sessions', { totalBytes: 99 }, 'all sessions have kept too much'],
  ['free bytes of the disk', { minFreeBytes: 2 ** 60 }, 'the disk is nearly full'],
])('above the quota of %s nothing is kept, and nothing is written', async (_, limits, why) => {
  const first = await open().keep(SESSION, page) // 57 bytes with its seal
  const store = open(limits)
  await expect(store.keep(SESSION, Buffer.from('a second page here'))).rejects.toMatchObject({
    code: 'CONTENT_UNKEPT',
    message: expect.stringContaining(why),
  })
  expect(files()).toHaveLength(1)
  expect(await store.get(SESSION, first)).toEqual(page)
})

test('a quota counts again what was removed, and what could not be written', async () => {
  const store = open({ sessionContents: 1, keptMs: -1000 })
  await store.keep(SESSION, page)
  const [expired] = store.expired()
  expect(expired).toMatchObject({ session: SESSION, bytes: 57 })
  if (expired !== undefined) await store.remove(expired)
  expect(files()).toEqual([])
  rmSync(dir, { recursive: true })
  await expect(store.keep(SESSION, page)).rejects.toMatchObject({ code: 'CONTENT_UNKEPT' })
  dir = mkdtempSync(join(tmpdir(), 'sekisho-contents-'))
  expect(store.has(SESSION, store.nameOf(SESSION, sha256Of(page)))).toBe(false)
})

test('after 30 days content goes, that of each session together, and is then an error', async () => {
  const store = open()
  const digest = await store.keep(SESSION, page)
  await store.keep(SESSION, Buffer.from('another page'))
  await store.keep(OTHER, page)
  const monthAgo = Date.now() / 1000 - (30 * DAY_MS) / 1000
  for (const name of files().filter((each) => each.startsWith(SESSION))) {
    utimesSync(join(dir, name), monthAgo - 60, monthAgo - 60)
  }
  const restarted = open()
  const expired = restarted.expired()
  expect(expired.map(({ session, names }) => [session, names.length])).toEqual([[SESSION, 2]])
  for (const each of expired) await restarted.remove(each)
  expect(restarted.expired()).toEqual([])
  await expect(restarted.get(SESSION, digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
  expect(files().every((name) => name.startsWith(OTHER))).toBe(true)
})

test('what a crash left unfinished is removed and known to nobody', async () => {
  const digest = await open().keep(SESSION, page)
  writeFileSync(join(dir, `${SESSION}.${'0'.repeat(64)}.0.unfinished`), 'half')
  const store = open()
  expect(readdirSync(dir).filter((name) => name.endsWith('unfinished'))).toEqual([])
  expect(store.has(SESSION, `sha256:${'0'.repeat(64)}`)).toBe(false)
  expect(await store.get(SESSION, digest)).toEqual(page)
})
