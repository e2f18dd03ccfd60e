/** Leaves from `start` to before `end`. */
export type Range = { start: number; end: number }

/**
 * The subtrees whose roots are the consistency proof from one size to another, in the proof's
 * order (RFC 9162 §2.1.4.1). Those of the old tree are the full subtrees at its right edge, so
 * whoever has these needs no leaf of before.
 *
 * @param oldSize from 1 to `newSize`
 */
export function proofRanges(oldSize: number, newSize: number): Range[] {
  const ranges: Range[] = []
  let [start, end] = [0, newSize]
  while (end > oldSize) {
    const middle = start + splitOf(end - start)
    const isLeft = oldSize <= middle
    ranges.push(isLeft ? { start: middle, end } : { start, end: middle })
    if (isLeft) end = middle
    else start = middle
  }
  // a reader of the proof has the old root: it needs no hash for a whole old tree
  if (start > 0) ranges.push({ start, end })
  return ranges.toReversed()
}

/** The full subtrees at the right edge of a tree, largest first: what a frontier has hashes of. */
export function edgeRanges(size: number): Range[] {
  const ranges: Range[] = []
  let start = 0
  while (start < size) {
    let width = 1
    while (width * 2 <= size - start) width *= 2
    ranges.push({ start, end: start + width })
    start += width
  }
  return ranges
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}
