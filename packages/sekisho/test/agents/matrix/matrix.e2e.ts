import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CLIENTS, clientsToRun } from '../clients/all.ts'
import { faultsOf } from './faults.ts'
import { type MatrixRow, runMatrixRow } from './matrix-row.ts'
import { writeResults } from './results.ts'
import { SCENARIO_IDS, SCENARIOS } from './scenarios.ts'

/** Clients at a time; each of them runs once for every scenario, and waits most of the time. */
const AT_ONCE = 2

const clients = clientsToRun()
const rows = new Map<string, MatrixRow | Error>()

beforeAll(async () => {
  const left = [...clients]
  const work = async (): Promise<void> => {
    for (let client = left.shift(); client !== undefined; client = left.shift()) {
      const failed = (error: unknown): Error => new Error(`it did not run: ${String(error)}`)
      rows.set(client.id, await runMatrixRow(client).catch(failed))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}, 1_200_000)

describe.for(clients)('$title', (client) => {
  test.for(SCENARIO_IDS)('a call that is %s', (id) => {
    const row = rows.get(client.id)
    if (row === undefined || row instanceof Error) throw row ?? new Error('it was not run')
    const cell = row.get(id)
    expect(cell === undefined ? ['it was not run'] : faultsOf(client, id, cell)).toEqual([])
  })
})

afterAll(() => {
  const isRun = (id: string): boolean => clients.some((client) => client.id === id)
  writeResults({
    rows: clients.map(({ id, title, ...client }) => ({
      client: title,
      cells: cellsOf(rows.get(id), client),
    })),
    skipped: CLIENTS.filter(({ id }) => !isRun(id)).map(({ title }) => title),
  })
})

function cellsOf(
  row: MatrixRow | Error | undefined,
  client: { sideCalls: number },
): Parameters<typeof writeResults>[0]['rows'][number]['cells'] {
  const of = (id: (typeof SCENARIO_IDS)[number]) => {
    const cell = row instanceof Error ? undefined : row?.get(id)
    if (cell === undefined)
      return { faults: [`${SCENARIOS[id].title}: not run`], calls: 0, tookMs: 0 }
    return { faults: faultsOf(client, id, cell), calls: cell.calls.length, tookMs: cell.tookMs }
  }
  return {
    allowed: of('allowed'),
    denied: of('denied'),
    approved: of('approved'),
    refused: of('refused'),
    exhausted: of('exhausted'),
  }
}
