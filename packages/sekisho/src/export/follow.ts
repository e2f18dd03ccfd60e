import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  isFault,
  leafHash,
  listSegments,
  openSegment,
  parseCheckpoint,
  segmentName,
} from '@sekisho/verify'
import { cutGroups, type Group } from './follow-lines.ts'

/** A place in the log: after the last leaf that was taken from it. */
export type Position = {
  /** of the next leaf */
  index: number
  segment: number
  /** where the last leaf's line begins and ends in that segment, bytes */
  lastBegin: number
  offset: number
  /** leaf hash (RFC 9162 §2.1.1) of the last leaf, hex */
  lastHash: string
}

export type FollowedLeaf = { line: string; bytes: number; after: Position }

/** The log is not the one that was read before. Nothing of it may be sent as if it were. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError'
}

/** Where reading goes on, and how many leaves stand before that place. */
type Place = { segment: number; offset: number; index: number }

const CHUNK_BYTES = 1024 * 1024
/** The writer's longest write is 4 MiB; what is longer without a checkpoint is not its work. */
const MAX_GROUP_BYTES = 16 * 1024 * 1024

/**
 * Reads the log's sealed leaves in order from a position on, beside a running writer: only what is
 * new is read, and at most one read's leaves are held.
 *
 * It proves nothing (`verifyLog` does), but that it goes on where it was: the last leaf must be the
 * one that was read. Leaves that stand in two segments, because a flush failed with all bytes in the
 * file, come once.
 */
export class LogFollower {
  readonly #dir: string
  #position: Position | null
  /** read and not taken yet */
  #ready: FollowedLeaf[] = []
  /** undefined before the first read */
  #place: Place | undefined

  constructor(dir: string, position: Position | null) {
    this.#dir = dir
    this.#position = position
  }

  /** after the last leaf that was taken; null before the first */
  get position(): Position | null {
    return this.#position
  }

  /** of the next leaf */
  get index(): number {
    return this.#position?.index ?? 0
  }

  /**
   * The next leaves, at least one and up to both bounds; none when the log has no more.
   *
   * @param durable leaves that the writer has acknowledged: no later one is given
   * @throws DivergedError; errors of the file system
   */
  async take(durable: number, bounds: { leaves: number; bytes: number }): Promise<FollowedLeaf[]> {
    if (durable < this.index) {
      throw new DivergedError(`the log has ${durable} leaves; ${this.index} were read from it`)
    }
    if (this.#place === undefined) await this.#begin()
    if (durable === this.index) return []
    if (this.#ready.length === 0) await this.#fill()
    const taken = this.#ready.splice(0, this.#countOf(durable, bounds))
    this.#position = taken.at(-1)?.after ?? this.#position
    return taken
  }

  /** How many of those that were read may go now. */
  #countOf(durable: number, { leaves, bytes }: { leaves: number; bytes: number }): number {
    let sum = 0
    const over = this.#ready.findIndex((leaf, count) => {
      sum += leaf.bytes
      return leaf.after.index > durable || (count > 0 && (count >= leaves || sum > bytes))
    })
    return over === -1 ? this.#ready.length : over
  }

  /** Gives back what was taken after a position: it is read again. */
  rewind(position: Position | null): void {
    this.#position = position
    this.#ready = []
    this.#place = undefined
  }

  async #begin(): Promise<void> {
    if (this.#position !== null) {
      await this.#checkLast(this.#position)
      const { segment, offset, index } = this.#position
      this.#place = { segment, offset, index }
      return
    }
    for (const number of await listSegments(this.#dir)) {
      const header = await this.#headerOf(number)
      if (header === undefined) continue
      if (header.index > 0) throw new DivergedError(`the log begins after ${header.index} leaves`)
      this.#place = header
      return
    }
  }

  /** @throws DivergedError unless the last leaf still stands where it stood */
  async #checkLast({ segment, lastBegin, offset, lastHash, index }: Position): Promise<void> {
    const length = offset - lastBegin
    const bytes = await this.#read({ segment, offset: lastBegin }, length)
    const isSame = bytes.length === length && hashOf(bytes.subarray(0, -1)) === lastHash
    if (!isSame) throw new DivergedError(`leaf ${index - 1} is not the one that was read`)
  }

  async #fill(): Promise<void> {
    while (this.#ready.length === 0) {
      const place = this.#place
      if (place === undefined) return
      const groups = await this.#readGroups(place)
      const { offset } = place
      for (const group of groups) this.#stage(place, group, offset)
      if (groups.length === 0 && !(await this.#turnPage())) return
    }
  }

  async #readGroups(place: Place): Promise<Group[]> {
    for (let length = CHUNK_BYTES; length <= MAX_GROUP_BYTES; length *= 2) {
      const bytes = await this.#read(place, length)
      const groups = cutGroups(bytes)
      if (groups.length > 0 || bytes.length < length) return groups
    }
    throw new DivergedError(`segment ${place.segment}: no checkpoint in ${MAX_GROUP_BYTES} bytes`)
  }

  /** @param offset where the bytes that the group was cut from begin */
  #stage(place: Place, { leaves, note, end }: Group, offset: number): void {
    if (parseCheckpoint(noteText(note))?.size !== place.index + leaves.length) {
      throw new DivergedError(`segment ${place.segment}: a checkpoint that does not fit its leaves`)
    }
    const { segment } = place
    for (const { bytes, begin } of leaves) {
      place.index += 1
      const after = {
        index: place.index,
        segment,
        lastBegin: offset + begin,
        offset: offset + begin + bytes.length + 1,
        lastHash: hashOf(bytes),
      }
      this.#stageLeaf(bytes, after)
    }
    place.offset = offset + end
  }

  /** A leaf that was read before, in an earlier segment, must be the same one here. */
  #stageLeaf(bytes: Buffer, after: Position): void {
    const last = this.#ready.at(-1)?.after ?? this.#position
    const known = last?.index ?? 0
    if (after.index > known) {
      this.#ready.push({ line: bytes.toString('utf8'), bytes: bytes.length, after })
    } else if (after.index === known && after.lastHash !== last?.lastHash) {
      throw new DivergedError(`leaf ${known - 1} is not the one that was read`)
    }
  }

  /** Goes to the segment in which the log goes on; false while there is none. */
  async #turnPage(): Promise<boolean> {
    const { segment = 0, index = 0 } = this.#place ?? {}
    let next: Place | undefined
    for (const number of await listSegments(this.#dir)) {
      if (number <= segment) continue
      const header = await this.#headerOf(number)
      // one that begins later follows a segment that is not at its end yet
      if (header !== undefined && header.index <= index) next = header
    }
    if (next === undefined) return false
    this.#place = next
    return true
  }

  /** Where a segment's leaves begin; undefined while it seals nothing. */
  async #headerOf(number: number): Promise<Place | undefined> {
    const segment = await openSegment(this.#dir, number)
    if (isFault(segment)) throw new DivergedError(`segment ${number}: ${segment.reason}`)
    if (segment.header === null) return undefined
    const offset = Buffer.byteLength(segment.headerText ?? '') + 1
    return { segment: number, offset, index: segment.header.size }
  }

  async #read(at: { segment: number; offset: number }, length: number): Promise<Buffer> {
    const file = await this.#open(at.segment)
    try {
      return await readAt(file, at.offset, length)
    } finally {
      await file.close()
    }
  }

  async #open(segment: number): Promise<FileHandle> {
    try {
      return await open(join(this.#dir, segmentName(segment)), 'r')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      throw new DivergedError(`segment ${segment} is not there any more`)
    }
  }
}

async function readAt(file: FileHandle, offset: number, most: number): Promise<Buffer> {
  // forty times a second some hundred bytes are new: a buffer for all that there could be is waste
  const { size } = await file.stat()
  const length = Math.min(most, Math.max(0, size - offset))
  const buffer = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, offset + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return buffer.subarray(0, done)
}

function hashOf(leaf: Uint8Array): string {
  return leafHash(leaf).toString('hex')
}

/** Of a signed note, what is signed: all up to the blank line. */
function noteText(note: string): string {
  return note.slice(0, note.indexOf('\n\n') + 1)
}
