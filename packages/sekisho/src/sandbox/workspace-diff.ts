import type { BigIntStats } from 'node:fs'
import { type FileHandle, readlink } from 'node:fs/promises'
import { SekishoError } from '../core/error.ts'
import { OpenDirectory } from './open-tree.ts'
import { isOpaque, isWhiteout } from './overlay-layer.ts'

export type EntryType = 'file' | 'directory' | 'symlink' | 'other'

/** One entry as it was or is. */
export type Side = {
  type: EntryType
  /** permission bits with setuid, setgid and sticky */
  mode: number
  bytes: number
  links: number
  /** of a symbolic link, else null */
  target: string | null
  /** Unix ms of the last change to the entry itself */
  changedAtMs: number
}

export type Change = {
  /** relative to the workspace, `/` between names */
  path: string
  /** null: added */
  before: Side | null
  /** null: deleted */
  after: Side | null
}

export type WorkspaceDiff = {
  /** a directory before what is in it */
  changes: readonly Change[]
  /** entries that were left out, with why; never applied */
  unreadable: readonly { path: string; reason: string }[]
}

export type Layers = {
  /** the user's directory */
  lower: string
  /** the overlay's upper layer, mounted with `redirect_dir=nofollow` or `off`, `metacopy=off` */
  upper: string
}

const MAX_CHANGES = 200_000
const MAX_DEPTH = 256
const CHUNK_BYTES = 256 * 1024

type Walk = {
  changes: Change[]
  unreadable: { path: string; reason: string }[]
}
/** One directory on both sides. `merged`: what only the lower side has is still to be seen. */
type Pair = { path: string; upper: OpenDirectory; lower: OpenDirectory | null; merged: boolean }

/**
 * What a session changed, from its upper layer alone: deletions, directories made anew, changes of
 * type, mode, target or content. A file that was written without becoming different is no change.
 *
 * Safe while the session runs and while the user works: no link is followed on either side.
 *
 * @throws SekishoError WORKSPACE_INVALID above 200,000 changes or 256 levels
 */
export async function diffWorkspace({ lower, upper }: Layers): Promise<WorkspaceDiff> {
  const walk: Walk = { changes: [], unreadable: [] }
  const above = await OpenDirectory.at(upper)
  try {
    const below = await OpenDirectory.at(lower)
    try {
      await visit(walk, { path: '', upper: above, lower: below, merged: true })
    } finally {
      await below.close()
    }
  } finally {
    await above.close()
  }
  return walk
}

async function visit(walk: Walk, pair: Pair): Promise<void> {
  if (pair.path.split('/').length > MAX_DEPTH) throw tooMuch(`${MAX_DEPTH} levels`)
  const { names, unreadable } = await pair.upper.names()
  for (const name of unreadable) {
    walk.unreadable.push({ path: join(pair.path, name), reason: 'a name that is not UTF-8' })
  }
  for (const name of names) {
    try {
      await visitEntry(walk, pair, name)
    } catch (error) {
      if (!isRace(error)) throw error
      walk.unreadable.push({ path: join(pair.path, name), reason: 'changed while it was read' })
    }
  }
  if (pair.merged || pair.lower === null) return
  const below = await pair.lower.names()
  for (const name of below.names.filter((candidate) => !names.includes(candidate))) {
    await deleteTree(walk, pair.lower, { name, path: join(pair.path, name) })
  }
}

async function visitEntry(walk: Walk, pair: Pair, name: string): Promise<void> {
  const path = join(pair.path, name)
  const status = await pair.upper.status(name)
  if (status === undefined) return // the session has just removed it
  if (isWhiteout(status)) return deleteTree(walk, pair.lower, { name, path })
  const before = await sideOf(pair.lower, name)
  const after = await side(status, pair.upper, name)
  if (await differs(pair, name, { before, after })) push(walk, { path, before, after })
  if (before?.type === 'directory' && after.type !== 'directory') {
    await deleteChildren(walk, pair.lower, { name, path })
  }
  if (after.type === 'directory') await descend(walk, pair, { name, path, before })
}

async function sideOf(directory: OpenDirectory | null, name: string): Promise<Side | null> {
  const status = await directory?.status(name)
  return status === undefined ? null : side(status, directory, name)
}

async function descend(
  walk: Walk,
  pair: Pair,
  { name, path, before }: { name: string; path: string; before: Side | null },
): Promise<void> {
  const upper = await pair.upper.directory(name)
  try {
    const lower = before?.type === 'directory' ? await pair.lower?.directory(name) : undefined
    try {
      const merged = pair.merged && lower !== undefined && !isOpaque(upper)
      await visit(walk, { path, upper, lower: lower ?? null, merged })
    } finally {
      await lower?.close()
    }
  } finally {
    await upper.close()
  }
}

type Entry = { name: string; path: string }

/** Nothing is deleted where the user has nothing (any more). */
async function deleteTree(walk: Walk, lower: OpenDirectory | null, entry: Entry): Promise<void> {
  const before = await sideOf(lower, entry.name)
  if (before === null) return
  push(walk, { path: entry.path, before, after: null })
  if (before.type === 'directory') await deleteChildren(walk, lower, entry)
}

async function deleteChildren(
  walk: Walk,
  lower: OpenDirectory | null,
  { name, path }: Entry,
): Promise<void> {
  if (lower === null) return
  if (path.split('/').length > MAX_DEPTH) throw tooMuch(`${MAX_DEPTH} levels`)
  const directory = await lower.directory(name)
  try {
    for (const child of (await directory.names()).names) {
      await deleteTree(walk, directory, { name: child, path: join(path, child) })
    }
  } finally {
    await directory.close()
  }
}

async function side(
  status: BigIntStats,
  directory: OpenDirectory | null,
  name: string,
): Promise<Side> {
  const type = typeOf(status)
  return {
    type,
    mode: Number(status.mode) & 0o7777,
    bytes: Number(status.size),
    links: Number(status.nlink),
    target: type === 'symlink' && directory !== null ? await readlink(directory.path(name)) : null,
    changedAtMs: Number(status.ctimeNs / 1_000_000n),
  }
}

function typeOf(status: BigIntStats): EntryType {
  if (status.isFile()) return 'file'
  if (status.isDirectory()) return 'directory'
  return status.isSymbolicLink() ? 'symlink' : 'other'
}

async function differs(
  { upper, lower }: Pair,
  name: string,
  { before, after }: { before: Side | null; after: Side },
): Promise<boolean> {
  if (before === null || lower === null || before.type !== after.type) return true
  if (after.type === 'symlink') return before.target !== after.target
  if (before.mode !== after.mode) return true
  if (after.type !== 'file') return false
  return before.bytes !== after.bytes || !(await sameContent(upper, lower, name))
}

async function sameContent(
  upper: OpenDirectory,
  lower: OpenDirectory,
  name: string,
): Promise<boolean> {
  const a = await upper.file(name)
  try {
    const b = await lower.file(name)
    try {
      return await sameBytes(a, b)
    } finally {
      await b.close()
    }
  } finally {
    await a.close()
  }
}

async function sameBytes(a: FileHandle, b: FileHandle): Promise<boolean> {
  const [left, right] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
  for (let offset = 0; ; offset += CHUNK_BYTES) {
    const [{ bytesRead }, other] = await Promise.all([
      a.read(left, 0, CHUNK_BYTES, offset),
      b.read(right, 0, CHUNK_BYTES, offset),
    ])
    if (bytesRead !== other.bytesRead) return false
    if (!left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false
    if (bytesRead < CHUNK_BYTES) return true
  }
}

/** What a name answers that stands for something else than a moment ago. */
function isRace(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO'].includes(String(code))
}

function push(walk: Walk, change: Change): void {
  if (walk.changes.length >= MAX_CHANGES) throw tooMuch(`${MAX_CHANGES} changes`)
  walk.changes.push(change)
}

function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

function tooMuch(what: string): SekishoError {
  return new SekishoError('WORKSPACE_INVALID', `the session changed more than ${what}`, {
    hint: 'look at its upper layer by hand',
  })
}
