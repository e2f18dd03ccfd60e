import { readLeaves } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { StoredTranscript } from '../wire/audit-leaves.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { readKept } from './kept-content.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { printable, table } from './terminal.ts'

export type Transcript = StoredTranscript & { index: number }

/** The agents' own logs of a session: a list, or one of them as the agent wrote it. */
export async function transcripts(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, { show: { type: 'string' } })
  const session = onePositional(usage, positionals)
  await recordReading({ what: 'transcript', query: argv }, terminal)
  const found = await transcriptsOf(session)
  const { show } = values
  if (typeof show === 'string') return showOne(found, show, terminal)
  if (values['json'] === true) {
    for (const one of found) terminal.out(JSON.stringify(one))
    return 0
  }
  terminal.err('these are the agents’ own claims; nobody has checked them')
  const rows = found.map(({ index, client, path, bytes, truncated, reason }) => {
    const state = reason === null ? (truncated ? 'beginning kept' : 'kept') : `lost: ${reason}`
    return [String(index), printable(client), printable(path), String(bytes), printable(state)]
  })
  for (const line of table([['LEAF', 'CLIENT', 'PATH', 'BYTES', 'STATE'], ...rows])) {
    terminal.out(line)
  }
  return 0
}

/** @throws SekishoError SESSION_UNKNOWN where none was collected */
export async function transcriptsOf(session: string): Promise<Transcript[]> {
  const directory = logDirectory()
  const found: Transcript[] = []
  try {
    const types = ['transcript.collected']
    for await (const { index, leaf } of readLeaves(directory, { session, types })) {
      found.push({ ...StoredTranscript.parse(leaf), index })
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
  if (found.length > 0) return found
  throw new SekishoError(
    'SESSION_UNKNOWN',
    `no transcript of ${printable(session)} is in the log`,
    {
      hint: 'they are collected when a session has ended, of clients that write one',
    },
  )
}

async function showOne(
  found: readonly Transcript[],
  wanted: string,
  terminal: Terminal,
): Promise<number> {
  const one = found.find(({ index }) => String(index) === wanted)
  if (one === undefined) {
    throw new SekishoError('USAGE', `no transcript has the leaf ${printable(wanted)}`, {
      hint: 'give a number of the column LEAF',
    })
  }
  const { session, digest, reason } = one
  if (digest === null) throw new SekishoError('CONTENT_LOST', reason ?? 'it was not kept')
  const content = await readKept({ session, digest, what: 'transcript' })
  for (const line of content.toString('utf8').split('\n')) terminal.out(printable(line))
  return 0
}
