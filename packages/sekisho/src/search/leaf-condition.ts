import type { DatabaseSync } from 'node:sqlite'
import { SekishoError } from '../core/error.ts'
import type { Filter } from './filter.ts'

/** Of a filter, with the index's own ids for the values of each facet that fit. */
export type TermFilter = Omit<Filter, 'facets'> & { terms: readonly (readonly number[])[] }

export type LeafCondition = {
  /** from `FROM` on */
  where: string
  values: (string | number)[]
  /** the column that orders by index */
  position: string
}

/** More values of one facet than this make no sensible question. */
const MAX_ALTERNATIVES = 10_000

/** The part of an SQL query that takes the leaves wanted; null where there can be none. */
export function leafCondition(database: DatabaseSync, filter: TermFilter): LeafCondition | null {
  if (filter.terms.some((ids) => ids.length === 0)) return null
  const range = rangeOf(database, filter)
  if (range === null) return null
  const match = matchOf(filter)
  const conditions: string[] = []
  const values: (string | number)[] = []
  const position = match === '' ? 'leaf.position' : 'text.rowid'
  if (match !== '') {
    conditions.push('text MATCH ?')
    values.push(match)
  }
  for (const [condition, bound] of range) {
    conditions.push(condition.replace('position', position))
    values.push(bound)
  }
  const from = match === '' ? 'FROM leaf' : 'FROM text JOIN leaf ON leaf.position = text.rowid'
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  return { where: `${from}${where}`, values, position }
}

type Bound = readonly [condition: string, value: number]

/**
 * Times only grow in a sound log, so a range of times is one of indexes. Where it is not, in a log
 * that was tampered with, each leaf's own time is asked for as well.
 */
function rangeOf(database: DatabaseSync, { sinceMs, untilMs }: TermFilter): Bound[] | null {
  if (sinceMs === null && untilMs === null) return []
  const from = sinceMs ?? Number.MIN_SAFE_INTEGER
  const to = untilMs ?? Number.MAX_SAFE_INTEGER
  const { count, first, last } = countLeaves(database, from, to)
  if (count === 0) return null
  const bounds: Bound[] = [
    ['position >= ?', first],
    ['position <= ?', last],
  ]
  if (count === last - first + 1) return bounds
  return [...bounds, ['leaf.at >= ?', from], ['leaf.at < ?', to]]
}

type Span = { count: number; first: number; last: number }

function countLeaves(database: DatabaseSync, from: number, to: number): Span {
  const row = database
    .prepare(
      'SELECT count(*) AS n, min(position) AS first, max(position) AS last FROM leaf WHERE at >= ? AND at < ?',
    )
    .get(from, to)
  return { count: Number(row?.['n']), first: Number(row?.['first']), last: Number(row?.['last']) }
}

/** FTS5's own language: each alternative is a word of the index, none of it the user's text. */
function matchOf({ terms, words }: TermFilter): string {
  const facets = terms.map((ids) => {
    if (ids.length > MAX_ALTERNATIVES) {
      throw new SekishoError('USAGE', `${ids.length} values fit one filter`, {
        hint: `narrow it to at most ${MAX_ALTERNATIVES}`,
      })
    }
    return `(${ids.map((id) => `"f${id}"`).join(' OR ')})`
  })
  const texts = words.map(({ word, isPrefix }) => `"w${word}"${isPrefix ? ' *' : ''}`)
  return [...facets, ...texts].join(' AND ')
}
