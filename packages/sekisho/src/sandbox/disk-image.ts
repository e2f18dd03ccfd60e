import {
  chownSync,
  close,
  closeSync,
  constants,
  mkdirSync,
  opendirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { giveBackFree, lockFile, nameFile, openUnnamed, writeBack } from '../kernel/image-file.ts'
import { restoreQueue, shortenQueue } from '../kernel/loop.ts'
import { attachTree, unmount } from '../kernel/mounts.ts'
import { BLOCK_BYTES, mountImage } from './disk-mount.ts'
import { copyTemplate, type DiskTemplate } from './disk-template.ts'

/** In a session's directory: its disk, and while it is in use, where its root is to be found. */
export const DISK_FILE = 'disk.img'
const LIVE_FILE = 'disk.live'

const closeAside = promisify(close)
/** What is written by then stands in the queue for a tenth of a second at the most. */
const FAIR_BYTES = 32 * 1024 * 1024

const EXT4_STATE = '/sys/fs/ext4'

export type DiskUsage = { bytes: number; inodes: number; bytesFree: number; inodesFree: number }

export type DiskImageRequest = {
  template: DiskTemplate
  /** whose file system takes the image */
  directory: string
  /** an empty directory of the supervisor's own mount namespace */
  target: string
  agentUid: number
}

/**
 * A size-capped file system for the changes of one session. The image has no name until
 * {@link DiskImage.place}, so that nothing is left of it when no session comes, or we are killed.
 */
export class DiskImage {
  readonly #request: DiskImageRequest
  readonly #imageFd: number
  /** opened before anything was written: syncfs(2) tells each descriptor of errors since then */
  readonly #rootFd: number
  readonly #device: string
  #queue: Promise<void> | undefined
  #placedIn: string | undefined
  #closed = false
  #isHeldBack = false
  #heldBack = 0
  #unwritten = 0

  /** @throws SekishoError when the host has no room for it or no loop devices */
  constructor(request: DiskImageRequest) {
    const { template, directory, target, agentUid } = request
    this.#request = request
    const opened: number[] = []
    const own = (fd: number): number => {
      opened.push(fd)
      return fd
    }
    try {
      this.#imageFd = own(openUnnamed(directory, template.imageBytes))
      copyTemplate(template, this.#imageFd)
      lockFile(this.#imageFd, 'exclusive')
      const { mountFd, device } = mountImage(this.#imageFd, { readOnly: false })
      own(mountFd)
      this.#device = device
      const root = `/proc/self/fd/${mountFd}/`
      this.#rootFd = own(openSync(root, constants.O_RDONLY | constants.O_DIRECTORY))
      chownSync(join(root, 'upper'), agentUid, agentUid)
      this.#reserve(template.reservedBlocks)
      attachTree(mountFd, target)
      closeSync(mountFd)
    } catch (error) {
      for (const fd of opened) closeSync(fd)
      throw toSekishoError(error, 'SANDBOX_FAILED')
    }
  }

  get upper(): string {
    return join(this.#request.target, 'upper')
  }

  get work(): string {
    return join(this.#request.target, 'work')
  }

  /** Gives the image its name. @param directory of the session, on the image's file system */
  place(directory: string): void {
    nameFile(this.#imageFd, join(directory, DISK_FILE))
    this.#placedIn = directory
    writeFileSync(join(directory, LIVE_FILE), `/proc/${process.pid}/fd/${this.#rootFd}`, {
      mode: 0o600,
    })
  }

  usage(): DiskUsage {
    const { freeBlocks, freeInodes } = this.#request.template
    const { bfree, bavail, ffree } = statfsSync(this.#request.target)
    return {
      bytes: Math.max(0, freeBlocks - bfree) * BLOCK_BYTES,
      inodes: Math.max(0, freeInodes - ffree),
      bytesFree: bavail * BLOCK_BYTES,
      inodesFree: ffree,
    }
  }

  /** Bytes that were promised to writers and for which the host has no room set aside yet. */
  delayedBytes(): number {
    return this.#readCount('delayed_allocation_blocks') * BLOCK_BYTES
  }

  /** Once the session has written more than most do: it costs the kernel 40 ms. */
  beFair(): void {
    if (this.#queue !== undefined || this.usage().bytes < FAIR_BYTES) return
    this.#queue = shortenQueue(this.#device)
  }

  /**
   * From now on (or until now) every write that needs room fails with ENOSPC: what the host has not
   * is not promised. Otherwise it would be lost later, unseen by who wrote it.
   */
  holdBack(isHeldBack: boolean): void {
    if (isHeldBack === this.#isHeldBack) return
    const { imageBytes, reservedBlocks } = this.#request.template
    this.#reserve(isHeldBack ? imageBytes / BLOCK_BYTES - 1 : reservedBlocks)
    this.#isHeldBack = isHeldBack
    if (isHeldBack) this.#heldBack += 1
  }

  /**
   * Writes what is still in memory and gives the host back what was deleted, on another thread, so
   * that {@link close} need not wait for the host's disk. When nothing writes any more; before
   * overlays on it are unmounted.
   *
   * @returns counters of what went wrong: `ioErrors`, and `heldBack` (see {@link holdBack})
   */
  async settle(): Promise<{ ioErrors: number; heldBack: number }> {
    if (!(await writeBack(this.#rootFd))) this.#unwritten += 1
    if (this.isChanged()) await giveBackFree(this.#rootFd)
    const counted = this.#readCount('errors_count') + this.#readCount('warning_count')
    return { ioErrors: Math.max(counted, this.#unwritten), heldBack: this.#heldBack }
  }

  /** Whether the session has left anything so far. */
  isChanged(): boolean {
    return hasEntries(this.upper)
  }

  /**
   * Nothing reaches it any more when this returns; resolves when the device is free too. The image
   * stays if the session left anything. Idempotent.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    const directory = this.#placedIn
    if (directory !== undefined) {
      // first, so that a reader who still sees it afterwards has opened our root and no other file
      rmSync(join(directory, LIVE_FILE), { force: true })
      if (!this.#mayBeChanged()) rmSync(join(directory, DISK_FILE), { force: true })
    }
    await this.#letGo()
  }

  /** What cannot be looked into is kept. */
  #mayBeChanged(): boolean {
    try {
      return this.isChanged()
    } catch {
      return true
    }
  }

  /** The last descriptor is closed on another thread, which frees the memory of what was read. */
  async #letGo(): Promise<void> {
    this.#closed = true
    unmount(this.#request.target)
    rmdirSync(this.#request.target)
    closeSync(this.#imageFd)
    const restored = this.#queue?.then(() => restoreQueue(this.#device))
    await Promise.all([closeAside(this.#rootFd), restored])
  }

  #reserve(blocks: number): void {
    writeFileSync(join(EXT4_STATE, this.#device, 'reserved_clusters'), `${blocks}`)
  }

  #readCount(name: string): number {
    return Number(readFileSync(join(EXT4_STATE, this.#device, name), 'utf8'))
  }
}

/** Of a directory with any number of names, without reading them all. */
export function hasEntries(path: string): boolean {
  const directory = opendirSync(path, { bufferSize: 1 })
  try {
    return directory.readSync() !== null
  } finally {
    directory.closeSync()
  }
}

export type OpenedDisk = {
  /** of the file system, as every process of this machine's root can name it */
  root: string
  close: () => void
}

/**
 * A session's disk to be read, from any process. One in use is read through its user; else the image
 * is mounted read-only, held by a descriptor of this process: nothing is left on the host.
 *
 * @param directory of the session
 * @throws SekishoError WORKSPACE_INVALID for an image that cannot be read, WORKSPACE_BUSY for one whose
 *   user is just letting go of it
 */
export function openDiskImage(directory: string): OpenedDisk {
  const path = join(directory, DISK_FILE)
  let imageFd: number | undefined
  try {
    imageFd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    if (!lockFile(imageFd, 'shared')) return ownedBy(openLive(directory))
    return ownedBy(mountImage(imageFd, { readOnly: true }).mountFd)
  } catch (error) {
    throw error instanceof SekishoError && PASSED_ON.has(error.code) ? error : damaged(path, error)
  } finally {
    if (imageFd !== undefined) closeSync(imageFd)
  }
}

const PASSED_ON: ReadonlySet<string> = new Set([
  'WORKSPACE_INVALID',
  'WORKSPACE_BUSY',
  'PERMISSION_REQUIRED',
])
/** EIO; EBADMSG and EUCLEAN, as ext4 names a wrong checksum and a structure that cannot be */
const DAMAGE: ReadonlySet<number> = new Set([-5, -74, -117])

/**
 * Says of an error that reading from a disk gave what it means, if it is the disk's own.
 *
 * @param directory of the session
 */
export function explainReadError(directory: string, error: unknown): unknown {
  const isDamage = error instanceof Error && 'errno' in error && DAMAGE.has(Number(error.errno))
  return isDamage ? damaged(join(directory, DISK_FILE), error) : error
}

function damaged(path: string, cause: unknown): SekishoError {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new SekishoError('WORKSPACE_INVALID', `${path} cannot be read: ${message}`, {
    hint: `keep a copy of it, then run \`e2fsck -f ${path}\` and try again`,
    cause,
  })
}

function ownedBy(fd: number): OpenedDisk {
  let isOpen = true
  return {
    root: `/proc/${process.pid}/fd/${fd}`,
    close: () => {
      if (isOpen) closeSync(fd)
      isOpen = false
    },
  }
}

/**
 * The descriptor's number can mean another file as soon as its owner has closed it, which it does
 * only after it has taken its note away.
 */
function openLive(directory: string): number {
  const path = join(directory, LIVE_FILE)
  let fd: number | undefined
  try {
    const place = readFileSync(path, 'utf8')
    fd = openSync(place, constants.O_RDONLY | constants.O_DIRECTORY)
    if (readFileSync(path, 'utf8') === place) return fd
    throw new Error('it has changed')
  } catch (cause) {
    if (fd !== undefined) closeSync(fd)
    throw new SekishoError('WORKSPACE_BUSY', `the disk in ${directory} is being put away`, {
      hint: 'try again in a moment',
      cause,
    })
  }
}

/** The mount point of an image, which {@link DiskImage} removes again. */
export function makeTarget(mounts: string, name: string): string {
  const target = join(mounts, name)
  mkdirSync(target, { mode: 0o711 })
  return target
}
