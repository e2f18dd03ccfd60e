import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDiskImage } from '../sandbox/disk-image.ts'
import { type DiskBench, diskBench, loopsBelow } from '../sandbox/testing/disks.ts'
import { openChanges, openEndedChanges } from './open-changes.ts'
import { pathsFrom, type Paths } from './paths.ts'
import { SessionChanges } from './session-changes.ts'
import { writeSessionRecord } from './session-record.ts'

const SESSION = 's-00000000000000000000'

let bench: DiskBench
let paths: Paths
let workspace = ''
beforeEach(() => {
  bench = diskBench()
  workspace = join(bench.root, 'project')
  mkdirSync(workspace)
  writeFileSync(join(workspace, 'notes'), 'old\n')
  paths = { ...pathsFrom({ SEKISHO_HOME: bench.root }), sessions: bench.sessions }
})
afterEach(async () => {
  await bench.close()
  expect(loopsBelow(bench.root)).toEqual([])
})

function record(over: string | null): void {
  writeSessionRecord(bench.sessions, {
    version: 1,
    session: SESSION,
    agent: 'a',
    argv: ['make'],
    workspace: over,
    startedAt: '2026-01-01T00:00:00Z',
    endedAt: null,
    exitCode: null,
  })
}

/** A session's changes in each of the forms that they can have. */
const FORMS: Readonly<Record<string, () => Promise<void>>> = {
  'in a disk that has ended': async () => {
    const disk = await bench.disk(await bench.open(), SESSION)
    writeFileSync(join(disk.upper, 'notes'), 'new\n')
    await disk.close()
  },
  'in a disk in use': async () => {
    const disk = await bench.disk(await bench.open(), SESSION)
    writeFileSync(join(disk.upper, 'notes'), 'new\n')
  },
  'in a directory': () => {
    const upper = join(bench.sessions, SESSION, 'upper')
    mkdirSync(upper, { recursive: true })
    writeFileSync(join(upper, 'notes'), 'new\n')
    return Promise.resolve()
  },
}

test.for(Object.keys(FORMS))('changes %s are read, shown and applied', async (form) => {
  await FORMS[form]?.()
  record(workspace)
  const opened = openChanges(bench.sessions, SESSION)
  expect(readFileSync(join(opened.upper, 'notes'), 'utf8')).toBe('new\n')
  opened.close()
  const [paths_, text] = await SessionChanges.use(paths, SESSION, async (made) => {
    const { changes } = await made.list()
    const texts = await Promise.all(changes.map((change) => made.textOf(change)))
    return [changes.map(({ path }) => path), texts.join('')]
  })
  expect(paths_).toEqual(['notes'])
  expect(text).toContain('-old\n+new\n')
  const { applied } = await SessionChanges.use(paths, SESSION, (made) =>
    made.apply({ paths: null, includeConfig: false, force: true }),
  )
  expect(applied).toEqual(['notes'])
  expect(readFileSync(join(workspace, 'notes'), 'utf8')).toBe('new\n')
})

test('a damaged disk is an error with a hint, and the user’s directory stays as it is', async () => {
  await FORMS['in a disk that has ended']?.()
  record(workspace)
  const image = join(bench.sessions, SESSION, 'disk.img')
  truncateSync(image, 4096)
  const attempt = SessionChanges.use(paths, SESSION, (made) =>
    made.apply({ paths: null, includeConfig: true, force: true }),
  )
  await expect(attempt).rejects.toMatchObject({
    code: 'WORKSPACE_INVALID',
    hint: `keep a copy of it, then run \`e2fsck -f ${image}\` and try again`,
  })
  expect(readdirSync(workspace)).toEqual(['notes'])
  expect(readFileSync(join(workspace, 'notes'), 'utf8')).toBe('old\n')
})

test('damage that shows only while reading is told the same way, and the disk is let go', async () => {
  await FORMS['in a disk that has ended']?.()
  record(workspace)
  const failed = Object.assign(new Error('EIO: i/o error, read'), { errno: -5 })
  await expect(
    SessionChanges.use(paths, SESSION, () => Promise.reject(failed)),
  ).rejects.toMatchObject({ code: 'WORKSPACE_INVALID', cause: failed })
  const other = new Error('of the reader')
  await expect(SessionChanges.use(paths, SESSION, () => Promise.reject(other))).rejects.toBe(other)
  expect(loopsBelow(bench.root)).toEqual([])
})

test.for(['in a disk that has ended', 'in a directory'])(
  'for a session without a workspace, the hint says where its files are: %s',
  async (form) => {
    await FORMS[form]?.()
    record(null)
    const where =
      form === 'in a directory'
        ? `look in ${bench.sessions}/${SESSION}/upper`
        : `mount -o ro,nosuid,nodev,noexec ${bench.sessions}/${SESSION}/disk.img /mnt, and look in /mnt/upper`
    await expect(SessionChanges.use(paths, SESSION, () => Promise.resolve())).rejects.toMatchObject(
      {
        code: 'WORKSPACE_INVALID',
        message: `${SESSION} ran without --workspace`,
        hint: `to see its files, ${where}`,
      },
    )
  },
)

test('a workspace that is gone is said before anything is opened', async () => {
  await FORMS['in a disk that has ended']?.()
  record(workspace)
  rmSync(workspace, { recursive: true })
  await expect(SessionChanges.use(paths, SESSION, () => Promise.resolve())).rejects.toMatchObject({
    code: 'WORKSPACE_INVALID',
    message: `${workspace} is not there any more`,
  })
})

test('a session that left no changes is unknown', () => {
  record(workspace)
  expect(() => openChanges(bench.sessions, SESSION)).toThrow(
    expect.objectContaining({ code: 'SESSION_UNKNOWN' }),
  )
})

test('what is asked for while a disk is being put away is there once that is done', async () => {
  const disk = await bench.disk(await bench.open(), SESSION)
  writeFileSync(join(disk.upper, 'notes'), 'new\n')
  const reader = openDiskImage(join(bench.sessions, SESSION))
  await disk.close() // a reader keeps it a device, so that nobody can lock it
  expect(() => openChanges(bench.sessions, SESSION)).toThrow(
    expect.objectContaining({ code: 'WORKSPACE_BUSY' }),
  )
  const opened = openEndedChanges(bench.sessions, SESSION)
  reader.close()
  const changes = await opened
  expect(readFileSync(join(changes.upper, 'notes'), 'utf8')).toBe('new\n')
  changes.close()
})
