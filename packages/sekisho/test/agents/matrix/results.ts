import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import * as z from 'zod'
import { SCENARIO_IDS, SCENARIOS } from './scenarios.ts'

const FILE = resolve(import.meta.dirname, '../../../../../.runtime/results/agent-matrix.json')

const Result = z.strictObject({
  faults: z.array(z.string()),
  /** that reached the provider */
  calls: z.int(),
  tookMs: z.number(),
})
export type Result = z.infer<typeof Result>

const Results = z.strictObject({
  rows: z.array(
    z.strictObject({ client: z.string(), cells: z.record(z.enum(SCENARIO_IDS), Result) }),
  ),
  /** clients that were not run */
  skipped: z.array(z.string()),
})
export type Results = z.infer<typeof Results>

export function writeResults(results: Results): void {
  mkdirSync(dirname(FILE), { recursive: true })
  writeFileSync(FILE, JSON.stringify(results))
}

/** @throws when no matrix has been run */
export function readResults(): Results {
  return Results.parse(JSON.parse(readFileSync(FILE, 'utf8')))
}

/** Clients downwards, scenarios across; faults below, and what was not run. */
export function matrixTable({ rows, skipped }: Results): string {
  const head = ['', ...SCENARIO_IDS.map((id) => SCENARIOS[id].title)]
  const body = rows.map(({ client, cells }) => [
    client,
    ...SCENARIO_IDS.map((id) => cellText(cells[id])),
  ])
  const widths = head.map((_, column) =>
    Math.max(...[head, ...body].map((row) => row[column]?.length ?? 0)),
  )
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  const faults = rows.flatMap(({ client, cells }) =>
    SCENARIO_IDS.flatMap((id) =>
      cells[id].faults.map((fault) => `✗ ${client}, ${SCENARIOS[id].title}: ${fault}`),
    ),
  )
  const left = skipped.length === 0 ? [] : [`not run without --all: ${skipped.join(', ')}`]
  return `${[line(head), ...body.map(line), ...faults, ...left].join('\n')}\n`
}

function cellText({ faults, calls, tookMs }: Result): string {
  const verdict = faults.length === 0 ? 'ok' : 'FAILED'
  return `${verdict}, ${calls} call${calls === 1 ? '' : 's'}, ${(tookMs / 1000).toFixed(0)} s`
}
