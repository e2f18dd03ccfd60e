import type { SecretPrint, SecretPrintSet } from '../../../wire/secret-prints.ts'
import type { DetectorClass } from '../finding.ts'
import { type KeyedHash, keyedHash, WINDOW_BYTES } from './keyed-hash.ts'

export type IndexedPrint = SecretPrint & {
  /** index of the print, for counting */
  at: number
  detector: string
  class: Extract<DetectorClass, 'platform-secret' | 'canary'>
}

/** Prints made ready for scanning; shared by all streams of a session. */
export type PrintIndex = {
  hash: KeyedHash
  /** one bit for each value of a hash's first bits that some print has */
  filter: Int32Array
  /** how far a hash is shifted to the right to give its bit */
  filterShift: number
  byWindow: ReadonlyMap<number, readonly IndexedPrint[]>
  count: number
  /** the longest spelling */
  maxBytes: number
}

const MIN_FILTER_BITS = 15
const MAX_FILTER_BITS = 22
/** At so many bits a print, one byte in so many gets past the filter by chance. */
const FILTER_BITS_PER_PRINT = 128

const PREFIX = { 'platform-secret': 'platform', canary: 'canary' } as const

/** @throws RangeError when the key is not one, or a window lies outside its spelling */
export function indexPrints({ key, secrets }: SecretPrintSet): PrintIndex {
  const all = secrets
    .flatMap(({ class: kind, name, prints }) =>
      prints.map((print) => ({ ...print, class: kind, detector: `${PREFIX[kind]}.${name}` })),
    )
    .map((print, at) => ({ ...print, at }))
  const wanted = Math.ceil(Math.log2(Math.max(1, all.length * FILTER_BITS_PER_PRINT)))
  const bits = Math.min(MAX_FILTER_BITS, Math.max(MIN_FILTER_BITS, wanted))
  const filter = new Int32Array(2 ** bits / 32)
  const byWindow = new Map<number, IndexedPrint[]>()
  for (const print of all) {
    if (print.windowAt + WINDOW_BYTES > print.bytes) throw new RangeError('window outside')
    const hash = print.window | 0
    const bit = hash >>> (32 - bits)
    filter[bit >>> 5] = (filter[bit >>> 5] ?? 0) | (1 << (bit & 31))
    byWindow.set(hash, [...(byWindow.get(hash) ?? []), print])
  }
  return {
    hash: keyedHash(Buffer.from(key, 'base64')),
    filter,
    filterShift: 32 - bits,
    byWindow,
    count: all.length,
    maxBytes: Math.max(WINDOW_BYTES, ...all.map(({ bytes }) => bytes)),
  }
}
