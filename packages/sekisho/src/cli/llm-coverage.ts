import type { StoredLlmCall } from '../wire/llm-leaves.ts'
import type { Terminal } from './command.ts'
import { jsonLine } from './json-line.ts'
import { callsIn, parseCalls } from './llm-log.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { printable, table } from './terminal.ts'

/** What was done with one part of the calls of one format. */
export type CoverageRow = {
  api: string
  part: string
  did: 'inspected' | 'passed' | 'unsupported'
  /** of what looked at it */
  by: string[]
  calls: number
  bytes: number
}

/**
 * What of all that was asked and said was looked at by what, and what was not. With `--require-full`
 * the status is 1 where anything passed that nothing had looked at.
 *
 * @throws SekishoError USAGE, or when the log cannot be read
 */
export async function llmCoverage(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const flags = { 'require-full': { type: 'boolean', default: false } } as const
  const { filter, session, values } = parseCalls(usage, argv, flags)
  await recordReading(
    { what: 'query', query: ['llm', 'coverage', ...argv], log: values['log'] },
    terminal,
  )
  const sum = new CoverageSum()
  await withIndex(placeOf(values), terminal, (index) => {
    for (const { call } of callsIn(index, filter)) sum.add(call)
  })
  const rows = sum.rows()
  if (values['json'] === true) terminal.out(jsonLine({ calls: sum.calls, rows }))
  else for (const line of tell(rows, sum.calls)) terminal.out(printable(line))
  if (sum.calls === 0 && session !== undefined) {
    terminal.err(`the log has no model call of ${session}: see \`sekisho llm calls\``)
    return 1
  }
  const unseen = rows.some(({ did, bytes }) => did !== 'inspected' && bytes > 0)
  return unseen && values['require-full'] === true ? 1 : 0
}

/** Sums what the leaves of calls say of what was looked at. */
export class CoverageSum {
  readonly #rows = new Map<string, CoverageRow>()
  calls = 0

  add({ api, coverage }: Pick<StoredLlmCall, 'api' | 'coverage'>): void {
    this.calls += 1
    for (const { part, did, by, bytes } of coverage) {
      const key = JSON.stringify([api, part, did, by])
      const row = this.#rows.get(key) ?? { api, part, did, by, calls: 0, bytes: 0 }
      row.calls += 1
      row.bytes += bytes
      this.#rows.set(key, row)
    }
  }

  /** By format; in each what nothing has looked at first, and of that the most. */
  rows(): CoverageRow[] {
    const rank = { unsupported: 0, passed: 1, inspected: 2 } as const
    return [...this.#rows.values()].toSorted(
      (a, b) =>
        a.api.localeCompare(b.api) ||
        rank[a.did] - rank[b.did] ||
        b.bytes - a.bytes ||
        a.part.localeCompare(b.part),
    )
  }
}

function tell(rows: readonly CoverageRow[], calls: number): string[] {
  const cells = rows.map(({ api, part, did, by, ...counts }) => [
    api,
    part,
    did,
    String(counts.calls),
    String(counts.bytes),
    by.join(', '),
  ])
  const total = rows.reduce((sum, { bytes }) => sum + bytes, 0)
  const seen = rows.reduce((sum, { did, bytes }) => sum + (did === 'inspected' ? bytes : 0), 0)
  return [
    ...table([['FORMAT', 'PART', 'WAS', 'CALLS', 'BYTES', 'BY'], ...cells]),
    `${calls} calls, ${total} bytes, of which ${seen} were inspected (${percent(seen, total)})`,
  ]
}

/** Rounded down: nothing short of all is 100 %. */
function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${Math.floor((part / whole) * 1000) / 10} %`
}
