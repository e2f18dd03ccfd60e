import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import {
  isFault,
  listSegments,
  MAX_BATCH_LEAVES,
  openSegment,
  parseNoteLine,
  type Segment,
  segmentName,
} from '@sekisho/verify'

/** Where reading goes on: after a checkpoint, or at a segment's beginning (`offset` 0). */
export type Position = {
  segment: number
  /** bytes */
  offset: number
  /** leaves before */
  size: number
}

export type SealedLeaf = { index: number; offset: number; bytes: Buffer }

/** What one checkpoint seals, where it stands in its segment, and where reading goes on. */
export type SealedBatch = {
  leaves: readonly SealedLeaf[]
  /** the checkpoint's line without its end */
  seal: Buffer
  after: Position
}

/** The log's files do not go on where they were left: cut, replaced, or another log's. */
export class OtherLog extends Error {}

const CHUNK_BYTES = 4 * 1024 * 1024
const MAX_LINE_BYTES = 16 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * The sealed leaves of a log from a position on, with the place of each. It proves nothing, as
 * `readLeaves` proves nothing; it holds one chunk and one batch.
 *
 * @throws Error naming segment and byte where the files cannot be read as a log
 * @throws OtherLog where they do not go on from that position
 */
export async function* readSealed(dir: string, from: Position): AsyncGenerator<SealedBatch> {
  const segments = await headedSegments(dir, from.segment)
  let next = from
  if (from.offset > 0 && segments[0]?.number !== from.segment) {
    throw new OtherLog(`segment ${from.segment} is not there`)
  }
  for (const [i, segment] of segments.entries()) {
    const endSize = segments[i + 1]?.header?.size ?? Number.POSITIVE_INFINITY
    next = beginIn(segment, next)
    if (endSize < next.size) {
      throw new OtherLog(`segment ${segment.number} ends before leaf ${next.size}`)
    }
    for (const batch of batchesOf(join(dir, segmentName(segment.number)), next, endSize)) {
      next = batch.after
      yield batch
    }
  }
}

/** @throws OtherLog where the segment does not go on from there */
function beginIn({ number, header }: Segment, from: Position): Position {
  if (from.offset > 0 && number === from.segment) return from
  if (header?.size === from.size) return { segment: number, offset: 0, size: from.size }
  throw new OtherLog(`segment ${number} does not begin after ${from.size} leaves`)
}

async function headedSegments(dir: string, first: number): Promise<Segment[]> {
  const headed: Segment[] = []
  for (const number of await listSegments(dir)) {
    if (number < first) continue
    const segment = await openSegment(dir, number)
    if (isFault(segment)) throw new Error(`segment ${number}, line 1: ${segment.reason}`)
    if (segment.header !== null) headed.push(segment)
  }
  return headed
}

function* batchesOf(path: string, start: Position, endSize: number): Generator<SealedBatch> {
  const { segment } = start
  let { size } = start
  let leaves: SealedLeaf[] = []
  for (const { bytes, offset } of linesOf(path, start.offset)) {
    if (offset === 0) continue // the header, read before
    if (size >= endSize) return
    if (bytes[0] === 0x7b) {
      if (leaves.length >= MAX_BATCH_LEAVES) throw notALog(segment, offset)
      leaves.push({ index: size + leaves.length, offset, bytes })
      continue
    }
    if (sealedSize(bytes) !== size + leaves.length) throw notALog(segment, offset)
    size += leaves.length
    yield { leaves, seal: bytes, after: { segment, offset: offset + bytes.length + 1, size } }
    leaves = []
  }
}

function notALog(segment: number, offset: number): Error {
  return new Error(`segment ${segment}, byte ${offset}: not a log`)
}

/** Whole lines from an offset on, each with its place; a torn last one is not given. */
function* linesOf(path: string, from: number): Generator<{ bytes: Buffer; offset: number }> {
  const file = openSync(path, 'r')
  try {
    let held: Buffer = Buffer.alloc(0)
    let heldAt = from
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const got = readSync(file, chunk, 0, CHUNK_BYTES, heldAt + held.length)
      if (got === 0) return
      const all = Buffer.concat([held, chunk.subarray(0, got)])
      let start = 0
      for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, start)) {
        yield { bytes: all.subarray(start, end), offset: heldAt + start }
        start = end + 1
      }
      held = all.subarray(start)
      heldAt += start
      if (held.length > MAX_LINE_BYTES) throw new Error(`${path}, byte ${heldAt}: an endless line`)
    }
  } finally {
    closeSync(file)
  }
}

/** How many leaves a checkpoint line speaks for: the second line of its note. */
function sealedSize(line: Buffer): number | undefined {
  const size = parseNoteLine(line)?.split('\n', 3)[1]
  return size !== undefined && /^(0|[1-9]\d{0,15})$/.test(size) ? Number(size) : undefined
}
