/** Longer words are not typing slips of anything we know, and the cost is quadratic. */
const MAX_LENGTH = 64
/** More edits than this make another word. */
const MAX_EDITS = 3

/**
 * The candidate that `word` most likely meant to be, or undefined when none is close.
 * Ties go to the first candidate.
 */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  const lower = word.toLowerCase()
  let nearest: string | undefined
  let below = Math.min(MAX_EDITS, Math.max(1, Math.floor(word.length / 3))) + 1
  for (const candidate of candidates) {
    const distance = measureDistance(lower, candidate.toLowerCase(), below)
    if (distance < below) [nearest, below] = [candidate, distance]
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

/**
 * Optimal string alignment: insert, delete, replace, and swap of neighbours each cost 1.
 *
 * @param below stop once the distance cannot be less than this, and return it or more
 */
export function measureDistance(a: string, b: string, below: number): number {
  if (Math.abs(a.length - b.length) >= below) return below
  // One edit takes away one character and adds one: cheap to see for words that share little.
  if (countBits(characterSet(a) ^ characterSet(b)) > 2 * (below - 1)) return below
  let before: readonly number[] = []
  let previous: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const current = nextRow({ a, b, i, previous, before })
    // A swap reaches back two rows, so both must be hopeless.
    if (Math.min(...current) >= below && Math.min(...previous) >= below) return below
    before = previous
    previous = current
  }
  return costAt(previous, b.length)
}

/** One bit for each character, 32 classes. */
function characterSet(word: string): number {
  let bits = 0
  for (let i = 0; i < word.length; i += 1) bits |= 1 << (word.charCodeAt(i) & 31)
  return bits
}

function countBits(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1
  return count
}

type Table = {
  a: string
  b: string
  i: number
  previous: readonly number[]
  before: readonly number[]
}

function nextRow({ a, b, i, previous, before }: Table): readonly number[] {
  const row = [i]
  for (let j = 1; j <= b.length; j += 1) {
    const same = a[i - 1] === b[j - 1] ? 0 : 1
    const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
    row[j] = Math.min(
      costAt(previous, j) + 1,
      costAt(row, j - 1) + 1,
      costAt(previous, j - 1) + same,
      swapped ? costAt(before, j - 2) + 1 : Number.POSITIVE_INFINITY,
    )
  }
  return row
}

/** Outside the table there is no way. */
function costAt(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY
}
