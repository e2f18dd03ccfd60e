import type { IndexedLeaf } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Facet } from '../search/facets.ts'
import { EVERY_LEAF, type Filter } from '../search/filter.ts'
import type { LogIndex } from '../search/log-index.ts'
import { parseTime, TIME_HINT } from '../search/time-text.ts'
import { StoredLlmCall } from '../wire/llm-leaves.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { joinTimes } from './log-filter.ts'
import { sessionIdOf } from './log-show.ts'
import { printable } from './terminal.ts'

/** What a call came to, where its leaf stands and when it was written. */
export type LoggedCall = { index: number; at: string; call: StoredLlmCall }

export type CallsAsked = {
  filter: Filter
  session: string | undefined
  values: Readonly<Record<string, unknown>>
}

const FLAGS = {
  model: { type: 'string', multiple: true },
  since: { type: 'string' },
  until: { type: 'string' },
  log: { type: 'string' },
  index: { type: 'string' },
} as const

/** `[SESSION] [--model PROVIDER:MODEL] [--since TIME] [--until TIME]`. @throws SekishoError USAGE */
export function parseCalls(
  usage: string,
  argv: readonly string[],
  flags: Parameters<typeof jsonFlag>[2] = {},
): CallsAsked {
  const { values, positionals } = jsonFlag(usage, joinTimes(argv), { ...FLAGS, ...flags })
  const given = maybePositional(usage, positionals)
  const session = given === undefined ? undefined : sessionIdOf(given)
  const models: unknown = values['model']
  const facets = new Map<Facet, readonly string[]>()
  if (session !== undefined) facets.set('session', [session])
  facets.set('model', Array.isArray(models) ? models.map(modelOf) : ['*'])
  const [sinceMs, untilMs] = [timeOf('since', values['since']), timeOf('until', values['until'])]
  const filter = { ...EVERY_LEAF, facets, sinceMs, untilMs }
  return { filter, session, values }
}

/** Of every model call the log has both names, so that one alone would find nothing and not say why. */
function modelOf(text: unknown): string {
  const name = String(text)
  if (/^[^:]+:./.test(name) || name.includes('*')) return name
  const hint = 'give PROVIDER:MODEL as `sekisho llm calls` prints it; * is any characters'
  throw new SekishoError('USAGE', `--model ${printable(name)} names no provider`, { hint })
}

function timeOf(flag: string, value: unknown): number | null {
  if (typeof value !== 'string') return null
  const ms = parseTime(value, Date.now())
  if (ms !== undefined) return ms
  throw new SekishoError('USAGE', `--${flag} ${printable(value)} is no time`, { hint: TIME_HINT })
}

/** What calls came to, oldest first. */
export function* callsIn(index: LogIndex, filter: Filter): Generator<LoggedCall> {
  for (const entry of index.find(ofType('llm.call', filter))) {
    const read = readCall(entry)
    if (read !== undefined) yield read
  }
}

export function ofType(type: string, filter: Filter): Filter {
  return { ...filter, facets: new Map([...filter.facets, ['type', [type]]]) }
}

/** @returns undefined for a leaf that a later version of this program wrote */
export function readCall({ index, leaf }: IndexedLeaf): LoggedCall | undefined {
  const read = StoredLlmCall.safeParse(leaf)
  return read.success ? { index, at: String(leaf['at']), call: read.data } : undefined
}

/**
 * The call of that id; ids are a gate's own, so two sessions may have the same one.
 *
 * @throws SekishoError USAGE where there is none, or more than one
 */
export function findCall(index: LogIndex, id: string, session: string | undefined): LoggedCall {
  const facets =
    session === undefined ? EVERY_LEAF.facets : new Map([['session', [session]] as const])
  const found = [...callsIn(index, { ...EVERY_LEAF, facets })].filter(({ call }) => call.id === id)
  const [only, ...more] = found
  if (only !== undefined && more.length === 0) return only
  const what =
    only === undefined
      ? 'no model call that was made has the id'
      : `${found.length} sessions have a call`
  throw new SekishoError('USAGE', `${what} ${printable(id)}`, {
    hint:
      only === undefined
        ? 'give an id as `sekisho llm calls` prints it; of a call that was denied there is no text'
        : `add --session: ${found.map(({ call }) => call.session).join(', ')}`,
  })
}
