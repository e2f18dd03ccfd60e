import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOCK_INDEX, type BlockPlace } from './block-index.ts'
import { listSegments, openSegment } from './log-files.ts'
import { isFault, segmentName } from './segment.ts'

/** Of a segment, as many bytes at a time; a block of usual leaves has fewer. */
const PIECE_BYTES = 256 * 1024
const NEWLINE = 0x0a

/** Reads leaves from a place on, over the ends of segments. */
export class BlockReader {
  readonly #dir: string
  readonly #wanted: { first: number; count: number }
  readonly #found: Buffer[] = []

  constructor(dir: string, wanted: { first: number; count: number }) {
    this.#dir = dir
    this.#wanted = wanted
  }

  async read(place: BlockPlace): Promise<Buffer[]> {
    let at: BlockPlace | undefined = place
    while (at !== undefined && this.#missing > 0) {
      const next = await this.#segmentAfter(at.segment)
      // what stands behind the beginning of the next segment is not part of the log
      const most = next === undefined ? this.#missing : next.size - this.#next
      await this.#readSegment(at, Math.min(this.#missing, most))
      at = next?.place
    }
    if (this.#missing > 0) throw new Error(`leaf ${this.#next} is not where ${BLOCK_INDEX} says`)
    return this.#found
  }

  get #missing(): number {
    return this.#wanted.count - this.#found.length
  }

  /** index of the leaf that is read next */
  get #next(): number {
    return this.#wanted.first + this.#found.length
  }

  async #segmentAfter(number: number): Promise<{ place: BlockPlace; size: number } | undefined> {
    for (const other of await listSegments(this.#dir)) {
      if (other <= number) continue
      const segment = await openSegment(this.#dir, other)
      if (isFault(segment)) throw new Error(`segment ${other}, line 1: ${segment.reason}`)
      const { header, headerText } = segment
      if (header === null || headerText === null) continue
      const offset = Buffer.byteLength(headerText) + 1
      return { place: { segment: other, offset }, size: header.size }
    }
    return undefined
  }

  async #readSegment({ segment, offset }: BlockPlace, count: number): Promise<void> {
    const file = await open(join(this.#dir, segmentName(segment)), 'r')
    try {
      await this.#readLeaves(file, { offset, end: this.#found.length + count })
    } finally {
      await file.close()
    }
  }

  async #readLeaves(
    file: FileHandle,
    { offset, end }: { offset: number; end: number },
  ): Promise<void> {
    let at = offset
    let held: Buffer = Buffer.alloc(0)
    while (this.#found.length < end) {
      const { buffer, bytesRead } = await file.read(
        Buffer.allocUnsafe(PIECE_BYTES),
        0,
        PIECE_BYTES,
        at,
      )
      if (bytesRead === 0) return
      at += bytesRead
      held = this.#take(Buffer.concat([held, buffer.subarray(0, bytesRead)]), end)
    }
  }

  /** @returns the line that is not whole yet */
  #take(bytes: Buffer, end: number): Buffer {
    let start = 0
    for (let stop = bytes.indexOf(NEWLINE); stop >= 0; stop = bytes.indexOf(NEWLINE, start)) {
      if (this.#found.length < end && bytes[start] === 0x7b) {
        this.#found.push(bytes.subarray(start, stop))
      }
      start = stop + 1
    }
    return bytes.subarray(start)
  }
}
