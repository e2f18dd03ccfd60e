import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { Standing } from '../identity/standing.ts'
import { Keys } from '../keys.ts'
import { Session } from '../session.ts'
import { OTHER, SESSION } from '../testing/leaves.ts'
import { ContentStore } from './content-store.ts'
import { KeptContents } from './kept-contents.ts'
import { sha256Of } from './sealed-content.ts'

const keys = new Keys(Buffer.alloc(32, 7))
const page = Buffer.from('the text of a page')
const RESTORE = 's-22222222222222222222'

let dir = ''
let now = 0
let recorded: LeafInput[] = []
let refuseRecords = false
let sessions: Map<string, Session>
let store: ContentStore
let contents: KeptContents
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-kept-'))
  now = Date.now()
  recorded = []
  refuseRecords = false
  sessions = new Map(
    [SESSION, OTHER, RESTORE].map((id) => {
      const session = new Session(
        id,
        { key: keys.sessionAuthority(id), secrets: [], standing: new Standing(undefined), gate: 0 },
        new Date(),
      )
      return [id, session]
    }),
  )
  const restore = sessions.get(RESTORE)
  if (restore !== undefined) restore.restores = SESSION
  store = new ContentStore({ dir, keys, now: () => now }, { minFreeBytes: 0 })
  contents = new KeptContents({
    store,
    running: (id) => {
      const session = sessions.get(id)
      if (session !== undefined) return session
      throw new SekishoError('SESSION_UNKNOWN', id)
    },
    append: async (leaf) => {
      if (refuseRecords) throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
      return recorded.push(leaf)
    },
    now: () => now,
  })
})
afterEach(() => {
  contents.stop()
  rmSync(dir, { recursive: true })
})

function keep(session = SESSION, content = page): Promise<string | null> {
  const piece = content.toString('base64')
  return contents.put({ session, upload: 'u', totalBytes: content.length, offset: 0, piece })
}

function files(): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('s-'))
}

test('what a session kept is given back in a session that restores it', async () => {
  const digest = (await keep()) ?? ''
  expect(await contents.get({ session: RESTORE, of: SESSION, digest, offset: 0 })).toEqual({
    totalBytes: page.length,
    piece: page.toString('base64'),
  })
  expect(await contents.get({ session: RESTORE, of: SESSION, digest, offset: 4 })).toEqual({
    totalBytes: page.length,
    piece: page.subarray(4).toString('base64'),
  })
  expect(contents.nameOfRestored(RESTORE, SESSION, sha256Of(page))).toBe(digest)
  expect(contents.nameOf(SESSION, sha256Of(page))).toBe(digest)
})

test.each([
  ['the session itself', SESSION, SESSION],
  ['a session that restores nothing', OTHER, SESSION],
  ['a session that restores another', RESTORE, OTHER],
])('a gate gets nothing of what was kept through %s', async (_, session, of) => {
  const digest = (await keep(of)) ?? ''
  const violation = { code: 'PROTOCOL_VIOLATION' }
  await expect(contents.get({ session, of, digest, offset: 0 })).rejects.toMatchObject(violation)
  expect(() => contents.nameOfRestored(session, of, sha256Of(page))).toThrow(/restore/)
})

test('what is no session that runs keeps nothing', async () => {
  await expect(keep('s-33333333333333333333')).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  expect(files()).toEqual([])
})

test('a pre-image whose content or recipe is not kept cannot be recorded', async () => {
  const digest = (await keep()) ?? ''
  const missing = `sha256:${'0'.repeat(64)}`
  const leaf = (
    content: string | null,
    recipe: string,
  ): Parameters<typeof contents.checkPreImage>[0] => ({
    type: 'action.preimage',
    session: SESSION,
    id: 'a',
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'DELETE',
      host: 'wiki.example',
      port: 443,
      path: '/',
      query: null,
    },
    preimage: {
      content,
      bytes: 1,
      etag: null,
      recipe,
      resource: digest,
      sent: null,
      recovery: { method: 'PUT', path: null },
    },
  })
  expect(() => contents.checkPreImage(leaf(digest, digest))).not.toThrow()
  expect(() => contents.checkPreImage(leaf(null, digest))).not.toThrow()
  expect(() => contents.checkPreImage(leaf(missing, digest))).toThrow('not kept')
  expect(() => contents.checkPreImage(leaf(digest, missing))).toThrow('not kept')
  expect(() => contents.checkPreImage({ ...leaf(digest, digest), session: OTHER })).toThrow(
    'not kept',
  )
})

test('what is over its time goes, with a record of how much of whose', async () => {
  const digest = (await keep()) ?? ''
  await keep(SESSION, Buffer.from('another page'))
  now += 31 * 24 * 60 * 60_000
  await keep(OTHER)
  await contents.sweep()
  expect(recorded).toEqual([
    { type: 'content.removed', session: SESSION, contents: 2, bytes: 90, reason: 'retention' },
  ])
  expect(files()).toHaveLength(1)
  await expect(store.get(SESSION, digest)).rejects.toMatchObject({ code: 'CONTENT_LOST' })
  await contents.sweep()
  expect(recorded).toHaveLength(1)
})

test('without a record nothing goes', async () => {
  const digest = (await keep()) ?? ''
  now += 31 * 24 * 60 * 60_000
  refuseRecords = true
  await expect(contents.sweep()).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  expect(await store.get(SESSION, digest)).toEqual(page)
})
