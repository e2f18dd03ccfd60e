import { viewOf } from './write-ahead-log.ts'

/** A value as SQLite stores it; a whole number beyond 2^53 is the nearest that JavaScript has. */
export type SqlValue = null | number | string | Uint8Array

/** A number of one to nine bytes, and where it ends. @returns null where the bytes end first */
export function varintAt(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  let value = 0
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return null
    if (i === 8) return { value: value * 256 + byte, next: at + 9 }
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  return null
}

/**
 * The wanted columns of one record. One that was written before its column was added has none: null.
 *
 * @param columns their places in the table
 * @returns null for what is no record
 */
export function readRecord(
  payload: Uint8Array,
  columns: readonly number[],
): readonly SqlValue[] | null {
  const head = varintAt(payload, 0)
  if (head === null || head.value > payload.length) return null
  const wanted = new Map(columns.map((column) => [column, null as SqlValue]))
  const last = Math.max(...columns)
  let place = head.next
  let body = head.value
  for (let column = 0; place < head.value && column <= last; column++) {
    const type = varintAt(payload, place)
    if (type === null) return null
    const bytes = bytesOf(type.value)
    if (body + bytes > payload.length) return null
    if (wanted.has(column)) {
      wanted.set(column, valueOf(type.value, payload.subarray(body, body + bytes)))
    }
    place = type.next
    body += bytes
  }
  return columns.map((column) => wanted.get(column) ?? null)
}

/** Serial types: <https://sqlite.org/fileformat2.html#record_format>. */
function bytesOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type] ?? 0
}

const FLOAT = 7
const ONE = 9

function valueOf(type: number, bytes: Uint8Array): SqlValue {
  if (type >= 12) return type % 2 === 0 ? bytes : TEXT.decode(bytes)
  if (type === 0 || type > ONE) return null
  if (type === FLOAT) return viewOf(bytes).getFloat64(0)
  return type === ONE ? 1 : wholeNumber(bytes)
}

const TEXT = new TextDecoder('utf-8', { ignoreBOM: true })

function wholeNumber(bytes: Uint8Array): number {
  const [first = 0] = bytes
  const unsigned = bytes.reduce((sum, byte) => sum * 256 + byte, 0)
  return first < 0x80 ? unsigned : unsigned - 256 ** bytes.length
}
