import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { changesOf, writeSessionRecord } from './session-record.ts'
import { SnapshotStore } from './snapshot-store.ts'
import { Snapshots } from './snapshots.ts'

const SESSION = 's-00000000000000000000'
const plan = { session: SESSION }
let home: string
let store: SnapshotStore
let leaves: LeafInput[]
let now: Date
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-snapshots-'))
  store = new SnapshotStore(home)
  leaves = []
  now = new Date('2026-01-02T00:00:00Z')
  writeSessionRecord(join(home, 'sessions'), {
    version: 1,
    session: SESSION,
    agent: 'builder',
    argv: ['make'],
    workspace: '/srv/project',
    startedAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    exitCode: null,
    readOnly: ['policy.md'],
  })
  const changes = changesOf(join(home, 'sessions'), SESSION)
  mkdirSync(join(changes, '.claude'), { recursive: true })
  for (const name of ['a', 'policy.md', '.envrc']) writeFileSync(join(changes, name), name)
})
afterEach(() => rmSync(home, { recursive: true }))

const snapshots = (record = async (leaf: LeafInput): Promise<void> => void leaves.push(leaf)) =>
  new Snapshots({ store, sessions: join(home, 'sessions'), record, now: () => now })

describe('a snapshot', () => {
  test('of an ended session is on record, with what it leaves out', async () => {
    const { id, digest } = await snapshots().take(SESSION, 'before-lunch')
    expect(leaves).toEqual([
      {
        type: 'workspace.snapshot',
        session: SESSION,
        snapshot: id,
        digest,
        leftOut: ['.claude', '.envrc', 'policy.md'],
      },
    ])
    expect(await store.read(id)).toMatchObject({
      agent: 'builder',
      workspace: '/srv/project',
      base: null,
      changesSince: '2026-01-01T00:00:00.000Z',
      entries: [{ path: 'a', bytes: 1 }],
    })
    expect([store.resolve('before-lunch'), store.resolve(id.slice(0, 10))]).toEqual([id, id])
  })

  test('that is not on record is not kept', async () => {
    const failing = snapshots(async () => {
      throw new SekishoError('LOG_UNWRITABLE', 'the disk is full')
    })
    await expect(failing.take(SESSION, 'mine')).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
    expect(await store.list()).toEqual({ kept: [], damaged: [] })
    expect(readdirSync(join(store.directory, 'names'))).toEqual([])
  })

  test.for([['s-11111111111111111111'], ['../x'], ['']])(
    'of no session (%j) is none',
    async ([session]) => {
      await expect(snapshots().take(session ?? '', null)).rejects.toMatchObject({
        code: 'SESSION_UNKNOWN',
      })
    },
  )
})

describe('a running session', () => {
  test('stands still while it is read, and goes on whatever comes of it', async () => {
    const did: string[] = []
    const taking = snapshots()
    const changes = changesOf(join(home, 'sessions'), SESSION)
    const freeze = async (): Promise<void> => {
      did.push('freeze')
      writeFileSync(join(changes, 'late'), '') // what it did until then is in it
    }
    const thaw = (): void => void did.push('thaw')
    const attendant = taking.attend({ plan, cgroup: { freeze, thaw }, places: { changes } })
    const { id } = await taking.take(SESSION, null)
    expect((await store.read(id)).entries.map(({ path }) => path)).toEqual(['a', 'late'])
    expect(did).toEqual(['freeze', 'thaw'])
    rmSync(changes, { recursive: true })
    await expect(taking.take(SESSION, null)).rejects.toThrow()
    expect(did).toEqual(['freeze', 'thaw', 'freeze', 'thaw'])
    await attendant.end()
  })

  test('that does not freeze is let go, and there is no snapshot', async () => {
    const did: string[] = []
    const taking = snapshots()
    const freeze = (): Promise<void> =>
      Promise.reject(new SekishoError('TIMEOUT', 'does not freeze'))
    const cgroup = { freeze, thaw: () => void did.push('thaw') }
    taking.attend({ plan, cgroup, places: { changes: home } })
    await expect(taking.take(SESSION, null)).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect([did, (await store.list()).kept]).toEqual([['thaw'], []])
  })

  test('is not taken down under a snapshot, and not taken twice at once', async () => {
    const taking = snapshots()
    const gate = Promise.withResolvers<void>()
    const cgroup = { freeze: () => gate.promise, thaw: () => undefined }
    const changes = changesOf(join(home, 'sessions'), SESSION)
    const attendant = taking.attend({ plan, cgroup, places: { changes } })
    const first = taking.take(SESSION, null)
    await expect(taking.take(SESSION, null)).rejects.toMatchObject({ code: 'SNAPSHOT_INVALID' })
    const keptAtEnd = Promise.resolve(attendant.end()).then(async () => (await store.list()).kept)
    gate.resolve()
    expect(await keptAtEnd).toHaveLength(1)
    await first
  })
})

describe('names and ids', () => {
  test('a name is given once, and goes with its snapshot', async () => {
    const taking = snapshots()
    const { id } = await taking.take(SESSION, 'base')
    now = new Date('2026-01-03T00:00:00Z')
    await expect(taking.take(SESSION, 'base')).rejects.toMatchObject({ code: 'SNAPSHOT_INVALID' })
    expect((await store.list()).kept.map(({ names }) => names)).toEqual([['base']])
    store.remove(id)
    await taking.take(SESSION, 'base')
    expect((await store.list()).kept.map(({ names }) => names)).toEqual([['base']])
  })

  test.for(['../x', 'a/b', '.new-x', 'W', '', 'w-0123', 'x'.repeat(64), 'a\nb'])(
    '%j is no name',
    async (name) => {
      await expect(snapshots().take(SESSION, name)).rejects.toMatchObject({
        code: 'SNAPSHOT_INVALID',
      })
      expect(leaves).toEqual([])
    },
  )

  test.for(['../../etc', 'w-', 'w-0', 'w-00000000', 'nobody', ''])('%j leads nowhere', (text) => {
    store.prepare()
    expect(() => store.resolve(text)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_INVALID' }))
  })

  test('what a crash left half-made goes, and what is damaged is named', async () => {
    const { id } = await snapshots().take(SESSION, null)
    mkdirSync(join(store.directory, '.new-1'))
    writeFileSync(join(store.directory, id, 'index.jsonl'), '{}')
    store.prepare()
    expect(readdirSync(store.directory).toSorted()).toEqual(['names', id].toSorted())
    expect(await store.list()).toEqual({ kept: [], damaged: [id] })
  })
})

describe('a chain of sessions', () => {
  const FORK = 's-11111111111111111111'
  const forked = (from: string): void => {
    writeSessionRecord(join(home, 'sessions'), {
      version: 1,
      session: FORK,
      agent: 'builder',
      argv: ['make'],
      workspace: '/srv/project',
      startedAt: '2026-01-02T00:00:00.000Z',
      endedAt: null,
      exitCode: null,
      from,
    })
    const changes = changesOf(join(home, 'sessions'), FORK)
    mkdirSync(changes, { recursive: true })
    writeFileSync(join(changes, 'b'), 'b')
  }

  test('begins with the session that none of them was forked from', async () => {
    const taking = snapshots()
    const first = await taking.take(SESSION, 'first')
    forked('first')
    const second = await taking.take(FORK, null)
    expect(await taking.rootOf(first.id)).toBe(SESSION)
    expect(await taking.rootOf(second.id)).toBe(SESSION)
  })

  test('begins where there are no records before', async () => {
    const taking = snapshots()
    const first = await taking.take(SESSION, null)
    forked(first.id)
    const second = await taking.take(FORK, null)
    store.remove(first.id)
    expect(await taking.rootOf(second.id)).toBe(FORK)
  })

  test('that leads back to itself ends', async () => {
    const taking = snapshots()
    forked('later')
    const { id } = await taking.take(FORK, 'later')
    expect(await taking.rootOf(id)).toBe(FORK)
  })

  test('of a snapshot that there is not is an error', async () => {
    await expect(snapshots().rootOf('w-0123456789')).rejects.toMatchObject({
      code: 'SNAPSHOT_INVALID',
    })
  })
})
