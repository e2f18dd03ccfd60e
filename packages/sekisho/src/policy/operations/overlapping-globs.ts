/**
 * Whether some path matches both globs, as `path-glob.ts` reads them. Takes time by their lengths
 * multiplied.
 */
export function doGlobsOverlap(a: string, b: string): boolean {
  return doOverlap(a.split('/'), b.split('/'), {
    isAny: (segment) => segment === '**',
    doFit: (one, other) =>
      doOverlap(Array.from(one), Array.from(other), {
        isAny: (character) => character === '*',
        doFit: (x, y) => x === y,
      }),
  })
}

type Reading = {
  /** stands for any number of parts, also none */
  isAny: (part: string) => boolean
  doFit: (a: string, b: string) => boolean
}

/**
 * Two patterns walked side by side, from their ends: a row says for each rest of `b` whether it has a text
 * in common with the rest of `a` that the row stands for.
 */
function doOverlap(a: readonly string[], b: readonly string[], reading: Reading): boolean {
  let row = [...b.map((_, j) => b.slice(j).every((part) => reading.isAny(part))), true]
  for (const part of a.toReversed()) row = rowBefore(part, b, { row, reading })
  return row[0] === true
}

function rowBefore(
  part: string,
  b: readonly string[],
  { row: below, reading }: { row: readonly boolean[]; reading: Reading },
): boolean[] {
  const isAny = reading.isAny(part)
  const row: boolean[] = []
  row[b.length] = isAny && below[b.length] === true
  for (const [j, other] of Array.from(b.entries()).toReversed()) {
    const isEither = isAny || reading.isAny(other)
    row[j] = isEither
      ? below[j] === true || row[j + 1] === true
      : below[j + 1] === true && reading.doFit(part, other)
  }
  return row
}
