import { createHash, randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, open, readlink, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import { OpenDirectory } from './open-tree.ts'
import { isOpaque, isWhiteout } from './overlay-layer.ts'
import {
  BLOBS,
  digestOf,
  type Entry,
  INDEX_FILE,
  MAX_ENTRIES,
  snapshotIdOf,
  type SnapshotIndex,
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
  areas: readonly string[]
  entries: Entry[]
  leftOut: string[]
  dropped: { path: string; reason: string }[]
}

const MAX_DEPTH = 256
const CHUNK_BYTES = 256 * 1024
/** More than these are counted in the last one: a name may be 4 KiB, and an agent's. */
const MAX_NAMED = 10_000

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
    const taking: Taking = { blobs, areas, entries: [], leftOut: [], dropped: [] }
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
  const digest = digestOf(index)
  const id = snapshotIdOf(digest)
  const file = await open(join(draft, INDEX_FILE), 'wx', 0o600)
  try {
    await file.writeFile(canonicalJson(index))
    await file.datasync()
  } finally {
    await file.close()
  }
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
  const status = await directory.status(place.name)
  if (status === undefined) throw changed(path)
  if (isLeftOut(taking, path, status)) {
    if (taking.leftOut.length < MAX_NAMED) taking.leftOut.push(path)
    return
  }
  if (isWhiteout(status)) push(taking, { type: 'whiteout', path })
  else if (status.isDirectory()) await takeDirectory(taking, directory, { ...place, status })
  else if (status.isFile()) await takeFile(taking, directory, { ...place, status })
  else if (status.isSymbolicLink()) await takeLink(taking, directory, place)
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
  const source = await directory.file(name)
  try {
    if (!(await source.stat()).isFile()) throw changed(path)
    const { digest, bytes } = await store(source, taking.blobs)
    push(taking, { type: 'file', path, ...plainMode(taking, path, status), bytes, digest })
  } finally {
    await source.close()
  }
}

async function takeLink(
  taking: Taking,
  directory: OpenDirectory,
  { name, path }: Place,
): Promise<void> {
  const bytes = await readlink(directory.path(name), { encoding: 'buffer' })
  const target = bytes.toString()
  if (Buffer.from(target).equals(bytes)) push(taking, { type: 'symlink', path, target })
  else drop(taking, path, 'a link whose target is not UTF-8')
}

/** Equal contents are kept once. */
async function store(
  source: FileHandle,
  blobs: string,
): Promise<{ digest: string; bytes: number }> {
  const draft = join(blobs, `.new-${randomBytes(8).toString('hex')}`)
  const target = await open(draft, 'wx', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await source.read(chunk, 0, chunk.length, bytes)
      if (bytesRead === 0) break
      hash.update(chunk.subarray(0, bytesRead))
      await target.writeFile(chunk.subarray(0, bytesRead))
      bytes += bytesRead
    }
  } finally {
    await target.close()
  }
  const hex = hash.digest('hex')
  await rename(draft, join(blobs, hex))
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
