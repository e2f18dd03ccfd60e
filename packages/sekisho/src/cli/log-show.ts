import { type IndexedLeaf, readLeaves } from '@sekisho/verify'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { describeLeaf } from './leaf-text.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'

/** All leaves, oldest first. */
export async function show(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    session: { type: 'string' },
    denied: { type: 'boolean', default: false },
  })
  noPositional(usage, positionals)
  const session = typeof values['session'] === 'string' ? values['session'] : undefined
  const isJson = values['json'] === true
  await recordReading({ what: 'show', query: argv }, terminal)
  await showLeaves({ session, isDeniedOnly: values['denied'] === true, isJson }, terminal)
  return 0
}

/** @returns how many were shown. @throws SekishoError when the log cannot be read */
export async function showLeaves(
  wanted: { session: string | undefined; isDeniedOnly: boolean; isJson: boolean },
  terminal: Terminal,
): Promise<number> {
  const directory = logDirectory()
  let shown = 0
  try {
    for await (const entry of readLeaves(directory, { session: wanted.session })) {
      if (wanted.isDeniedOnly && !isDenied(entry)) continue
      terminal.out(wanted.isJson ? jsonLine(entry) : describeLeaf(entry))
      shown += 1
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  return shown
}

function isDenied({ leaf }: IndexedLeaf): boolean {
  const verdict = leaf['verdict']
  return typeof verdict === 'object' && verdict !== null && Reflect.get(verdict, 'kind') === 'deny'
}
