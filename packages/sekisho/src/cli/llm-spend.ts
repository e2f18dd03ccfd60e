import { formatAmount } from '../budget/refusal.ts'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { EVERY_LEAF, type Filter } from '../search/filter.ts'
import { api } from '../wire/api.ts'
import type { BudgetStatus } from '../wire/spend.ts'
import { connect } from './client.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { parseFilter, unknownValues } from './log-filter.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import {
  SPEND_GROUPS,
  SPEND_HEADINGS,
  type SpendGroup,
  spendCells,
  SpendTally,
  sumOf,
} from './spend-tally.ts'
import { printable, table } from './terminal.ts'

/** Who comes first under his own name where nothing else is asked for. */
const USUAL: SpendGroup = 'model'

/**
 * What calls of models have come to, from their leaves.
 *
 * @throws SekishoError USAGE, or when the log cannot be read
 */
export async function llmSpend(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const flags = {
    by: { type: 'string' },
    log: { type: 'string' },
    index: { type: 'string' },
  } as const
  const { filter, values } = parseFilter(usage, argv, { nowMs: Date.now(), flags })
  const group = groupOf(values['by'], usage)
  await recordReading(
    { what: 'query', query: ['llm', 'spend', ...argv], log: values['log'] },
    terminal,
  )
  const tally = new SpendTally(group)
  await withIndex(placeOf(values), terminal, (index) => {
    for (const line of unknownValues(filter, index)) terminal.err(line)
    for (const { leaf } of index.find(only('session.start', EVERY_LEAF))) tally.addStart(leaf)
    for (const entry of index.find(only('llm.call', filter))) tally.addCall(entry)
  })
  const rows = tally.rows()
  const sum = sumOf(rows)
  if (values['json'] === true) {
    terminal.out(jsonLine({ by: group, rows, sum }))
    return 0
  }
  const lines = [...rows, ...(rows.length > 1 ? [sum] : [])].map(spendCells)
  for (const line of table([[group.toUpperCase(), ...SPEND_HEADINGS], ...lines])) {
    terminal.out(printable(line).trimEnd())
  }
  return 0
}

function only(type: string, filter: Filter): Filter {
  return { ...filter, facets: new Map([...filter.facets, ['type', [type]]]) }
}

function groupOf(value: unknown, usage: string): SpendGroup {
  const group = SPEND_GROUPS.find((known) => known === (value ?? USUAL))
  if (group !== undefined) return group
  throw new SekishoError('USAGE', `--by is one of ${SPEND_GROUPS.join(', ')}`, {
    hint: `usage: ${usage}`,
  })
}

/**
 * How everybody stands who has spent anything under a budget, as control counts it.
 *
 * @throws SekishoError DAEMON_UNREACHABLE, USAGE
 */
export async function llmBudgets(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  noPositional(usage, positionals)
  const peer = await connect(pathsFrom(process.env).apiSocket, api)
  const { budgets } = await peer.call('llm.budgets', {}).finally(() => peer.close())
  if (values['json'] === true) {
    terminal.out(jsonLine({ budgets }))
    return 0
  }
  const headings = ['BUDGET', 'PER', 'OF', 'TAKEN', 'IN FLIGHT', 'MAX', 'STATE']
  for (const line of table([headings, ...budgets.map(cellsOf)])) {
    terminal.out(printable(line).trimEnd())
  }
  return 0
}

function cellsOf({ budget, per, subject, ...status }: BudgetStatus): string[] {
  const { measure, taken, inFlight, max } = status
  const amounts = [taken, inFlight, max].map((amount) => formatAmount(measure, amount))
  return [budget, per, subject, ...amounts, describeState(status)]
}

function describeState({ breaker, untilMs }: Pick<BudgetStatus, 'breaker' | 'untilMs'>): string {
  if (breaker !== 'open') return breaker === 'closed' ? '' : 'one call tries'
  return untilMs === null ? 'exhausted' : `exhausted until ${new Date(untilMs).toISOString()}`
}
