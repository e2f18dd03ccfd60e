import type { Keys } from '../keys.ts'
import { ContentFiles } from './content-files.ts'
import {
  lost,
  nameContent,
  openContent,
  SEAL_BYTES,
  sealContent,
  sha256Of,
  unkept,
} from './sealed-content.ts'

const MIB = 2 ** 20
/** Content of one session; what comes after it is not kept. */
const MAX_SESSION_BYTES = 512 * MIB
const MAX_SESSION_CONTENTS = 10_000
/** Content of all sessions. */
const MAX_TOTAL_BYTES = 16 * 1024 * MIB
/** What is left to the log, which has the same disk: without it nothing may leave at all. */
const MIN_FREE_BYTES = 256 * MIB
/** How long what was kept can be restored. */
const KEPT_MS = 30 * 24 * 60 * 60_000

const FILE = /^(?<session>s-[0-9a-z]{20})\.(?<hex>[0-9a-f]{64})$/

type Kept = { bytes: number; writtenMs: number }
type Usage = { bytes: number; contents: number }

/** What is over its time, of one session. */
export type Expired = { session: string; names: readonly string[]; bytes: number }

export type ContentLimits = {
  sessionBytes: number
  sessionContents: number
  totalBytes: number
  minFreeBytes: number
  keptMs: number
}

const USUAL: ContentLimits = {
  sessionBytes: MAX_SESSION_BYTES,
  sessionContents: MAX_SESSION_CONTENTS,
  totalBytes: MAX_TOTAL_BYTES,
  minFreeBytes: MIN_FREE_BYTES,
  keptMs: KEPT_MS,
}

/**
 * Content that sessions leave with the keyholder, encrypted, known by a keyed digest. The log has
 * the digest alone: content that is erased leaves every proof as it was.
 */
export class ContentStore {
  readonly #keys: Keys
  readonly #files: ContentFiles
  readonly #limits: ContentLimits
  readonly #now: () => number
  readonly #kept = new Map<string, Kept>()
  readonly #usage = new Map<string, Usage>()
  readonly #writing = new Map<string, Promise<void>>()
  #totalBytes = 0

  /** @param now Unix ms */
  constructor(
    { dir, keys, now }: { dir: string; keys: Keys; now: () => number },
    limits: Partial<ContentLimits> = {},
  ) {
    this.#keys = keys
    this.#now = now
    this.#limits = { ...USUAL, ...limits }
    this.#files = new ContentFiles(dir)
    for (const { name, ...kept } of this.#files.list(FILE)) this.#add(name, kept)
  }

  /** @param sha256 of content that may be kept or not */
  nameOf(session: string, sha256: string): string {
    return nameContent(this.#keys, session, sha256)
  }

  has(session: string, digest: string): boolean {
    return this.#kept.has(fileName(session, digest))
  }

  /**
   * Durable when it resolves. What the session has kept already is not written again.
   *
   * @returns the digest that it is known by
   * @throws SekishoError CONTENT_UNKEPT when it would pass a quota or cannot be written
   */
  async keep(session: string, content: Buffer): Promise<string> {
    const digest = this.nameOf(session, sha256Of(content))
    const name = fileName(session, digest)
    if (!this.#kept.has(name)) {
      this.#checkRoom(session, content.length + SEAL_BYTES)
      const writing = this.#write(name, sealContent(this.#keys, { session, digest }, content))
      this.#writing.set(name, writing)
    }
    await this.#writing.get(name)
    return digest
  }

  /** @throws SekishoError CONTENT_LOST when it is not there, not there any more, or not what it was */
  async get(session: string, digest: string): Promise<Buffer> {
    const name = fileName(session, digest)
    if (!this.#kept.has(name)) throw lost({ session, digest }, 'is not kept, or not any more')
    const file = await this.#files.read(name).catch((cause: unknown) => {
      throw lost({ session, digest }, 'cannot be read', cause)
    })
    const content = openContent(this.#keys, { session, digest }, file)
    // a file of the right name whose content another version of this code named otherwise
    if (this.nameOf(session, sha256Of(content)) === digest) return content
    throw lost({ session, digest }, 'is not what it was kept as')
  }

  /** What may go, by session. Nothing is removed by this. */
  expired(): Expired[] {
    const before = this.#now() - this.#limits.keptMs
    const old = [...this.#kept].filter(([, { writtenMs }]) => writtenMs < before)
    const bySession = Map.groupBy(old, ([name]) => sessionOf(name))
    return [...bySession].map(([session, files]) => ({
      session,
      names: files.map(([name]) => name),
      bytes: files.reduce((sum, [, { bytes }]) => sum + bytes, 0),
    }))
  }

  async remove({ names }: Expired): Promise<void> {
    for (const name of names) this.#forget(name)
    await this.#files.remove(names)
  }

  async #write(name: string, sealed: Buffer): Promise<void> {
    this.#add(name, { bytes: sealed.length, writtenMs: this.#now() }) // its room is taken at once
    try {
      await this.#files.write(name, sealed)
    } catch (cause) {
      this.#forget(name)
      throw unkept('it cannot be written', cause)
    } finally {
      this.#writing.delete(name)
    }
  }

  #checkRoom(session: string, bytes: number): void {
    const limits = this.#limits
    const used = this.#usage.get(session) ?? { bytes: 0, contents: 0 }
    if (used.bytes + bytes > limits.sessionBytes) throw unkept('the session has kept too much')
    if (used.contents >= limits.sessionContents) throw unkept('the session has kept too many')
    if (this.#totalBytes + bytes > limits.totalBytes)
      throw unkept('all sessions have kept too much')
    if (this.#freeBytes() - bytes < limits.minFreeBytes) throw unkept('the disk is nearly full')
  }

  #freeBytes(): number {
    try {
      return this.#files.freeBytes()
    } catch (cause) {
      throw unkept('nobody knows how much room its disk has', cause)
    }
  }

  #add(name: string, kept: Kept): void {
    this.#kept.set(name, kept)
    const session = sessionOf(name)
    const { bytes, contents } = this.#usage.get(session) ?? { bytes: 0, contents: 0 }
    this.#usage.set(session, { bytes: bytes + kept.bytes, contents: contents + 1 })
    this.#totalBytes += kept.bytes
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name)
    if (kept === undefined) return
    this.#kept.delete(name)
    this.#totalBytes -= kept.bytes
    const session = sessionOf(name)
    const { bytes, contents } = this.#usage.get(session) ?? { bytes: 0, contents: 0 }
    if (contents <= 1) this.#usage.delete(session)
    else this.#usage.set(session, { bytes: bytes - kept.bytes, contents: contents - 1 })
  }
}

function fileName(session: string, digest: string): string {
  return `${session}.${digest.slice('sha256:'.length)}`
}

function sessionOf(name: string): string {
  return name.slice(0, name.indexOf('.'))
}
