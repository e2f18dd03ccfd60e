import { createHash } from 'node:crypto'
import { closeSync, read, type BigIntStats } from 'node:fs'
import { promisify } from 'node:util'
import { duplicateDescriptor } from '../kernel/duplicate.ts'
import type { Clock } from './clock.ts'

const readAt = promisify(read)

/** How long an exec waits for the digest of its file. */
export const DIGEST_WAIT_MS = 100
/** One turn of the event loop's share: half a millisecond of hashing. */
const PIECE_BYTES = 256 * 1024
const MAX_CACHED = 4096
/** What one session may have hashed again and again, of files that it can change. */
const BUDGET_BYTES = 256 * 1024 * 1024
const BUDGET_BYTES_PER_SECOND = 32 * 1024 * 1024

export type HashedFile = {
  /** for reading; may be closed as soon as the call has returned a promise */
  fd: number
  path: string
  stats: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>
}

/** Digests of programs, sha256, by what their file systems say of them. One for all sessions. */
export class ExecDigests {
  readonly #clock: Clock
  readonly #known = new Map<string, string>()
  readonly #running = new Map<string, Promise<string | null>>()

  readonly #waitMs: number

  /** @param waitMs how long an exec waits for the digest of its file */
  constructor(clock: Clock, waitMs = DIGEST_WAIT_MS) {
    this.#clock = clock
    this.#waitMs = waitMs
  }

  /**
   * Of a file that no session can write to: read once. The first exec of a large one goes without
   * its digest; the reading goes on and the next has it.
   *
   * @returns null when it is not there in {@link DIGEST_WAIT_MS}, or the file cannot be read
   */
  ofSettled(file: HashedFile): string | Promise<string | null> {
    const { ino, size, mtimeNs, ctimeNs } = file.stats
    const key = `${file.path}:${ino}:${size}:${mtimeNs}:${ctimeNs}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    return this.#patiently(this.#running.get(key) ?? this.#start(key, file.fd))
  }

  /** Of a file that may be another the next time. It is read no longer than it is waited for. */
  ofChanging(file: HashedFile): Promise<string | null> {
    const deadline = this.#clock.nowMs() + this.#waitMs
    const isLate = (): boolean => this.#clock.nowMs() > deadline
    return this.#patiently(hashFile(duplicateDescriptor(file.fd), isLate))
  }

  async #start(key: string, fd: number): Promise<string | null> {
    const hashing = hashFile(duplicateDescriptor(fd), () => false)
    this.#running.set(key, hashing)
    try {
      const digest = await hashing
      if (digest !== null) this.#keep(key, digest)
      return digest
    } finally {
      this.#running.delete(key)
    }
  }

  #keep(key: string, digest: string): void {
    this.#known.set(key, digest)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_CACHED && oldest !== undefined) this.#known.delete(oldest)
  }

  #patiently(hashing: Promise<string | null>): Promise<string | null> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(this.#waitMs, () => resolve(null))
      void hashing.then((digest) => {
        cancel()
        resolve(digest)
      })
    })
  }
}

/** Owns the descriptor. Never rejects. */
async function hashFile(fd: number, isLate: () => boolean): Promise<string | null> {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(PIECE_BYTES)
  try {
    for (let at = 0; ; ) {
      const { bytesRead } = await readAt(fd, piece, 0, PIECE_BYTES, at)
      if (bytesRead === 0) return `sha256:${hash.digest('hex')}`
      if (isLate()) return null
      hash.update(piece.subarray(0, bytesRead))
      at += bytesRead
    }
  } catch {
    return null // cannot be read (EIO): recorded without a digest
  } finally {
    closeSync(fd)
  }
}

/** Keeps one session from having the platform hash its large files all day. */
export class HashBudget {
  readonly #clock: Pick<Clock, 'nowMs'>
  #bytes = BUDGET_BYTES
  #atMs: number

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock
    this.#atMs = clock.nowMs()
  }

  take(bytes: number): boolean {
    const nowMs = this.#clock.nowMs()
    const refill = (Math.max(0, nowMs - this.#atMs) / 1000) * BUDGET_BYTES_PER_SECOND
    this.#bytes = Math.min(BUDGET_BYTES, this.#bytes + refill)
    this.#atMs = nowMs
    if (this.#bytes < bytes) return false
    this.#bytes -= bytes
    return true
  }
}
