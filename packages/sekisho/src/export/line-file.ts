import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { makeDirectories } from '../disk/make-directory.ts'
import type { SinkFile } from '../wire/exporter.ts'

/**
 * As the log's own files are opened: write(2) returns when the bytes are durable, which is what an
 * acknowledgement means here; the permission model refuses fsync.
 */
const APPEND_DURABLY =
  constants.O_CREAT |
  constants.O_RDWR |
  constants.O_APPEND |
  constants.O_DSYNC |
  constants.O_NOFOLLOW

const NEWLINE = 0x0a

/**
 * Appends lines to `<name>.jsonl`. A file that is full is renamed after the index of the first leaf
 * that no longer fits, `<name>-<index>.jsonl`, and the oldest of those go: an export must not fill
 * the disk that the log itself needs.
 */
export class LineFile {
  readonly #dir: string
  readonly #name: string
  readonly #bounds: SinkFile
  #descriptor: number | undefined

  constructor(at: { dir: string; name: string }, bounds: SinkFile) {
    this.#dir = at.dir
    this.#name = at.name
    this.#bounds = bounds
    makeDirectories(at.dir, 0o750)
  }

  /**
   * @param index of the first of these lines, which names the files before them
   * @throws errors of the file system; what was written before a failure may be written again
   */
  append(lines: readonly string[], index: number): void {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    let descriptor = this.#open()
    const { size } = fstatSync(descriptor)
    if (size > 0 && size + bytes.length > this.#bounds.rotateBytes) {
      this.#rotate(index)
      descriptor = this.#open()
    }
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
    } catch (error) {
      this.close() // the next open ends a line that was torn
      throw error
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor)
    this.#descriptor = undefined
  }

  #open(): number {
    if (this.#descriptor !== undefined) return this.#descriptor
    const descriptor = openSync(this.#path, APPEND_DURABLY, 0o640)
    this.#descriptor = descriptor
    const { size } = fstatSync(descriptor)
    const last = Buffer.alloc(1)
    // a line that a crash cut off stays as it is; what it began is written again, whole
    if (size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE) {
      writeSync(descriptor, '\n')
    }
    return descriptor
  }

  #rotate(index: number): void {
    this.close()
    renameSync(this.#path, join(this.#dir, this.#rotatedName(index)))
    const prefix = `${this.#name}-`
    const rotated = readdirSync(this.#dir)
      .filter(
        (name) => name.startsWith(prefix) && /^\d{16}\.jsonl$/.test(name.slice(prefix.length)),
      )
      .toSorted()
    for (const name of rotated.slice(0, -this.#bounds.keep)) unlinkSync(join(this.#dir, name))
  }

  #rotatedName(index: number): string {
    return `${this.#name}-${String(index).padStart(16, '0')}.jsonl`
  }

  get #path(): string {
    return join(this.#dir, `${this.#name}.jsonl`)
  }
}
