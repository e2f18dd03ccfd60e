import type { Facet, FacetReader, Facets } from './facets.ts'
import type { SearchedWord } from './words.ts'

/** Which leaves are wanted. Every condition must hold; an empty filter takes every leaf. */
export type Filter = {
  /** of each facet, one of these; `*` in one stands for any characters */
  facets: ReadonlyMap<Facet, readonly string[]>
  words: readonly SearchedWord[]
  /** Unix ms, the first one wanted; null for no bound */
  sinceMs: number | null
  /** Unix ms, the first one not wanted; null for no bound */
  untilMs: number | null
}

export const EVERY_LEAF: Filter = { facets: new Map(), words: [], sinceMs: null, untilMs: null }

/** A leaf as a filter sees it. */
export type Filterable = {
  facets: Facets
  words: ReadonlySet<string>
  /** Unix ms; null for a leaf without a time that can be read */
  atMs: number | null
}

/** Whether a leaf is wanted. Users stand in `filter` under all their names, as {@link withUserNames} gives it. */
export function isWanted(filter: Filter, leaf: Filterable): boolean {
  if (!isInTime(filter, leaf.atMs)) return false
  for (const [facet, patterns] of filter.facets) {
    const values = [...(leaf.facets.get(facet) ?? [])]
    if (!patterns.some((pattern) => values.some((value) => fitsPattern(value, pattern)))) {
      return false
    }
  }
  return filter.words.every((searched) => hasWord(leaf.words, searched))
}

/** The same filter, with the other names under which the log knows its users. */
export function withUserNames(filter: Filter, reader: Pick<FacetReader, 'namesOfUser'>): Filter {
  const users = filter.facets.get('user')
  if (users === undefined) return filter
  const names = new Set(users.flatMap((user) => reader.namesOfUser(user)))
  return { ...filter, facets: new Map([...filter.facets, ['user', [...names]]]) }
}

/** Whether `value` is `pattern`, in which `*` stands for any characters. */
export function fitsPattern(value: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return value === pattern
  if (!value.startsWith(first) || value.length < first.length + last.length) return false
  let from = first.length
  for (const part of rest) {
    const found = value.indexOf(part, from)
    if (found < 0) return false
    from = found + part.length
  }
  return value.length - last.length >= from && value.endsWith(last)
}

function isInTime({ sinceMs, untilMs }: Filter, atMs: number | null): boolean {
  if (sinceMs === null && untilMs === null) return true
  if (atMs === null) return false
  return (sinceMs === null || atMs >= sinceMs) && (untilMs === null || atMs < untilMs)
}

function hasWord(words: ReadonlySet<string>, { word, isPrefix }: SearchedWord): boolean {
  if (!isPrefix) return words.has(word)
  return [...words].some((known) => known.startsWith(word))
}
