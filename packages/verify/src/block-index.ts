import { HASH_BYTES } from './merkle.ts'

/**
 * What a writer notes down of each block of 256 leaves, beside the log, so that leaves and proofs
 * are found without reading all of it. Derived: whoever reads it compares the outcome with a head.
 */

/** Its name in the log's directory. */
export const BLOCK_INDEX = 'blocks.index'
/** Segment and offset of the block's first leaf, 64 bits each; then the root over its 256 leaves. */
export const BLOCK_RECORD_BYTES = 16 + HASH_BYTES
const PLACE_BYTES = 16

export type BlockPlace = { segment: number; offset: number }
export type BlockRecord = BlockPlace & { root: Buffer }

/** The first part of a record, which is known from the block's first leaf on. */
export function formatBlockPlace({ segment, offset }: BlockPlace): Buffer {
  const bytes = Buffer.alloc(PLACE_BYTES)
  bytes.writeBigUInt64BE(BigInt(segment), 0)
  bytes.writeBigUInt64BE(BigInt(offset), 8)
  return bytes
}

/** undefined for one that was never written; of a block that is not full yet the root is zeroes */
export function parseBlockRecord(bytes: Buffer): BlockRecord | undefined {
  if (bytes.length < PLACE_BYTES) return undefined
  const segment = Number(bytes.readBigUInt64BE(0))
  const offset = Number(bytes.readBigUInt64BE(8))
  if (!Number.isSafeInteger(segment) || !Number.isSafeInteger(offset) || segment === 0) {
    return undefined
  }
  const root = Buffer.alloc(HASH_BYTES)
  bytes.copy(root, 0, PLACE_BYTES, BLOCK_RECORD_BYTES)
  return { segment, offset, root }
}
