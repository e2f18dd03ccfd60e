import { parseCheckpoint } from './checkpoint.ts'
import type { Line } from './lines.ts'
import { listSegments, openSegment } from './log-files.ts'
import { noteText } from './note.ts'
import { isCheckpointLine, isFault, type Segment } from './segment.ts'
import { parseNoteLine } from './walk.ts'

/** A leaf, and where it stands in the log's files. */
export type PlacedLeaf = {
  index: number
  segment: number
  /** of its first byte, in the segment */
  offset: number
  bytes: Buffer
}

/**
 * The sealed leaves of a log from the segment on that holds leaf `from`, a checkpoint's worth at a
 * time, as bytes: it proves nothing and parses no leaf.
 *
 * @throws Error naming segment and line where the files cannot be read as a log
 */
export async function* sealedLines(dir: string, from = 0): AsyncGenerator<PlacedLeaf[]> {
  const segments = await headedSegments(dir)
  for (const [i, segment] of segments.entries()) {
    const endSize = segments[i + 1]?.header?.size ?? Number.POSITIVE_INFINITY
    if (endSize > from) yield* linesOfSegment(segment, endSize)
  }
}

/** Those that seal anything, oldest first. @throws Error where a header is broken */
export async function headedSegments(dir: string): Promise<Segment[]> {
  const headed: Segment[] = []
  for (const number of await listSegments(dir)) {
    const segment = await openSegment(dir, number)
    if (isFault(segment)) throw new Error(`segment ${number}, line 1: ${segment.reason}`)
    if (segment.header !== null) headed.push(segment)
  }
  return headed
}

async function* linesOfSegment(segment: Segment, endSize: number): AsyncGenerator<PlacedLeaf[]> {
  const sealing = new Sealing(segment)
  for await (const lines of segment.lines()) {
    for (const line of lines) {
      const sealed = sealing.take(line)
      if (sealed.length > 0) yield sealed
      if (sealing.size >= endSize) return
    }
  }
}

/** Holds leaves back until their checkpoint comes by. */
class Sealing {
  /** sealed leaves so far */
  size: number
  readonly #segment: number
  #number = 0
  #offset = 0
  #held: PlacedLeaf[] = []

  constructor({ number, header }: Segment) {
    this.#segment = number
    this.size = header?.size ?? 0
  }

  take({ bytes, end }: Line): PlacedLeaf[] {
    this.#number += 1
    const offset = this.#offset
    this.#offset += bytes.length + 1
    if (this.#number === 1 || end === 'eof') return []
    if (bytes[0] !== 0x7b) return this.#seal(bytes)
    const index = this.size + this.#held.length
    this.#held.push({ index, segment: this.#segment, offset, bytes })
    return []
  }

  #seal(bytes: Buffer): PlacedLeaf[] {
    const sealed = this.#held
    const note = parseNoteLine(bytes)
    const claimed = note === undefined ? undefined : parseCheckpoint(noteText(note))
    if (claimed?.size !== this.size + sealed.length) {
      throw new Error(`segment ${this.#segment}, line ${this.#number}: not a log`)
    }
    this.size = claimed.size
    this.#held = []
    return sealed
  }
}

/**
 * The newest checkpoint of a log, as it stands there: whoever relies on it checks its signature.
 *
 * @throws Error where the files cannot be read as a log
 */
export async function newestCheckpoint(dir: string): Promise<string | null> {
  const last = (await headedSegments(dir)).at(-1)
  let note: string | null = null
  if (last === undefined) return note
  for await (const lines of last.lines()) {
    const line = lines.findLast(isCheckpointLine)
    if (line !== undefined) note = parseNoteLine(line.bytes) ?? null
  }
  return note
}
