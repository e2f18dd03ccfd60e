import { close, constants, ftruncate, open, write } from 'node:fs'
import { promisify } from 'node:util'
import { unkept } from '../blobs/sealed-content.ts'

/** What `write` returns as written is durable; a name that is there is another's. */
const APPEND_DURABLY =
  constants.O_CREAT |
  constants.O_EXCL |
  constants.O_WRONLY |
  constants.O_DSYNC |
  constants.O_NOFOLLOW

const openFile = promisify(open)
const closeFile = promisify(close)
const truncateFile = promisify(ftruncate)

/**
 * A file is made so much longer at a time, with zeros: a write into what it has flushes no more than
 * its own bytes, and takes two thirds of the time of one behind its end. No recording begins so.
 */
export const SEGMENT_AHEAD_BYTES = 64 * 1024

type Waiting = { bytes: Buffer; resolve: () => void; reject: (error: Error) => void }

/**
 * A file that recordings are appended to: whatever is queued while a write is under way goes out
 * with the next, in one flush. A write that fails ends it, for nobody knows how much of it is there.
 */
export class Segment {
  readonly #descriptor: number
  /** of what has been written */
  #end = 0
  /** of the file, zeros included */
  #fileBytes = 0
  #timer: NodeJS.Timeout | undefined
  #queue: Waiting[] = []
  #isWriting = false
  #isClosed = false
  #isFileClosed = false
  readonly #gone = Promise.withResolvers<void>()
  #failure: Error | undefined

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** @param path of no file yet; its name is durable when the directory has been synchronised */
  static async create(path: string): Promise<Segment> {
    return new Segment(await openFile(path, APPEND_DURABLY, 0o600))
  }

  /** Nothing may be appended any more. */
  get isOver(): boolean {
    return this.#failure !== undefined || this.#isClosed
  }

  /**
   * Durable when it resolves.
   *
   * @param mayWaitMs how long it may wait for something else to be flushed with
   * @throws SekishoError CONTENT_UNKEPT
   */
  append(bytes: Buffer, mayWaitMs = 0): Promise<void> {
    if (this.isOver) return Promise.reject(this.#failure ?? unkept('its file is closed'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, resolve, reject })
      if (this.#isWriting) return
      if (mayWaitMs === 0) this.#write()
      else this.#timer ??= setTimeout(() => this.#write(), mayWaitMs)
    })
  }

  /** What is queued is written first. Resolves when the file has its last length. */
  close(): Promise<void> {
    this.#isClosed = true
    if (!this.#isWriting && this.#queue.length > 0) this.#write()
    if (!this.#isWriting) this.#closeFile()
    return this.#gone.promise
  }

  #write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = this.#queue
    this.#queue = []
    this.#isWriting = true
    const bytes = this.#withRoom(batch.map((one) => one.bytes))
    const end = this.#end + batch.reduce((sum, one) => sum + one.bytes.length, 0)
    this.#writeTo(end, bytes, (failure) => this.#written(batch, failure))
  }

  /** As they are to be written: with zeros behind them where the file is at its end. */
  #withRoom(all: readonly Buffer[]): Buffer {
    const bytes = all.reduce((sum, one) => sum + one.length, 0)
    const isLonger = this.#end + bytes > this.#fileBytes
    const [only] = all
    if (!isLonger && all.length === 1 && only !== undefined) return only
    return Buffer.concat(all, isLonger ? bytes + SEGMENT_AHEAD_BYTES : bytes)
  }

  /** @param end where what is asked for ends; what is there of the zeros behind it is enough */
  #writeTo(end: number, bytes: Buffer, done: (failure: Error | null) => void): void {
    write(this.#descriptor, bytes, 0, bytes.length, this.#end, (failure, written) => {
      if (failure !== null) return done(failure)
      if (written === 0) return done(new Error('write(2) took nothing'))
      this.#fileBytes = Math.max(this.#fileBytes, this.#end + written)
      if (this.#end + written >= end) {
        this.#end = end
        return done(null)
      }
      this.#end += written
      this.#writeTo(end, bytes.subarray(written), done)
    })
  }

  #written(batch: readonly Waiting[], failure: Error | null): void {
    this.#isWriting = false
    if (failure !== null) return this.#fail(batch, failure)
    for (const { resolve } of batch) resolve()
    if (this.#queue.length > 0) this.#write()
    else if (this.#isClosed) this.#closeFile()
  }

  #fail(batch: readonly Waiting[], cause: Error): void {
    const failure = unkept('it cannot be written', cause)
    this.#failure = failure
    for (const { reject } of [...batch, ...this.#queue]) reject(failure)
    this.#queue = []
    this.#closeFile()
  }

  /** Once: by a second time its number may be another file's, the log's among them. */
  #closeFile(): void {
    if (this.#isFileClosed) return
    this.#isFileClosed = true
    const close = (): void => {
      // what counts was durable before, and the descriptor is gone all the same
      closeFile(this.#descriptor).then(this.#gone.resolve, () => this.#gone.resolve())
    }
    // zeros that stay are read as the end
    truncateFile(this.#descriptor, this.#end).then(close, close)
  }
}
