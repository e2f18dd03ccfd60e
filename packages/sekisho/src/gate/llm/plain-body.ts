import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/** Of a request, decoded. */
const MAX_PLAIN_BYTES = 32 * 1024 * 1024

type Undo = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer

const CODINGS: ReadonlyMap<string, Undo> = new Map<string, Undo>([
  ['gzip', gunzipSync],
  ['x-gzip', gunzipSync],
  ['deflate', inflateSync],
  ['br', brotliDecompressSync],
  ['zstd', zstdDecompressSync],
])

/**
 * A body in the clear.
 *
 * @param coding of its content-encoding field; undefined for none
 * @returns undefined where it is coded in a way that nobody here undoes, broken, or too long
 */
export function plainBody(bytes: Buffer, coding: string | undefined): Buffer | undefined {
  const name = coding?.trim().toLowerCase() ?? 'identity'
  if (name === 'identity' || name === '') return bytes
  try {
    return CODINGS.get(name)?.(bytes, { maxOutputLength: MAX_PLAIN_BYTES })
  } catch {
    return undefined // whoever asked refuses it
  }
}
