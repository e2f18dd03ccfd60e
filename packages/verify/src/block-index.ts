import { HASH_BYTES } from './merkle.ts'

/**
 * What a writer notes down of each block of 256 leaves, beside the log, so that leaves and proofs
 * are found without reading all of it. Derived: whoever reads it compares the outcome with a head.
 */

/** Its name in the log's directory. */
export const BLOCK_INDEX = 'blocks.index'
/** Segment and offset of the block's first leaf, 64 bits each; then the root over its 256 leaves. */
export const BLOCK_RECORD_BYTES = 16 + HASH_BYTES

export type BlockPlace = { segment: number; offset: number }
export type BlockRecord = BlockPlace & { root: Buffer }

/** The first part of a record, which is known from the block's first leaf on. */
export function formatBlockPlace({ segment, offset }: BlockPlace): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64BE(BigInt(segment), 0)
  bytes.writeBigUInt64BE(BigInt(offset), 8)
  return bytes
}

/** undefined for a record that is cut off, or was never written */
export function parseBlockRecord(bytes: Buffer): BlockRecord | undefined {
  if (bytes.length !== BLOCK_RECORD_BYTES) return undefined
  const segment = Number(bytes.readBigUInt64BE(0))
  const offset = Number(bytes.readBigUInt64BE(8))
  if (!Number.isSafeInteger(segment) || !Number.isSafeInteger(offset) || segment === 0) {
    return undefined
  }
  return { segment, offset, root: bytes.subarray(16) }
}
