import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import {
  type FileHandle,
  lchown,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { isMissing, OpenDirectory } from './open-tree.ts'
import { makeOpaque, makeWhiteout, setModified } from './overlay-layer.ts'
import {
  BLOBS,
  damaged,
  type Entry,
  INDEX_FILE,
  parseIndex,
  SNAPSHOT_ID,
  type SnapshotIndex,
} from './snapshot-index.ts'
import { isConfiguration } from './workspace-risk.ts'

export type RestoreOptions = {
  /** directory of all snapshots */
  store: string
  id: string
  /** the directory that the changes will lie over; null where there is none */
  workspace: string | null
  /** of a cloned workspace, the state of the clone; else null */
  base: string | null
  /** the new session's layer: empty, not mounted yet */
  upper: string
  /** host id of the new session's agent, who will own all of it */
  owner: number
}

const MAX_INDEX_BYTES = 256 * 1024 * 1024
const CHUNK_BYTES = 256 * 1024
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

/**
 * Lets a new session's changes begin as a snapshot. Every byte is checked against the digest that
 * the snapshot is called by; where one differs, `upper` is left empty.
 *
 * @returns the index, of which `changesSince` becomes the new session's
 * @throws SekishoError SNAPSHOT_INVALID when it is unknown, damaged, or of another workspace
 */
export async function restoreSnapshot(options: RestoreOptions): Promise<SnapshotIndex> {
  const { store, id, upper } = options
  const index = await readSnapshot(store, id)
  refuseElsewhere(index, options)
  try {
    for (const entry of index.entries) await place(entry, options)
    for (const entry of index.entries.toReversed()) await finish(entry, upper)
  } catch (error) {
    for (const name of await readdir(upper)) await rm(join(upper, name), { recursive: true })
    throw error
  }
  return index
}

/** @throws SekishoError SNAPSHOT_INVALID */
export async function readSnapshot(store: string, id: string): Promise<SnapshotIndex> {
  if (!SNAPSHOT_ID.test(id)) throw unknown(id)
  const path = join(store, id, INDEX_FILE)
  try {
    if ((await stat(path)).size > MAX_INDEX_BYTES) throw damaged(id, 'its index is too long')
    return parseIndex(id, await readFile(path, 'utf8'))
  } catch (error) {
    if (isMissing(error)) throw unknown(id)
    throw error
  }
}

function unknown(id: string): SekishoError {
  return new SekishoError('SNAPSHOT_INVALID', `there is no snapshot ${id}`, {
    hint: 'run `sekisho snapshot --list`',
  })
}

function refuseElsewhere(index: SnapshotIndex, { id, workspace, base }: RestoreOptions): void {
  if (index.workspace !== workspace) {
    const was = index.workspace ?? 'no workspace'
    throw new SekishoError('SNAPSHOT_INVALID', `snapshot ${id} is of ${was}`, {
      hint: `run \`sekisho restore ${id}\`, which takes the same workspace`,
    })
  }
  if (index.base !== base) {
    throw new SekishoError('SNAPSHOT_INVALID', `the repository below snapshot ${id} has moved`, {
      hint: 'take its commits with `sekisho apply SESSION --bundle FILE` and begin anew',
    })
  }
}

async function place(entry: Entry, options: RestoreOptions): Promise<void> {
  const { upper, owner, id } = options
  // a list that has grown since the snapshot was taken holds for it too
  if (isConfiguration(entry.path) && !isRepository(entry)) {
    throw damaged(id, `it carries ${JSON.stringify(entry.path)}`)
  }
  const parent = await parentOf(upper, entry.path)
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
  try {
    switch (entry.type) {
      case 'whiteout':
        makeWhiteout(parent, name)
        break
      case 'symlink':
        await symlink(entry.target, parent.path(name))
        await lchown(parent.path(name), owner, owner)
        break
      case 'directory':
        await placeDirectory(parent, name, { opaque: entry.opaque, owner })
        break
      case 'file':
        await placeFile(entry, { path: parent.path(name), options })
        break
    }
  } finally {
    await parent.close()
  }
}

function isRepository({ type, path }: Entry): boolean {
  return type === 'directory' && /(^|\/)\.git$/i.test(path)
}

async function placeDirectory(
  parent: OpenDirectory,
  name: string,
  { opaque, owner }: { opaque: boolean; owner: number },
): Promise<void> {
  await mkdir(parent.path(name), { mode: 0o700 })
  const directory = await parent.directory(name)
  try {
    if (opaque) makeOpaque(directory)
    await directory.handle.chown(owner, owner)
  } finally {
    await directory.close()
  }
}

async function placeFile(
  entry: Entry & { type: 'file' },
  { path, options }: { path: string; options: RestoreOptions },
): Promise<void> {
  const { store, id, owner } = options
  const blob = join(store, id, BLOBS, entry.digest.slice('sha256:'.length))
  const source = await open(blob, O_RDONLY | O_NOFOLLOW).catch((cause: unknown) => {
    throw damaged(id, `${JSON.stringify(entry.path)} is missing`, cause)
  })
  try {
    const target = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      if ((await copy(source, target, entry.bytes)) !== entry.digest) {
        throw damaged(id, `${JSON.stringify(entry.path)} is not what it was`)
      }
      await target.chown(owner, owner)
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** @returns the digest of all that the source holds, of which at most `bytes` and one are written */
async function copy(source: FileHandle, target: FileHandle, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.alloc(CHUNK_BYTES)
  for (let done = 0; done <= bytes; ) {
    const { bytesRead } = await source.read(chunk, 0, chunk.length, done)
    if (bytesRead === 0) break
    hash.update(chunk.subarray(0, bytesRead))
    await target.writeFile(chunk.subarray(0, bytesRead))
    done += bytesRead
  }
  return `sha256:${hash.digest('hex')}`
}

/** Modes and times last, the deepest first: what is placed in a directory changes its time. */
async function finish(entry: Entry, upper: string): Promise<void> {
  if (entry.type !== 'file' && entry.type !== 'directory') return
  const parent = await parentOf(upper, entry.path)
  const name = entry.path.slice(entry.path.lastIndexOf('/') + 1)
  try {
    const handle = await parent.file(name)
    try {
      await handle.chmod(entry.mode)
    } finally {
      await handle.close()
    }
    setModified(parent, name, BigInt(entry.modifiedAt))
  } finally {
    await parent.close()
  }
}

/** The caller closes it. */
async function parentOf(upper: string, path: string): Promise<OpenDirectory> {
  return OpenDirectory.within(upper, path.split('/').slice(0, -1))
}
