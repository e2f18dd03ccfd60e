import { readLeaves } from '@sekisho/verify'
import { LeafReader, type LoggedLeaf } from '../policy-text/trial/logged-leaf.ts'
import { logDirectory, unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'
import { enterOwnNamespace } from './own-namespace.ts'
import { terminal } from './terminal.ts'

/**
 * The decisions of a log, oldest first, each with the session that it is of.
 *
 * @param given a log's directory; the instance's own when undefined
 * @throws SekishoError when the log cannot be read
 */
export async function* loggedActions(
  given: string | undefined,
  session?: string,
): AsyncGenerator<LoggedLeaf> {
  if (given === undefined) enterOwnNamespace(process.env) // the log is not the ordinary user's
  await recordReading({ what: 'show', query: process.argv.slice(2), log: given }, terminal)
  const directory = given ?? logDirectory()
  const reader = new LeafReader()
  try {
    for await (const { index, leaf } of readLeaves(directory, { session })) {
      const read = reader.read(index, leaf)
      if (read !== undefined) yield read
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
}
