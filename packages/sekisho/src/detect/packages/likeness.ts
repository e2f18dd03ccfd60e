/** Pairs that look alike in many fonts, folded to one of them. Names are ASCII. */
const LOOKS_LIKE: readonly (readonly [RegExp, string])[] = [
  [/rn/g, 'm'],
  [/vv/g, 'w'],
  [/0/g, 'o'],
  [/[1i|]/g, 'l'],
  [/5/g, 's'],
]

/** Lower case, with look-alike characters made one. */
function fold(text: string): string {
  let folded = text.toLowerCase()
  for (const [pattern, to] of LOOKS_LIKE) folded = folded.replace(pattern, to)
  return folded
}

export type Looks = {
  /** without separators and scope marks: `@types/node` is `typesnode` */
  skeleton: string
  /** its words in order of the alphabet; undefined for a single one */
  words: string | undefined
}

/** What a name looks like, so that two that look alike are the same here. */
export function looksOf(name: string): Looks {
  const folded = fold(name)
  const words = folded.split(/[-_.@/~]+/).filter((word) => word !== '')
  const skeleton = words.join('')
  return { skeleton, words: words.length < 2 ? undefined : words.toSorted().join(' ') }
}

/**
 * Whether one insertion, deletion, substitution or swap of two neighbours makes one of two
 * different texts out of the other (optimal string alignment distance 1).
 */
export function isOneSlipApart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (long.length - short.length > 1 || a === b) return false
  let at = 0
  while (at < short.length && short[at] === long[at]) at += 1
  if (long.length > short.length) return short.slice(at) === long.slice(at + 1)
  if (short.slice(at + 1) === long.slice(at + 1)) return true
  return (
    short[at] === long[at + 1] &&
    short[at + 1] === long[at] &&
    short.slice(at + 2) === long.slice(at + 2)
  )
}
