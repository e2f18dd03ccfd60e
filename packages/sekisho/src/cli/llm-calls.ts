import type { IndexedLeaf } from '@sekisho/verify'
import { membersOf, textOf } from '../search/leaf-fields.ts'
import type { LogIndex } from '../search/log-index.ts'
import type { Terminal } from './command.ts'
import { jsonLine } from './json-line.ts'
import { describeCost } from './llm-leaf-text.ts'
import { type CallsAsked, ofType, parseCalls, readCall } from './llm-log.ts'
import { placeOf, withIndex } from './log-query.ts'
import { recordReading } from './log-reading.ts'
import { printable, table } from './terminal.ts'

const HEADINGS = [
  'TIME',
  'SESSION',
  'CALL',
  'MODEL',
  'INPUT',
  'CACHE READ',
  'CACHE WRITE',
  'OUTPUT',
  'COST',
  'VERDICT',
  'TOOL CALLS',
]

/** A model call as it was asked for, and what it came to where it was made. */
type Row = { intent: IndexedLeaf; told: IndexedLeaf | undefined }

/**
 * Model calls, oldest first, those that were not allowed with them.
 *
 * @throws SekishoError USAGE, or when the log cannot be read
 */
export async function llmCalls(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const asked = parseCalls(usage, argv)
  const { values } = asked
  await recordReading(
    { what: 'query', query: ['llm', 'calls', ...argv], log: values['log'] },
    terminal,
  )
  return withIndex(placeOf(values), terminal, (index) => {
    const rows = rowsIn(index, asked)
    if (values['json'] === true) for (const row of rows) terminal.out(jsonLine(membersIn(row)))
    else for (const line of tableOf(rows, asked)) terminal.out(printable(line))
    return rows.length === 0 && asked.session !== undefined ? unknown(asked.session, terminal) : 0
  })
}

/** Whose a call is, is said where it can be one of several sessions. */
function tableOf(rows: readonly Row[], { session }: CallsAsked): string[] {
  const lines = [HEADINGS, ...rows.map(cellsOf)]
  const at = HEADINGS.indexOf('SESSION')
  return table(session === undefined ? lines : lines.map((cells) => cells.toSpliced(at, 1)))
}

function unknown(session: string, terminal: Terminal): number {
  terminal.err(`the log has no model call of ${session}: see \`sekisho llm calls\``)
  return 1
}

function rowsIn(index: LogIndex, { filter }: CallsAsked): Row[] {
  const told = new Map<string, IndexedLeaf>()
  for (const entry of index.find(ofType('llm.call', filter))) told.set(keyOf(entry), entry)
  const rows: Row[] = []
  for (const intent of index.find(ofType('action.intent', filter))) {
    if (membersOf(intent.leaf['action'])['kind'] !== 'llm.generate') continue
    rows.push({ intent, told: told.get(keyOf(intent)) })
  }
  return rows
}

function keyOf({ leaf }: IndexedLeaf): string {
  return `${textOf(leaf['session'])} ${textOf(leaf['id'])}`
}

function membersIn({ intent, told }: Row): object {
  return { index: intent.index, intent: intent.leaf, call: told?.leaf ?? null }
}

function cellsOf({ intent: { leaf }, told }: Row): string[] {
  const { provider, model } = membersOf(leaf['action'])
  const verdict = textOf(membersOf(leaf['verdict'])['kind']) ?? '?'
  const head = [
    String(leaf['at']).slice(0, 19).replace('T', ' '),
    String(leaf['session']),
    String(leaf['id']),
    `${String(provider)}:${String(model)}`,
  ]
  const call = told === undefined ? undefined : readCall(told)?.call
  if (call === undefined) return [...head, '', '', '', '', '', verdict, '']
  const { input, cacheRead, cacheWrite, output } = call.counted
  const tokens = [input, cacheRead, cacheWrite, output].map(String)
  return [...head, ...tokens, describeCost(call.microUsd), verdict, toolsOf(call.calls)]
}

/** `2 of 3`: released of those that the model proposed. */
function toolsOf({ proposed, released }: { proposed: number; released: number }): string {
  return proposed === 0 ? '' : `${released} of ${proposed}`
}
