import { leafHash } from '@sekisho/verify'
import type { PreparedLeaf } from './leaf-signing.ts'

/** A leaf as it stands in a segment, at the offset of its first byte. */
export type SealedLeaf = { hash: Buffer; offset: number }

/** What was made durable by one write, for whoever keeps something beside the log. */
export type SealedBatch = {
  segment: number
  leaves: readonly SealedLeaf[]
  /** of the log with them */
  head: { size: number; root: Buffer }
}

/** A batch on its way into a segment: signed, and not durable yet. */
export type MadeBatch = {
  bytes: Buffer
  note: string
  places: readonly SealedLeaf[]
}

const NEWLINE = 0x0a
const BRACE = 0x7b

/** The bytes of a batch: its leaves, and the checkpoint that seals them. */
export function encodeBatch(leaves: readonly PreparedLeaf[], note: string): Buffer {
  const noteLine = Buffer.from(`${JSON.stringify(note)}\n`)
  return Buffer.concat([...leaves.map(({ line }) => line), noteLine])
}

/** Where the leaves of a batch stand when it is written at an offset. */
export function placesOf(leaves: readonly PreparedLeaf[], offset: number): SealedLeaf[] {
  let at = offset
  return leaves.map(({ line, facts }) => {
    const place = { hash: facts.hash, offset: at }
    at += line.length
    return place
  })
}

/** The same of bytes that were encoded before; several batches may be in them. */
export function placesIn(bytes: Buffer, offset: number): SealedLeaf[] {
  const places: SealedLeaf[] = []
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    if (bytes[start] === BRACE) {
      places.push({ hash: leafHash(bytes.subarray(start, end)), offset: offset + start })
    }
    start = end + 1
  }
  return places
}
