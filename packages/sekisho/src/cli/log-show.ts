import { type IndexedLeaf, readLeaves } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { SessionId } from '../wire/schemas.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { jsonLine } from './json-line.ts'
import { describeLeaf } from './leaf-text.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { printable } from './terminal.ts'

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
  const session = typeof values['session'] === 'string' ? sessionIdOf(values['session']) : undefined
  const isJson = values['json'] === true
  await recordReading({ what: 'show', query: argv }, terminal)
  return showLeaves({ session, isDeniedOnly: values['denied'] === true, isJson }, terminal)
}

/** @throws SekishoError USAGE for what can be no session */
export function sessionIdOf(text: string): string {
  if (SessionId.safeParse(text).success) return text
  throw new SekishoError('USAGE', `${printable(text)} is no session id`, {
    hint: 's- and 20 characters, as `sekisho ps` and `sekisho log query --type session.start` print it',
  })
}

/**
 * @returns the exit status: 1 for a session of which there is no leaf
 * @throws SekishoError when the log cannot be read
 */
export async function showLeaves(
  wanted: { session: string | undefined; isDeniedOnly: boolean; isJson: boolean },
  terminal: Terminal,
): Promise<number> {
  const directory = logDirectory()
  let read = 0
  try {
    for await (const entry of readLeaves(directory, { session: wanted.session })) {
      read += 1
      if (wanted.isDeniedOnly && !isDenied(entry)) continue
      terminal.out(wanted.isJson ? jsonLine(entry) : describeLeaf(entry))
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  if (read > 0 || wanted.session === undefined) return 0
  terminal.err(
    `the log knows no session ${wanted.session}: see \`sekisho log query --type session.start\``,
  )
  return 1
}

function isDenied({ leaf }: IndexedLeaf): boolean {
  const verdict = leaf['verdict']
  return typeof verdict === 'object' && verdict !== null && Reflect.get(verdict, 'kind') === 'deny'
}
