import { createHash } from 'node:crypto'
import { type BigIntStats, constants } from 'node:fs'
import { copyFile, lstat, mkdir, open, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** What a session had changed when it was stopped. */
export type ChangeList = {
  changes: ChangedFile[]
  /** why the list is not all of it; null when it is */
  incomplete: string | null
}

export type ChangedFile = {
  /** relative; a name that is no UTF-8 as `base64:…` */
  path: string
  kind: 'file' | 'directory' | 'symlink' | 'removed' | 'other'
  mode: number
  bytes: number
  modifiedAt: string
  target: string | null
  /** of the content; null for what is no file, and for a file that was too much */
  sha256: string | null
}

export type ChangeBounds = { maxFiles: number; maxBytes: number; timeoutMs: number }

type Walk = ChangeBounds & ChangeList & { endsAtMs: number; bytes: number; keepIn: string | null }

/**
 * Everything below the layer, with digests. Nothing of the session may run any more: paths are
 * followed by name.
 *
 * @param keepIn a directory that gets each file's content, named by its digest; null to list alone
 */
export async function listChanges(
  layer: string,
  bounds: ChangeBounds,
  keepIn: string | null,
): Promise<ChangeList> {
  const endsAtMs = performance.now() + bounds.timeoutMs
  const walk: Walk = { ...bounds, changes: [], incomplete: null, endsAtMs, bytes: 0, keepIn }
  if (keepIn !== null) await mkdir(keepIn, { mode: 0o700 })
  await listBelow(walk, Buffer.from(layer), Buffer.alloc(0))
  const { changes, incomplete } = walk
  return { changes, incomplete }
}

async function listBelow(walk: Walk, directory: Buffer, inside: Buffer): Promise<void> {
  for (const name of await readdir(directory, 'buffer')) {
    if (isOver(walk)) return
    const path = joinBytes(directory, name)
    const shown = inside.length === 0 ? name : joinBytes(inside, name)
    const stats = await lstat(path, { bigint: true })
    walk.changes.push(await describe(walk, path, { shown, stats }))
    if (stats.isDirectory()) await listBelow(walk, path, shown)
  }
}

function isOver(walk: Walk): boolean {
  if (walk.changes.length >= walk.maxFiles) walk.incomplete ??= `more than ${walk.maxFiles} files`
  if (performance.now() > walk.endsAtMs) walk.incomplete ??= `more than ${walk.timeoutMs} ms`
  return walk.incomplete !== null
}

async function describe(
  walk: Walk,
  path: Buffer,
  { shown, stats }: { shown: Buffer; stats: BigIntStats },
): Promise<ChangedFile> {
  const kind = kindOf(stats)
  return {
    path: textOf(shown),
    kind,
    mode: Number(stats.mode & 0o7777n),
    bytes: Number(stats.size),
    modifiedAt: stats.mtime.toISOString(),
    target: kind === 'symlink' ? textOf(await readlink(path, { encoding: 'buffer' })) : null,
    sha256: kind === 'file' ? await contentOf(walk, path, stats) : null,
  }
}

/** overlayfs stands for a removed file by a character device 0:0 */
function kindOf(stats: BigIntStats): ChangedFile['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  return stats.isCharacterDevice() && stats.rdev === 0n ? 'removed' : 'other'
}

async function contentOf(walk: Walk, path: Buffer, { size }: BigIntStats): Promise<string | null> {
  if (walk.bytes + Number(size) > walk.maxBytes) return null
  walk.bytes += Number(size)
  const hash = createHash('sha256')
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      hash.update(chunk)
      if (performance.now() > walk.endsAtMs) return null
    }
  } finally {
    await file.close()
  }
  const digest = hash.digest('hex')
  if (walk.keepIn !== null) {
    await copyFile(path, join(walk.keepIn, digest), constants.COPYFILE_FICLONE)
  }
  return `sha256:${digest}`
}

function joinBytes(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from('/'), name])
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : `base64:${bytes.toString('base64')}`
}
