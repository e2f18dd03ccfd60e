import { parseObject } from './canonical.ts'
import type { Line } from './lines.ts'
import { listSegments, openSegment } from './log-files.ts'
import { parseCheckpoint } from './checkpoint.ts'
import { isFault, MAX_BATCH_LEAVES, type Segment } from './segment.ts'
import { noteText } from './note.ts'
import { parseNoteLine } from './walk.ts'

export type IndexedLeaf = { index: number; leaf: Record<string, unknown> }

/** Every condition must hold; an empty filter takes every leaf. */
export type LeafFilter = {
  session?: string | undefined
  types?: readonly string[] | undefined
  /** first index wanted */
  from?: number | undefined
}

/**
 * The sealed leaves of a log, oldest first, for showing: it proves nothing, `verifyLog` does.
 * Reads beside a running writer; leaves that no checkpoint seals yet are not given.
 *
 * @throws Error naming segment and line where the files cannot be read as a log
 */
export async function* readLeaves(
  dir: string,
  filter: LeafFilter = {},
): AsyncGenerator<IndexedLeaf> {
  const segments = await headedSegments(dir)
  for (const [i, segment] of segments.entries()) {
    const endSize = segments[i + 1]?.header?.size ?? Number.POSITIVE_INFINITY
    if (endSize <= (filter.from ?? 0)) continue
    for await (const found of sealedLeaves(segment, endSize)) {
      if (isWanted(found, filter)) yield found
    }
  }
}

async function headedSegments(dir: string): Promise<Segment[]> {
  const headed: Segment[] = []
  for (const number of await listSegments(dir)) {
    const segment = await openSegment(dir, number)
    if (isFault(segment)) throw new Error(`segment ${number}, line 1: ${segment.reason}`)
    if (segment.header !== null) headed.push(segment)
  }
  return headed
}

async function* sealedLeaves(segment: Segment, endSize: number): AsyncGenerator<IndexedLeaf> {
  const reader = new SealedReader(segment, endSize)
  for await (const lines of segment.lines()) {
    for (const line of lines) yield* reader.take(line)
    if (reader.ended) return
  }
}

/** Holds leaves back until their checkpoint comes by. */
class SealedReader {
  readonly #segment: Segment
  readonly #endSize: number
  #size: number
  #number = 0
  #staged: Record<string, unknown>[] = []

  constructor(segment: Segment, endSize: number) {
    this.#segment = segment
    this.#endSize = endSize
    this.#size = segment.header?.size ?? 0
  }

  get ended(): boolean {
    return this.#size >= this.#endSize
  }

  take({ bytes, end }: Line): IndexedLeaf[] {
    this.#number += 1
    if (this.#number === 1 || this.ended || end === 'eof') return []
    return bytes[0] === 0x7b ? this.#stage(bytes) : this.#seal(bytes)
  }

  #stage(bytes: Buffer): IndexedLeaf[] {
    const leaf = parseObject(bytes)
    if (leaf === undefined || this.#staged.length >= MAX_BATCH_LEAVES) throw this.#unreadable()
    this.#staged.push(leaf)
    return []
  }

  #seal(bytes: Buffer): IndexedLeaf[] {
    const sealed = this.#staged.map((leaf, offset) => ({ index: this.#size + offset, leaf }))
    const note = parseNoteLine(bytes)
    const claimed = note === undefined ? undefined : parseCheckpoint(noteText(note))
    if (claimed?.size !== this.#size + sealed.length) throw this.#unreadable()
    this.#size = claimed.size
    this.#staged = []
    return sealed
  }

  #unreadable(): Error {
    return new Error(`segment ${this.#segment.number}, line ${this.#number}: not a log`)
  }
}

function isWanted({ index, leaf }: IndexedLeaf, { session, types, from }: LeafFilter): boolean {
  if (from !== undefined && index < from) return false
  if (session !== undefined && leaf['session'] !== session) return false
  return types === undefined || types.some((type) => type === leaf['type'])
}
