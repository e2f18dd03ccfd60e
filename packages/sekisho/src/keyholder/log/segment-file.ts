import { join } from 'node:path'
import { segmentName } from '@sekisho/verify'
import type { LogFiles } from './files.ts'

/** How much of a failed append is in the file; `whole` also where that cannot be told. */
export type Left = 'nothing' | 'part' | 'whole'

/** An append that did not become durable. */
export class AppendError extends Error {
  override readonly name = 'AppendError'
  readonly left: Left

  constructor(left: Left, cause: unknown) {
    super('the log could not be written', { cause })
    this.left = left
  }
}

/** One segment being written. Its header goes out with, and before, the first bytes appended. */
export class SegmentFile {
  readonly number: number
  readonly #dir: string
  readonly #files: LogFiles
  readonly #descriptor: number
  #header: Buffer
  #size = 0
  #isNamed = false

  private constructor(at: { dir: string; number: number }, files: LogFiles, header: Buffer) {
    this.#dir = at.dir
    this.number = at.number
    this.#files = files
    this.#header = header
    this.#descriptor = files.create(join(at.dir, segmentName(at.number)))
  }

  static create(at: { dir: string; number: number }, files: LogFiles, header: string): SegmentFile {
    return new SegmentFile(at, files, Buffer.from(`${header}\n`))
  }

  /** bytes, header included */
  get size(): number {
    return this.#size
  }

  /** offset at which what is appended next will stand */
  get position(): number {
    return this.#size + this.#header.length
  }

  /** whether its name is durable, and with it what is appended */
  get isNamed(): boolean {
    return this.#isNamed
  }

  /**
   * Durable when it returns.
   *
   * @throws AppendError; after `nothing` the same segment can be tried again (a disk that stays
   * full must not be littered with new files), after `part` and `whole` it is at its end
   */
  append(bytes: Buffer): void {
    const all = this.#header.length === 0 ? bytes : Buffer.concat([this.#header, bytes])
    try {
      for (let done = 0; done < all.length; ) {
        done += accepted(this.#files.append(this.#descriptor, all.subarray(done)))
      }
      if (!this.#isNamed) this.#files.syncDirectory(this.#dir)
    } catch (cause) {
      throw new AppendError(this.#leftOf(all), cause)
    }
    this.#isNamed = true
    this.#header = Buffer.alloc(0)
    this.#size += all.length
  }

  /**
   * As {@link append} of a segment that is named, while the thread goes on. Nothing else may be
   * appended until it is done.
   *
   * @param done called once, never before this returns; with what append would throw
   */
  appendAside(bytes: Buffer, done: (failure: AppendError | undefined) => void): void {
    const step = (from: number): void => {
      this.#files.appendAside(this.#descriptor, bytes.subarray(from), (error, written) => {
        if (error !== null || written === 0) {
          const cause = error ?? new Error(TOOK_NOTHING)
          return done(new AppendError(this.#leftOf(bytes), cause))
        }
        if (from + written < bytes.length) return step(from + written)
        this.#size += bytes.length
        done(undefined)
      })
    }
    step(0)
  }

  #leftOf(all: Buffer): Left {
    let written: number
    try {
      written = this.#files.sizeOf(this.#descriptor) - this.#size
    } catch {
      return 'whole' // unknown: taken as the case that needs the most care
    }
    if (written >= all.length) return 'whole'
    if (written >= this.#header.length && written > 0) return 'part'
    this.#header = this.#header.subarray(written)
    this.#size += written
    return 'nothing'
  }

  close(): void {
    try {
      this.#files.close(this.#descriptor)
    } catch {
      // the descriptor is gone all the same, and what counts was durable before
    }
  }
}

const TOOK_NOTHING = 'write(2) took nothing'

function accepted(written: number): number {
  if (written === 0) throw new Error(TOOK_NOTHING)
  return written
}
