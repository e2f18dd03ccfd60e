/** Pure search for many needles at once in bytes that arrive in pieces. */

export type Interval = { start: number; end: number }

/**
 * Where any needle stands in `bytes`; overlapping and touching places are merged, in order.
 *
 * @param covered bytes at the beginning that are known to belong to a place
 */
export function occurrences(bytes: Buffer, needles: readonly Buffer[], covered = 0): Interval[] {
  const found: Interval[] = covered === 0 ? [] : [{ start: 0, end: covered }]
  for (const needle of needles) {
    for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + 1)) {
      found.push({ start: at, end: at + needle.length })
    }
  }
  return found.length < 2 ? found : merge(found)
}

function merge(found: Interval[]): Interval[] {
  found.sort((a, b) => a.start - b.start)
  const merged: Interval[] = []
  for (const next of found) {
    const last = merged.at(-1)
    if (last === undefined || next.start > last.end) merged.push({ ...next })
    else last.end = Math.max(last.end, next.end)
  }
  return merged
}

/**
 * Length of the longest end of `bytes` that could be the beginning of a needle: the only bytes
 * that must wait for the next piece. Less than the longest needle.
 */
export function unfinishedLength(bytes: Buffer, needles: readonly Buffer[]): number {
  let longest = 0
  for (const needle of needles) {
    const most = Math.min(needle.length - 1, bytes.length)
    const from = bytes.length - most
    const first = needle[0] ?? 0
    for (let at = bytes.indexOf(first, from); at !== -1; at = bytes.indexOf(first, at + 1)) {
      const length = bytes.length - at
      if (length <= longest) break
      if (bytes.compare(needle, 0, length, at) === 0) {
        longest = length
        break
      }
    }
  }
  return longest
}

/** Says whether any needle has gone by, across the borders of pieces. Keeps no more than a needle. */
export class StreamFinder {
  readonly #needles: readonly Buffer[]
  #tail: Buffer = Buffer.alloc(0)

  constructor(needles: readonly Buffer[]) {
    this.#needles = needles
  }

  /** Index of the first needle (in their order) that ends in this piece; undefined when none. */
  push(piece: Buffer): number | undefined {
    const bytes = this.#tail.length === 0 ? piece : Buffer.concat([this.#tail, piece])
    const index = this.#needles.findIndex((needle) => bytes.includes(needle))
    if (index !== -1) return index
    const keep = unfinishedLength(bytes, this.#needles)
    // a copy: a view would keep the whole piece alive
    this.#tail = Buffer.from(bytes.subarray(bytes.length - keep))
    return undefined
  }
}
