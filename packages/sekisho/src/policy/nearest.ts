/** Longer words are not typing slips of anything we know, and the cost is quadratic. */
const MAX_LENGTH = 64

/**
 * The candidate that `word` most likely meant to be, or undefined when none is close.
 * Ties go to the first candidate.
 */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  let nearest: string | undefined
  let least = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= least) continue
    const distance = measureDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < least) [nearest, least] = [candidate, distance]
  }
  return nearest
}

/** `did you mean …?`, or the fallback when nothing is close. */
export function suggest<Fallback extends string | undefined>(
  word: string,
  candidates: Iterable<string>,
  fallback: Fallback,
): string | Fallback {
  const nearest = findNearest(word, candidates)
  return nearest === undefined ? fallback : `did you mean \`${nearest}\`?`
}

/** Optimal string alignment: insert, delete, replace, and swap of neighbours each cost 1. */
export function measureDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      current[j] = Math.min(
        costAt(previous, j) + 1,
        costAt(current, j - 1) + 1,
        costAt(previous, j - 1) + same,
        swapped ? costAt(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = previous
    previous = current
  }
  return costAt(previous, b.length)
}

/** Outside the table there is no way. */
function costAt(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
