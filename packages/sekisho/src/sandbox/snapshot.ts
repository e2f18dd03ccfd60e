import { createHash, randomBytes } from 'node:crypto'
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
} from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { OpenDirectory, writeAll } from './open-tree.ts'
import { isOpaque, isWhiteout } from './overlay-layer.ts'
import { Pace } from './pace.ts'
import {
  BLOBS,
  type Entry,
  INDEX_FILE,
  MAX_ENTRIES,
  snapshotIdOf,
  type SnapshotIndex,
  writeIndex,
} from './snapshot-index.ts'
import { isConfiguration } from './workspace-risk.ts'

export type SnapshotOptions = Pick<
  SnapshotIndex,
  'session' | 'agent' | 'workspace' | 'base' | 'changesSince' | 'takenAt'
> & {
  /** the session's changes: an overlay's upper layer, in which nothing changes meanwhile */
  upper: string
  /** paths that the session should not have changed, beside the known configuration areas */
  areas: readonly string[]
  /** directory of all snapshots, root's alone */
  store: string
}

export type TakenSnapshot = { id: string; digest: string; index: SnapshotIndex }

type Taking = {
  blobs: string
  pace: Pace
  chunk: Buffer
  areas: readonly string[]
  entries: Entry[]
  leftOut: string[]
  dropped: { path: string; reason: string }[]
}

const MAX_DEPTH = 256
const CHUNK_BYTES = 256 * 1024
const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
/** More than these are counted in the last one: a name may be 4 KiB, and an agent's. */
const MAX_NAMED = 1000

/**
 * Copies a session's changes into a snapshot that is called by its content. Configuration areas
 * stay behind and are named (P7.4); so are devices, fifos and sockets. Hard links become files of
 * their own, and set-user-id bits go.
 *
 * No link is followed. A snapshot is whole or not there at all.
 *
 * @throws SekishoError SNAPSHOT_INVALID for more than 200,000 entries or 256 levels
 */
export async function takeSnapshot(options: SnapshotOptions): Promise<TakenSnapshot> {
  const { upper, store, areas, ...about } = options
  const draft = join(store, `.new-${randomBytes(8).toString('hex')}`)
  const blobs = join(draft, BLOBS)
  await mkdir(blobs, { recursive: true, mode: 0o700 })
  try {
    const taking: Taking = {
      blobs,
      pace: new Pace(),
      chunk: Buffer.alloc(CHUNK_BYTES),
      areas,
      entries: [],
      leftOut: [],
      dropped: [],
    }
    const root = await OpenDirectory.at(upper)
    try {
      await visit(taking, root, '')
    } finally {
      await root.close()
    }
    const { entries, leftOut, dropped } = taking
    return await settle({ version: 1, ...about, entries, leftOut, dropped }, { draft, store })
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function settle(
  index: SnapshotIndex,
  { draft, store }: { draft: string; store: string },
): Promise<TakenSnapshot> {
  const digest = await writeIndex(join(draft, INDEX_FILE), index)
  const id = snapshotIdOf(digest)
  await rename(draft, join(store, id))
  return { id, digest, index }
}

async function visit(taking: Taking, directory: OpenDirectory, path: string): Promise<void> {
  if (path.split('/').length > MAX_DEPTH) throw tooMuch(`${MAX_DEPTH} levels`)
  const { names, unreadable } = await directory.names()
  for (const name of unreadable) drop(taking, below(path, name), 'a name that is not UTF-8')
  for (const name of names) await visitEntry(taking, directory, { name, path: below(path, name) })
}

type Place = { name: string; path: string }

async function visitEntry(taking: Taking, directory: OpenDirectory, place: Place): Promise<void> {
  const { path } = place
  await taking.pace.rest()
  const status = lstatSync(directory.path(place.name), { bigint: true, throwIfNoEntry: false })
  if (status === undefined) throw changed(path)
  if (isLeftOut(taking, path, status)) {
    if (taking.leftOut.length < MAX_NAMED) taking.leftOut.push(path)
    return
  }
  if (isWhiteout(status)) push(taking, { type: 'whiteout', path })
  else if (status.isDirectory()) await takeDirectory(taking, directory, { ...place, status })
  else if (status.isFile()) await takeFile(taking, directory, { ...place, status })
  else if (status.isSymbolicLink()) takeLink(taking, directory, place)
  else drop(taking, path, 'a device, fifo or socket')
}

/** Of a repository's own directory only what runs commands stays behind. */
function isLeftOut({ areas }: Taking, path: string, status: BigIntStats): boolean {
  const isRepository = status.isDirectory() && /(^|\/)\.git$/i.test(path)
  return isConfiguration(path, areas) && !(isRepository && !areas.includes(path))
}

type Found = Place & { status: BigIntStats }

async function takeDirectory(
  taking: Taking,
  parent: OpenDirectory,
  { name, path, status }: Found,
): Promise<void> {
  const directory = await parent.directory(name)
  try {
    const opaque = isOpaque(directory)
    push(taking, { type: 'directory', path, ...plainMode(taking, path, status), opaque })
    await visit(taking, directory, path)
  } finally {
    await directory.close()
  }
}

async function takeFile(
  taking: Taking,
  directory: OpenDirectory,
  { name, path, status }: Found,
): Promise<void> {
  if (status.nlink > 1n) drop(taking, path, 'a hard link: now a file of its own')
  const source = openSync(directory.path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    if (!fstatSync(source).isFile()) throw changed(path)
    const { digest, bytes } = await store(source, taking)
    push(taking, { type: 'file', path, ...plainMode(taking, path, status), bytes, digest })
  } finally {
    closeSync(source)
  }
}

function takeLink(taking: Taking, directory: OpenDirectory, { name, path }: Place): void {
  const bytes = readlinkSync(directory.path(name), { encoding: 'buffer' })
  const target = bytes.toString()
  if (Buffer.from(target).equals(bytes)) push(taking, { type: 'symlink', path, target })
  else drop(taking, path, 'a link whose target is not UTF-8')
}

/** Equal contents are kept once. */
async function store(
  source: number,
  { blobs, pace, chunk }: Taking,
): Promise<{ digest: string; bytes: number }> {
  const draft = join(blobs, '.new')
  const target = openSync(draft, 'w', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    for (let read = -1; read !== 0; bytes += read) {
      read = readSync(source, chunk, 0, chunk.length, bytes)
      hash.update(chunk.subarray(0, read))
      writeAll(target, chunk.subarray(0, read))
      await pace.rest()
    }
  } finally {
    closeSync(target)
  }
  const hex = hash.digest('hex')
  renameSync(draft, join(blobs, hex))
  return { digest: `sha256:${hex}`, bytes }
}

function plainMode(
  taking: Taking,
  path: string,
  status: BigIntStats,
): { mode: number; modifiedAt: string } {
  const mode = Number(status.mode) & 0o7777
  if (mode > 0o777) drop(taking, path, 'setuid, setgid or sticky: without it now')
  return { mode: mode & 0o777, modifiedAt: String(status.mtimeNs) }
}

function push(taking: Taking, entry: Entry): void {
  if (taking.entries.length >= MAX_ENTRIES) throw tooMuch(`${MAX_ENTRIES} entries`)
  taking.entries.push(entry)
}

function drop(taking: Taking, path: string, reason: string): void {
  if (taking.dropped.length < MAX_NAMED) taking.dropped.push({ path, reason })
}

function below(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

function changed(path: string): SekishoError {
  return new SekishoError('SNAPSHOT_INVALID', `${JSON.stringify(path)} changed while it was read`, {
    hint: 'try again, or stop the session first',
  })
}

function tooMuch(what: string): SekishoError {
  return new SekishoError('SNAPSHOT_INVALID', `the session changed more than ${what}`, {
    hint: 'remove build output and caches in the session first',
  })
}
