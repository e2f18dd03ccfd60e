import { createHmac, hkdfSync } from 'node:crypto'

/** How many bytes the rolling hash looks at. */
export const WINDOW_BYTES = 8
const TAG_BYTES = 16
export const KEY_BYTES = 32
/** A key for the MAC, the multiplier, a number for each byte (RFC 5869). */
const DERIVED_BYTES = KEY_BYTES + 4 + 256 * 4

/** The two keyed functions of a print, derived from one key. */
export type KeyedHash = {
  /** multiplier of the rolling hash; odd */
  base: number
  /** what a byte adds as it comes in */
  enter: Int32Array
  /** what it has become by the time it leaves the window */
  leave: Int32Array
  /** first half of the HMAC-SHA-256, hexadecimal */
  tag(bytes: Uint8Array): string
}

/** @throws RangeError unless the key has KEY_BYTES */
export function keyedHash(key: Uint8Array): KeyedHash {
  if (key.length !== KEY_BYTES) throw new RangeError(`want a key of ${KEY_BYTES} bytes`)
  const derived = Buffer.from(hkdfSync('sha256', key, '', 'sekisho secret prints', DERIVED_BYTES))
  const macKey = derived.subarray(0, KEY_BYTES)
  const base = derived.readInt32LE(KEY_BYTES) | 1
  const enter = Int32Array.from({ length: 256 }, (_, byte) =>
    derived.readInt32LE(KEY_BYTES + 4 + byte * 4),
  )
  let power = 1
  for (let step = 0; step < WINDOW_BYTES; step++) power = Math.imul(power, base)
  const tag = (bytes: Uint8Array): string =>
    createHmac('sha256', macKey).update(bytes).digest().toString('hex', 0, TAG_BYTES)
  return { base, enter, leave: enter.map((value) => Math.imul(value, power)), tag }
}

/** Hash of the first WINDOW_BYTES from a place on, as the rolling hash has it there. */
export function windowHash({ base, enter }: KeyedHash, bytes: Uint8Array, at: number): number {
  let hash = 0
  for (let index = at; index < at + WINDOW_BYTES; index++) {
    hash = (Math.imul(hash, base) + (enter[bytes[index] ?? 0] ?? 0)) | 0
  }
  return hash
}
