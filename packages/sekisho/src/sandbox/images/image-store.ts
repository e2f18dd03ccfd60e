import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import { Digest } from '../../wire/sandbox.ts'
import {
  checkImageName,
  IMAGE_FILE,
  type ImageRecord,
  NameRecord,
  readImageRecord,
  readRecord,
} from './image-record.ts'
import type { OpenedImage } from './open-rootfs.ts'
import { compareIndexes, indexTree, stampTree, type TreeDifference } from './tree-index.ts'

export type StoredImage = Pick<ImageRecord, 'digest' | 'entries' | 'bytes' | 'leftOut'> & {
  /** names that lead to it, in order */
  names: readonly string[]
}

const NAMES = 'names'

/**
 * Images below one directory that is root's alone, each under the digest of its manifest.
 *
 * An image comes to its place by one rename, complete and on disk, and is never changed there: two
 * imports of one digest make the same, and the second one finds it there.
 */
export class ImageStore {
  readonly directory: string
  /** what was found in order since this process runs: the record's own inode tells one from the next */
  readonly #checked = new Map<string, Promise<OpenedImage>>()

  constructor(directory: string) {
    this.directory = directory
  }

  /**
   * For a session. Whether a file changed since the import is asked of the kernel's notes once in
   * this process' life; {@link verify} reads every byte.
   *
   * @throws SekishoError IMAGE_UNKNOWN, ROOTFS_INVALID
   */
  async open({ name, digest }: { name: string; digest: string }): Promise<OpenedImage> {
    const place = this.#place(digest)
    const status = statSync(join(place, IMAGE_FILE.record), { bigint: true, throwIfNoEntry: false })
    if (status === undefined) throw this.#unknown(name, digest)
    const key = `${digest} ${status.ino} ${status.ctimeNs}`
    const known = this.#checked.get(key)
    if (known !== undefined) return known
    const opened = openChecked(place, name)
    this.#checked.set(key, opened)
    opened.catch(() => this.#checked.delete(key)) // the caller gets the error; the next one asks again
    return opened
  }

  list(): StoredImage[] {
    const names = this.#names()
    return this.#digests().flatMap((digest) => {
      const record = readImageRecord(this.#place(digest))
      if (record === undefined) return []
      const { entries, bytes, leftOut } = record
      const own = names.filter((one) => one.digest === digest).map(({ name }) => name)
      return [{ digest, entries, bytes, leftOut, names: own }]
    })
  }

  /**
   * What a name or a digest stands for.
   *
   * @throws SekishoError IMAGE_UNKNOWN
   */
  find(text: string): StoredImage {
    const found = this.list().find(({ digest, names }) => digest === text || names.includes(text))
    if (found !== undefined) return found
    throw new SekishoError('IMAGE_UNKNOWN', `no image ${text} in the store`, {
      hint: 'run `sekisho image list`',
    })
  }

  /**
   * Takes away an image with all its names. Sessions that use it keep what they have open; their
   * programs may fail. @throws SekishoError IMAGE_UNKNOWN
   */
  remove(text: string): StoredImage {
    const image = this.find(text)
    for (const name of image.names) rmSync(this.#nameFile(name), { force: true })
    // first out of the way, so that no session starts in half of it
    const aside = join(this.directory, `.removed-${process.pid}-${image.digest.slice(7)}`)
    renameSync(this.#place(image.digest), aside)
    rmSync(aside, { recursive: true, force: true })
    return image
  }

  /**
   * Reads every byte of an image and compares it with what was imported.
   *
   * @returns what differs, in order; nothing when it is whole
   * @throws SekishoError IMAGE_UNKNOWN, or ROOTFS_INVALID when even the index is not the recorded one
   */
  async verify(text: string): Promise<readonly TreeDifference[]> {
    const { digest } = this.find(text)
    const place = this.#place(digest)
    const record = readImageRecord(place)
    const recorded = readFileSync(join(place, IMAGE_FILE.index), 'utf8')
    if (record?.index !== sha256(recorded)) {
      throw new SekishoError('ROOTFS_INVALID', `the index of ${digest} is not the recorded one`, {
        hint: 'remove the image with `sekisho image rm` and import it again',
      })
    }
    const found = await indexTree(join(place, IMAGE_FILE.tree))
    const differences = compareIndexes(recorded.trimEnd().split('\n'), found.lines)
    if (differences.length === 0) await this.#renewStamp(place, record)
    return differences
  }

  /**
   * Puts an unpacked and settled tree into its place.
   *
   * @param aside a directory of the store's file system that holds the tree as `root`, and nothing else
   * @returns false when the image was there already; `aside` is left to the caller then
   */
  async add(
    aside: string,
    image: Pick<ImageRecord, 'digest' | 'environment' | 'leftOut'>,
  ): Promise<boolean> {
    const tree = join(aside, IMAGE_FILE.tree)
    const { lines, bytes } = await indexTree(tree)
    const index = `${lines.join('\n')}\n`
    writeFileSync(join(aside, IMAGE_FILE.index), index, { flag: 'wx', mode: 0o600 })
    const { digest, environment, leftOut } = image
    this.#writeRecord(aside, {
      version: 1,
      digest,
      environment,
      leftOut,
      entries: lines.length,
      bytes,
      index: sha256(index),
      stamp: await stampTree(tree),
    })
    try {
      renameSync(aside, this.#place(digest))
      return true
    } catch (error) {
      if (this.has(digest)) return false
      throw error
    }
  }

  has(digest: string): boolean {
    return readImageRecord(this.#place(digest)) !== undefined
  }

  /** Makes the store. @returns a fresh directory in it, of which the caller disposes */
  makeAside(): string {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 })
    const aside = join(this.directory, `.incoming-${process.pid}-${process.hrtime.bigint()}`)
    mkdirSync(aside, { mode: 0o700 })
    return aside
  }

  /** Takes away what imports left that were killed. */
  sweep(): void {
    for (const name of list(this.directory)) {
      const pid = /^\.(?:incoming|removed)-(\d+)-/.exec(name)?.[1]
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue
      rmSync(join(this.directory, name), { recursive: true, force: true })
    }
  }

  /** From now on the name leads to this digest; images that had it stay under theirs. */
  name(record: NameRecord): void {
    const path = this.#nameFile(checkImageName(record.name))
    mkdirSync(join(this.directory, NAMES), { recursive: true, mode: 0o700 })
    const fresh = `${path}.${process.pid}.new`
    writeFileSync(fresh, JSON.stringify(record), { mode: 0o600 })
    renameSync(fresh, path)
  }

  async #renewStamp(place: string, record: ImageRecord): Promise<void> {
    const stamp = await stampTree(join(place, IMAGE_FILE.tree))
    // a store that was copied or restored has other inodes and times, and the same files
    if (stamp !== record.stamp) this.#writeRecord(place, { ...record, stamp })
  }

  #writeRecord(place: string, record: ImageRecord): void {
    const path = join(place, IMAGE_FILE.record)
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true })
    renameSync(`${path}.new`, path)
  }

  #unknown(name: string, digest: string): SekishoError {
    const known = this.#names().find((one) => one.name === name)
    if (known === undefined) {
      return new SekishoError('IMAGE_UNKNOWN', `image ${name} (${digest}) is not in the store`, {
        hint: `run \`sekisho image import ${name} SOURCE\``,
      })
    }
    return new SekishoError(
      'IMAGE_UNKNOWN',
      `image ${name} was imported as ${known.digest}, and the agent file wants ${digest}`,
      { hint: 'import the image that is wanted, or write the other digest into the agent file' },
    )
  }

  #names(): NameRecord[] {
    const directory = join(this.directory, NAMES)
    return list(directory)
      .filter((file) => file.endsWith('.json'))
      .flatMap((file) => readRecord(join(directory, file), NameRecord) ?? [])
  }

  #nameFile(name: string): string {
    return join(this.directory, NAMES, `${encodeURIComponent(name)}.json`)
  }

  #digests(): string[] {
    return list(this.directory)
      .map((name) => name.replace('-', ':'))
      .filter((name) => Digest.safeParse(name).success)
  }

  #place(digest: string): string {
    return join(this.directory, Digest.parse(digest).replace(':', '-'))
  }
}

async function openChecked(place: string, name: string): Promise<OpenedImage> {
  const record = readImageRecord(place)
  const tree = join(place, IMAGE_FILE.tree)
  const stamp = await stampTree(tree)
  if (record !== undefined && stamp === record.stamp) {
    return { digest: record.digest, tree, environment: record.environment }
  }
  throw new SekishoError('ROOTFS_INVALID', `image ${name} was changed in the store`, {
    hint: `run \`sekisho image verify ${name}\`, which names the files, or import it again`,
  })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** In order; nothing when the directory is not there. */
function list(directory: string): string[] {
  try {
    return readdirSync(directory).sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
