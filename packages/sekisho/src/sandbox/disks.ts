import { chownSync, existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { errnoOf } from '../kernel/libc.ts'
import { ERRNO } from '../kernel/errno.ts'
import { DiskImage, type DiskUsage, hasEntries, makeTarget } from './disk-image.ts'
import { type DiskSize, type DiskTemplate, makeDiskTemplate } from './disk-template.ts'
import { HostSpace } from './host-space.ts'

/** A disk that no session has yet. */
export type ReadyDisk = {
  size: DiskSize
  /**
   * Gives it to a session; it is gone when that fails.
   *
   * @param directory of the session, below the one that the disks were opened with; must exist
   * @throws SekishoError SANDBOX_FAILED when the host has become too full meanwhile
   */
  place: (directory: string) => Disk
  /** when no session takes it */
  drop: () => Promise<void>
}

/** Where a session's changes go. */
export type Disk = {
  /** the overlay's upper directory, of the agent; or the workspace itself where there is none */
  upper: string
  /** the overlay's own directory; on the file system of `upper` */
  work: string
  /** null where disks are not capped */
  usage: () => DiskUsage | null
  /**
   * Writes back, on another thread, so that unmounting need not wait: when nothing of the session
   * runs any more, and before the overlay is unmounted.
   *
   * @returns for the end record: `ioErrors`, what could not be written; `heldBack`, how often the
   * host had no more room
   */
  settle: () => Promise<Record<string, number>>
  /** Whether the session has left anything so far. */
  isChanged: () => boolean
  /**
   * After the overlay is unmounted. Nothing reaches it any more when this returns; it resolves when
   * the host has its device back. A disk without changes leaves nothing. Idempotent.
   */
  close: () => Promise<void>
}

export type Disks = {
  /** what sessions here lack: `disk-limit`, or nothing */
  degraded: readonly string[]
  /** @throws SekishoError CONFIG_INVALID, SANDBOX_FAILED */
  prepare: (request: { size: DiskSize; agentUid: number }) => Promise<ReadyDisk>
}

export type DisksOptions = {
  /** where the sessions have their directories, on the disk of the log */
  directory: string
  /** a directory of the supervisor's own mount namespace */
  mounts: string
  /** of most sessions: tried at once, so that the first of them need not wait */
  usual: DiskSize
  marginBytes?: number
  warn: (line: string) => void
}

/** Templates take some 100 KB each of our memory. */
const MAX_TEMPLATES = 16

/**
 * Disks for sessions: capped ones, each a file system in an image of its own, or where this host has
 * no loop devices, plain directories and the word `disk-limit`.
 *
 * @throws SekishoError when not even a directory can be had
 */
export async function openDisks(options: DisksOptions): Promise<Disks> {
  mkdirSync(options.mounts, { recursive: true, mode: 0o711 })
  const space = new HostSpace(options)
  const capped = new CappedDisks(options, space)
  try {
    const tried = await capped.prepare({ size: options.usual, agentUid: 0 })
    await tried.drop()
    return capped
  } catch (error) {
    if (isFull(error)) return capped // a start that fails for it says so each time
    options.warn(`sessions' disks are not limited: ${String(error)}`)
    return plainDisks(space)
  }
}

function isFull(error: unknown): boolean {
  if (errnoOf(error) === ERRNO.ENOSPC) return true
  const cause = error instanceof SekishoError ? error.cause : error
  if (cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC') return true
  return error instanceof SekishoError && error.message.startsWith('no space')
}

class CappedDisks implements Disks {
  readonly degraded: readonly string[] = []
  readonly #options: DisksOptions
  readonly #space: HostSpace
  readonly #templates = new Map<string, Promise<DiskTemplate>>()
  #next = 1

  constructor(options: DisksOptions, space: HostSpace) {
    this.#options = options
    this.#space = space
  }

  async prepare({ size, agentUid }: { size: DiskSize; agentUid: number }): Promise<ReadyDisk> {
    const { directory, mounts } = this.#options
    this.#space.check(size.bytes)
    const template = await this.#template(size)
    const target = makeTarget(mounts, `disk-${this.#next++}`)
    const image = makeImage({ template, directory, target, agentUid })
    return {
      size,
      place: (sessionDirectory) => this.#place(image, sessionDirectory, size),
      drop: () => image.close(),
    }
  }

  #place(image: DiskImage, directory: string, size: DiskSize): Disk {
    try {
      this.#space.check(size.bytes)
      image.place(directory)
    } catch (error) {
      void image.close()
      throw error
    }
    this.#space.add(image)
    return {
      upper: image.upper,
      work: image.work,
      usage: () => image.usage(),
      settle: () => image.settle(),
      isChanged: () => image.isChanged(),
      close: () => {
        this.#space.remove(image)
        return image.close()
      },
    }
  }

  /** The least recently used goes first. */
  async #template(size: DiskSize): Promise<DiskTemplate> {
    const key = `${size.bytes}/${size.inodes}`
    const known = this.#templates.get(key) ?? makeDiskTemplate(this.#options.directory, size)
    this.#templates.delete(key)
    this.#templates.set(key, known)
    const [oldest] = this.#templates.keys()
    if (this.#templates.size > MAX_TEMPLATES && oldest !== undefined) this.#templates.delete(oldest)
    try {
      return await known
    } catch (error) {
      if (this.#templates.get(key) === known) this.#templates.delete(key)
      throw error
    }
  }
}

function makeImage(request: ConstructorParameters<typeof DiskImage>[0]): DiskImage {
  try {
    return new DiskImage(request)
  } catch (error) {
    rmdirSync(request.target)
    throw error
  }
}

function plainDisks(space: HostSpace): Disks {
  return {
    degraded: ['disk-limit'],
    prepare: ({ size, agentUid }) => {
      space.check(size.bytes)
      return Promise.resolve({
        size,
        place: (directory) => placePlain(directory, agentUid),
        drop: () => Promise.resolve(),
      })
    },
  }
}

function placePlain(directory: string, agentUid: number): Disk {
  const upper = join(directory, 'upper')
  const work = join(directory, 'work')
  for (const path of [upper, work]) mkdirSync(path, { mode: 0o755 })
  chownSync(upper, agentUid, agentUid)
  const isChanged = (): boolean => existsSync(upper) && hasEntries(upper)
  return {
    upper,
    work,
    usage: () => null,
    settle: () => Promise.resolve({}),
    isChanged,
    close: async () => {
      await rm(work, { recursive: true, force: true })
      if (!isChanged()) await rm(upper, { recursive: true, force: true })
    },
  }
}
