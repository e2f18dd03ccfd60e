import type { ParseArgsConfig } from 'node:util'
import { SekishoError } from '../core/error.ts'
import { suggest } from '../policy/nearest.ts'
import { FACETS, type Facet } from '../search/facets.ts'
import { type Filter, fitsPattern } from '../search/filter.ts'
import type { LogIndex } from '../search/log-index.ts'
import { parseTime, TIME_HINT } from '../search/time-text.ts'
import { searchedWords } from '../search/words.ts'
import { LeafInput } from '../wire/leaves.ts'
import { jsonFlag } from './flags.ts'
import { printable } from './terminal.ts'

type Flags = NonNullable<ParseArgsConfig['options']>

const FILTER_FLAGS: Flags = {
  ...Object.fromEntries(FACETS.map((facet) => [facet, { type: 'string', multiple: true }])),
  since: { type: 'string' },
  until: { type: 'string' },
}
const VERDICTS = ['allow', 'deny', 'hold']
/** Names that a wrong one is compared with. */
const MAX_CANDIDATES = 10_000

export type ParsedFilter = {
  filter: Filter
  values: Readonly<Record<string, unknown>>
}

/**
 * A filter as flags and words say it: different flags narrow each other, one flag that is given
 * again widens, every word must be there.
 *
 * @throws SekishoError USAGE with the nearest name for a flag, a type or a verdict that is none
 */
export function parseFilter(
  usage: string,
  argv: readonly string[],
  { flags, nowMs }: { flags: Flags; nowMs: number },
): ParsedFilter {
  const { values, positionals } = parseFlags(usage, argv, { ...FILTER_FLAGS, ...flags })
  const facets = new Map<Facet, string[]>()
  for (const facet of FACETS) {
    const patterns = listOf(values[facet])
    if (patterns.length > 0)
      facets.set(
        facet,
        patterns.map((one) => canonical(facet, one)),
      )
  }
  refuseUnknown('verdict', facets.get('verdict'), VERDICTS)
  const filter = {
    facets,
    words: positionals.flatMap(searchedWords),
    sinceMs: timeOf('since', values['since'], nowMs),
    untilMs: timeOf('until', values['until'], nowMs),
  }
  return { filter: refuseEmpty(filter, positionals), values }
}

/** @throws SekishoError USAGE for a type that is neither this program's nor in this log */
export function refuseUnknownTypes({ facets }: Filter, index: LogIndex): void {
  refuseUnknown('type', facets.get('type'), [...leafTypes(), ...index.valuesOf('type')])
}

/** A line for each value that this log does not know, with the nearest one that it does. */
export function unknownValues({ facets }: Filter, index: LogIndex): string[] {
  const lines: string[] = []
  for (const [facet, patterns] of facets) {
    if (facet === 'type' || facet === 'verdict') continue
    for (const pattern of patterns) {
      if (index.knows(facet, pattern)) continue
      const hint = suggest(pattern, index.valuesOf(facet).slice(0, MAX_CANDIDATES), '')
      lines.push(
        printable(`this log knows no ${facet} ${pattern}${hint === '' ? '' : `: ${hint}`}`),
      )
    }
  }
  return lines
}

function leafTypes(): string[] {
  return LeafInput.options.map((option) => option.shape.type.value)
}

function parseFlags(
  usage: string,
  argv: readonly string[],
  flags: Flags,
): ReturnType<typeof jsonFlag> {
  const names = Object.keys({ ...flags, json: true })
  const joined = joinTimes(argv)
  for (const argument of joined.slice(0, endOfFlags(joined))) {
    const [, name] = /^--([^=]+)/.exec(argument) ?? []
    if (name === undefined || names.includes(name)) continue
    throw new SekishoError('USAGE', `there is no --${printable(name)}`, {
      hint: suggest(
        `--${name}`,
        names.map((known) => `--${known}`),
        `usage: ${usage}`,
      ),
    })
  }
  return jsonFlag(usage, joined, flags)
}

function endOfFlags(argv: readonly string[]): number {
  const end = argv.indexOf('--')
  return end < 0 ? argv.length : end
}

/** `--since -2h`: a value that begins like a flag. */
export function joinTimes(argv: readonly string[]): string[] {
  const joined: string[] = []
  for (const argument of argv) {
    const before = joined.at(-1) ?? ''
    const isTime = /^--(since|until|at)$/.test(before) && /^-\d/.test(argument)
    if (isTime) joined[joined.length - 1] = `${before}=${argument}`
    else joined.push(argument)
  }
  return joined
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

/** As the log writes it. */
function canonical(facet: Facet, value: string): string {
  if (facet === 'host') return value.toLowerCase().replace(/\.$/, '')
  if (facet === 'user' && /^\d+$/.test(value)) return `uid-${value}`
  return value
}

/** @throws SekishoError USAGE for what is no time */
function timeOf(flag: string, value: unknown, nowMs: number): number | null {
  if (typeof value !== 'string') return null
  const ms = parseTime(value, nowMs)
  if (ms !== undefined) return ms
  throw new SekishoError('USAGE', `--${flag} ${printable(value)} is no time`, { hint: TIME_HINT })
}

function refuseUnknown(
  facet: Facet,
  patterns: readonly string[] | undefined,
  known: readonly string[],
): void {
  for (const pattern of patterns ?? []) {
    if (known.some((value) => fitsPattern(value, pattern))) continue
    throw new SekishoError('USAGE', `there is no ${facet} ${printable(pattern)}`, {
      hint: suggest(pattern, known, `one of: ${[...new Set(known)].sort().join(', ')}`),
    })
  }
}

/** Words of which nothing is left would take every leaf. */
function refuseEmpty(filter: Filter, positionals: readonly string[]): Filter {
  const nothing = positionals.find((text) => searchedWords(text).length === 0)
  if (nothing !== undefined) {
    throw new SekishoError('USAGE', `\`${printable(nothing)}\` is no word`, {
      hint: 'words are letters and digits, with * at the end for all that begin so',
    })
  }
  const { sinceMs, untilMs } = filter
  if (sinceMs === null || untilMs === null || sinceMs < untilMs) return filter
  throw new SekishoError('USAGE', '--until is not after --since', { hint: TIME_HINT })
}
