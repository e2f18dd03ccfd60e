import { createHash } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  mkdirSync,
  openSync,
  readSync,
  symlinkSync,
} from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { isMissing, OpenDirectory, writeAll } from './open-tree.ts'
import { makeOpaque, makeWhiteout, setModified } from './overlay-layer.ts'
import { Pace } from './pace.ts'
import {
  BLOBS,
  damaged,
  type Entry,
  INDEX_FILE,
  readIndex,
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

/** Below what a session's start may take; some 50,000 files on a busy machine. */
const TIMEOUT_MS = 25_000
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
    await new Restoring(options).run(index.entries)
  } catch (error) {
    for (const name of await readdir(upper)) await rm(join(upper, name), { recursive: true })
    throw error
  }
  return index
}

/** @throws SekishoError SNAPSHOT_INVALID */
export async function readSnapshot(store: string, id: string): Promise<SnapshotIndex> {
  if (!SNAPSHOT_ID.test(id)) throw unknown(id)
  try {
    return await readIndex(join(store, id, INDEX_FILE), id)
  } catch (error) {
    if (isMissing(error)) throw unknown(id)
    throw error
  }
}

function tooLate(id: string): SekishoError {
  return new SekishoError('TIMEOUT', `snapshot ${id} takes more than ${TIMEOUT_MS / 1000} s`, {
    hint: 'take another, without build output and caches; or look at the load of the machine',
  })
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

/** Entries come depth first, so the directory that the last one went to is kept open. */
class Restoring {
  readonly #options: RestoreOptions
  readonly #pace = new Pace()
  readonly #endsAtMs = performance.now() + TIMEOUT_MS
  readonly #chunk = Buffer.alloc(CHUNK_BYTES)
  #parent: { path: string; directory: OpenDirectory } | undefined

  constructor(options: RestoreOptions) {
    this.#options = options
  }

  async run(entries: readonly Entry[]): Promise<void> {
    try {
      for (const entry of entries) await this.#place(entry)
      // the deepest first: what is placed in a directory changes its time
      for (const entry of entries.toReversed()) await this.#finish(entry)
    } finally {
      await this.#parent?.directory.close()
    }
  }

  async #place(entry: Entry): Promise<void> {
    const { owner, id } = this.#options
    // a list that has grown since the snapshot was taken holds for it too
    if (isConfiguration(entry.path) && !isRepository(entry)) {
      throw damaged(id, `it carries ${JSON.stringify(entry.path)}`)
    }
    if (performance.now() > this.#endsAtMs) throw tooLate(id)
    await this.#pace.rest()
    const parent = await this.#parentOf(entry.path)
    const name = nameOf(entry.path)
    switch (entry.type) {
      case 'whiteout':
        return makeWhiteout(parent, name)
      case 'symlink':
        symlinkSync(entry.target, parent.path(name))
        return lchownSync(parent.path(name), owner, owner)
      case 'directory':
        return makeDirectory(parent, name, { opaque: entry.opaque, owner })
      case 'file':
        return this.#placeFile(entry, parent)
    }
  }

  async #placeFile(entry: Entry & { type: 'file' }, parent: OpenDirectory): Promise<void> {
    const { store, id, owner } = this.#options
    const source = openBlob(join(store, id, BLOBS, entry.digest.slice('sha256:'.length)), () =>
      damaged(id, `${JSON.stringify(entry.path)} is missing`),
    )
    try {
      const path = parent.path(nameOf(entry.path))
      const target = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
      try {
        if ((await this.#copy(source, target, entry.bytes)) !== entry.digest) {
          throw damaged(id, `${JSON.stringify(entry.path)} is not what it was`)
        }
        fchownSync(target, owner, owner)
        fchmodSync(target, entry.mode)
      } finally {
        closeSync(target)
      }
    } finally {
      closeSync(source)
    }
    setModified(parent, nameOf(entry.path), BigInt(entry.modifiedAt))
  }

  /** @returns the digest of the source, of which at most `bytes` and one chunk are written */
  async #copy(source: number, target: number, bytes: number): Promise<string> {
    const hash = createHash('sha256')
    for (let done = 0; done <= bytes; ) {
      const read = readSync(source, this.#chunk, 0, this.#chunk.length, done)
      if (read === 0) break
      hash.update(this.#chunk.subarray(0, read))
      writeAll(target, this.#chunk.subarray(0, read))
      done += read
      await this.#pace.rest()
    }
    return `sha256:${hash.digest('hex')}`
  }

  async #finish(entry: Entry): Promise<void> {
    if (entry.type !== 'directory') return
    await this.#pace.rest()
    const parent = await this.#parentOf(entry.path)
    const directory = await parent.directory(nameOf(entry.path))
    try {
      fchmodSync(directory.handle.fd, entry.mode)
    } finally {
      await directory.close()
    }
    setModified(parent, nameOf(entry.path), BigInt(entry.modifiedAt))
  }

  async #parentOf(path: string): Promise<OpenDirectory> {
    const wanted = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    if (this.#parent?.path === wanted) return this.#parent.directory
    await this.#parent?.directory.close()
    this.#parent = undefined
    const names = wanted === '' ? [] : wanted.split('/')
    const directory = await OpenDirectory.within(this.#options.upper, names)
    this.#parent = { path: wanted, directory }
    return directory
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function isRepository({ type, path }: Entry): boolean {
  return type === 'directory' && /(^|\/)\.git$/i.test(path)
}

async function makeDirectory(
  parent: OpenDirectory,
  name: string,
  { opaque, owner }: { opaque: boolean; owner: number },
): Promise<void> {
  mkdirSync(parent.path(name), { mode: 0o700 })
  const directory = await parent.directory(name)
  try {
    if (opaque) makeOpaque(directory)
    fchownSync(directory.handle.fd, owner, owner)
  } finally {
    await directory.close()
  }
}

function openBlob(path: string, missing: () => SekishoError): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW)
  } catch (error) {
    if (isMissing(error) || isLink(error)) throw missing()
    throw error
  }
}

/** `open(2)` with O_NOFOLLOW */
function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP'
}
