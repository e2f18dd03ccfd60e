import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import {
  type FileHandle,
  lchown,
  mkdir,
  open,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises'
import { SekishoError } from '../core/error.ts'
import { OpenDirectory } from './open-tree.ts'
import { type Change, diffWorkspace, type Layers, type Side } from './workspace-diff.ts'
import { riskOf } from './workspace-risk.ts'

export type ApplyOptions = Layers & {
  /** Unix ms; what the user changed at or after it is a conflict */
  startedAtMs: number
  /** paths that the session should not have changed, beside the known configuration areas */
  areas: readonly string[]
  /** take only these, and what is below them; null takes all */
  paths: readonly string[] | null
  /** also take files that run commands or steer agents (see `riskOf`) */
  includeConfig: boolean
  /** overwrite what the user changed meanwhile */
  force: boolean
}

export type ApplyResult = {
  applied: readonly string[]
  /** left out because `includeConfig` was not given */
  config: readonly string[]
  /** changed by the user since the session began */
  conflicts: readonly string[]
  /** never taken, or impossible, with why */
  refused: readonly { path: string; reason: string }[]
}

type Applying = {
  upper: OpenDirectory
  lower: OpenDirectory
  owner: Owner
  applied: string[]
  refused: { path: string; reason: string }[]
}
type Owner = { uid: number; gid: number }

const CHUNK_BYTES = 1024 * 1024
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants

/**
 * Copies a session's changes into the user's directory, as the owner of that directory.
 *
 * No link is followed on either side; a file appears whole or not at all; nothing that the user
 * changed meanwhile is overwritten unless `force` says so. One entry that fails does not keep the
 * others from being taken.
 *
 * @throws SekishoError USAGE for a path that leads out of the workspace
 */
export async function applyWorkspace(options: ApplyOptions): Promise<ApplyResult> {
  const wanted = options.paths?.map(normalPath) ?? null
  const { changes, unreadable } = await diffWorkspace(options)
  const sorted = sort(
    changes.filter(({ path }) => isWanted(path, wanted)),
    options,
  )
  const upper = await OpenDirectory.at(options.upper)
  try {
    const lower = await OpenDirectory.at(options.lower)
    try {
      const { uid, gid } = await lower.handle.stat()
      const applying: Applying = {
        upper,
        lower,
        owner: { uid, gid },
        applied: [],
        refused: [...sorted.refused, ...unreadable.filter(({ path }) => isWanted(path, wanted))],
      }
      await applyAll(applying, sorted.take)
      const { applied, refused } = applying
      return { applied, config: sorted.config, conflicts: sorted.conflicts, refused }
    } finally {
      await lower.close()
    }
  } finally {
    await upper.close()
  }
}

function normalPath(path: string): string {
  const parts = path.replace(/\/+$/, '').split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new SekishoError('USAGE', `${JSON.stringify(path)} is not a path in the workspace`, {
      hint: 'give paths as `sekisho diff` prints them',
    })
  }
  return parts.join('/')
}

/** Directories above a wanted path are taken too: it could not be placed without them. */
function isWanted(path: string, wanted: readonly string[] | null): boolean {
  return (
    wanted === null ||
    wanted.some((one) => path === one || path.startsWith(`${one}/`) || one.startsWith(`${path}/`))
  )
}

type Sorted = {
  take: Change[]
  config: string[]
  conflicts: string[]
  refused: { path: string; reason: string }[]
}

function sort(changes: readonly Change[], options: ApplyOptions): Sorted {
  const sorted: Sorted = { take: [], config: [], conflicts: [], refused: [] }
  for (const change of changes) {
    const risk = riskOf(change, options.areas)
    const { path, before } = change
    if (risk.kind === 'refused') sorted.refused.push({ path, reason: risk.reason })
    else if (risk.kind === 'config' && !options.includeConfig) sorted.config.push(path)
    else if (isConflict(before, options)) sorted.conflicts.push(path)
    else sorted.take.push(change)
  }
  return sorted
}

/** A directory changes whenever a name in it does: that alone is no conflict. */
function isConflict(before: Side | null, { force, startedAtMs }: ApplyOptions): boolean {
  if (force || before === null || before.type === 'directory') return false
  return before.changedAtMs >= startedAtMs
}

/** Removals first and deepest first, so that another type can take the place. */
async function applyAll(applying: Applying, changes: readonly Change[]): Promise<void> {
  const replaced = changes.filter(
    ({ before, after }) => before !== null && before.type !== after?.type,
  )
  for (const change of replaced.toReversed()) {
    await attempt(applying, change, removeOld)
  }
  const failed = new Set(applying.refused.map(({ path }) => path))
  for (const change of changes.filter(({ path, after }) => after !== null && !failed.has(path))) {
    await attempt(applying, change, placeNew)
  }
}

async function attempt(
  applying: Applying,
  change: Change,
  act: (applying: Applying, change: Change, parent: OpenDirectory) => Promise<void>,
): Promise<void> {
  try {
    const parent = await openParent(applying.lower, change.path)
    try {
      await act(applying, change, parent)
    } finally {
      await parent.close()
    }
    const isLast = act === placeNew || change.after === null
    if (isLast) applying.applied.push(change.path)
  } catch (error) {
    applying.refused.push({ path: change.path, reason: reasonOf(error) })
  }
}

async function removeOld(
  _: Applying,
  { path, before }: Change,
  parent: OpenDirectory,
): Promise<void> {
  const place = parent.path(nameOf(path))
  if (before?.type === 'directory') await rmdir(place)
  else await unlink(place)
}

async function placeNew(applying: Applying, change: Change, parent: OpenDirectory): Promise<void> {
  const { after } = change
  if (after?.type === 'directory') return placeDirectory(applying, change, parent)
  const temporary = `.sekisho-${randomBytes(8).toString('hex')}`
  const place = parent.path(temporary)
  try {
    if (after?.type === 'symlink') await placeLink(applying, after, place)
    else
      await placeFile(applying, change, { place, owner: await ownerOf(applying, change, parent) })
    await refuseSurprise(change, parent)
    await rename(place, parent.path(nameOf(change.path)))
  } catch (error) {
    await unlink(place).catch(() => undefined) // not made, or already renamed
    throw error
  }
}

async function placeDirectory(
  { owner }: Applying,
  { path, after }: Change,
  parent: OpenDirectory,
): Promise<void> {
  const name = nameOf(path)
  const exists = (await parent.status(name)) !== undefined
  if (!exists) await mkdir(parent.path(name), { mode: 0o700 })
  const directory = await parent.directory(name)
  try {
    if (!exists) await directory.handle.chown(owner.uid, owner.gid)
    await directory.handle.chmod((after?.mode ?? 0o755) & 0o7777)
  } finally {
    await directory.close()
  }
}

async function placeLink({ owner }: Applying, { target }: Side, place: string): Promise<void> {
  await symlink(target ?? '', place)
  await lchown(place, owner.uid, owner.gid)
}

async function placeFile(
  { upper }: Applying,
  { path, after }: Change,
  { place, owner }: { place: string; owner: Owner },
): Promise<void> {
  const source = await openSource(upper, path)
  try {
    const target = await open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await copy(source, target)
      await target.chown(owner.uid, owner.gid)
      await target.chmod((after?.mode ?? 0o644) & 0o7777)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** @throws when it is no plain file (any more): a session may still be running */
async function openSource(upper: OpenDirectory, path: string): Promise<FileHandle> {
  const parent = await openParent(upper, path)
  try {
    const source = await parent.file(nameOf(path))
    const status = await source.stat()
    if (status.isFile() && status.nlink === 1) return source
    await source.close()
    throw new Error('changed while it was read')
  } finally {
    await parent.close()
  }
}

/** At most what the file held when it was opened: a running session could write for ever. */
async function copy(source: FileHandle, target: FileHandle): Promise<void> {
  let left = (await source.stat()).size
  const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, Math.max(1, left)))
  while (left > 0) {
    const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, left))
    if (bytesRead === 0) return
    await target.writeFile(chunk.subarray(0, bytesRead))
    left -= bytesRead
  }
}

/** A file that was the user's keeps its owner; a new one belongs to the workspace's. */
async function ownerOf(
  { owner }: Applying,
  { path, before }: Change,
  parent: OpenDirectory,
): Promise<Owner> {
  const old = before?.type === 'file' ? await parent.status(nameOf(path)) : undefined
  return old === undefined ? owner : { uid: Number(old.uid), gid: Number(old.gid) }
}

/** The last look before the user's entry is replaced: it must be what the comparison saw. */
async function refuseSurprise(
  { path, before, after }: Change,
  parent: OpenDirectory,
): Promise<void> {
  const status = await parent.status(nameOf(path))
  const expected = before === null || before.type !== after?.type ? null : before.changedAtMs
  const found = status === undefined ? null : Number(status.ctimeNs / 1_000_000n)
  if (found !== expected) throw new Error('the user has just changed this')
}

/** The caller closes it. */
async function openParent(root: OpenDirectory, path: string): Promise<OpenDirectory> {
  return OpenDirectory.within(`/proc/self/fd/${root.handle.fd}/.`, path.split('/').slice(0, -1))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Record<string, string> = {
    ENOTDIR: 'a directory on the way is none any more',
    ELOOP: 'a directory on the way is a link now',
    ENOENT: 'its directory is not there',
    ENOTEMPTY: 'something in this directory is to stay',
    ENOSPC: 'no space is left',
  }
  return known[code] ?? (error instanceof Error ? error.message : String(error))
}
