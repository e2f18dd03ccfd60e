import type { PatternElement } from '../../wire/cedar.ts'

/**
 * Cedar's `like`: `*` is any number of any characters, everything else is itself.
 *
 * Works on UTF-16 units, and yet as if on code points: what stands between two stars is whole
 * characters, and whole characters are found only where characters begin. Each part is searched
 * from where the one before it ended, so there is no backtracking.
 */
export function compileLike(pattern: readonly PatternElement[]): (text: string) => boolean {
  const parts = partsOf(pattern)
  const [first = '', ...others] = parts
  const last = others.pop()
  if (last === undefined) return (text) => text === first
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let from = first.length
    for (const part of others) {
      const found = text.indexOf(part, from)
      if (found < 0) return false
      from = found + part.length
    }
    // `a*a` is not in "a": the end must not overlap what is before it
    return from <= end
  }
}

/** What stands before, between and after the stars. */
function partsOf(pattern: readonly PatternElement[]): string[] {
  const parts: string[] = []
  let part = ''
  for (const element of pattern) {
    if (element === 'Wildcard') {
      parts.push(part)
      part = ''
    } else part += element.Literal
  }
  return [...parts, part]
}
