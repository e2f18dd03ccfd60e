import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'

/**
 * What a cosigner signs, and how the signature is laid out in a note (C2SP tlog-cosignature):
 * eight bytes of time, then the bytes of the algorithm.
 */

const TIME_BYTES = 8
/** Time and ML-DSA-44 signature (FIPS 204 §4, table 2). */
export const SUBTREE_SIGNATURE_BYTES: number = TIME_BYTES + 2420
/** 12 bytes, with the zero that ends it. */
const SUBTREE_LABEL = Buffer.from('subtree/v1\n\0')

/** POSIX seconds; 0 in an ML-DSA-44 signature says nothing about the time */
export type Timestamped = { timeSeconds: number; signature: Buffer }

export function formatTimestamped({ timeSeconds, signature }: Timestamped): Buffer {
  return Buffer.concat([uint64(timeSeconds), signature])
}

/** undefined when it is too short, or for a time beyond 2^53, which is no time */
export function parseTimestamped(bytes: Buffer): Timestamped | undefined {
  if (bytes.length <= TIME_BYTES) return undefined
  const timeSeconds = bytes.readUInt32BE(0) * 2 ** 32 + bytes.readUInt32BE(4)
  if (!Number.isSafeInteger(timeSeconds)) return undefined
  return { timeSeconds, signature: bytes.subarray(TIME_BYTES) }
}

/** `cosignature/v1`: the whole text of the note, with the time before it. */
export function cosignedText(text: string, timeSeconds: number): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${timeSeconds}\n${text}`)
}

/**
 * `subtree/v1`: the three facts of a checkpoint and the cosigner's name.
 * undefined when the text is no checkpoint, or has extension lines, which nobody would vouch for, or
 * a name does not fit into 255 bytes.
 */
export function cosignedSubtree(
  text: string,
  { name, timeSeconds }: { name: string; timeSeconds: number },
): Buffer | undefined {
  const head = parseCheckpoint(text)
  if (head === undefined || text !== formatCheckpoint(head)) return undefined
  const cosigner = shortString(name)
  const origin = shortString(head.origin)
  if (cosigner === undefined || origin === undefined) return undefined
  return Buffer.concat([
    SUBTREE_LABEL,
    cosigner,
    uint64(timeSeconds),
    origin,
    uint64(0),
    uint64(head.size),
    head.root,
  ])
}

/** `opaque name<1..2^8-1>` (RFC 8446 §3.4) */
function shortString(text: string): Buffer | undefined {
  const bytes = Buffer.from(text)
  const fits = bytes.length > 0 && bytes.length < 256
  return fits ? Buffer.concat([Buffer.from([bytes.length]), bytes]) : undefined
}

/** @throws RangeError for what is no whole number from 0 to 2^53-1 */
function uint64(value: number): Buffer {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no time or size: ${value}`)
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), 0)
  bytes.writeUInt32BE(value % 2 ** 32, 4)
  return bytes
}
