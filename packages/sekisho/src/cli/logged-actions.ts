import { type IndexedLeaf, readLeaves } from '@sekisho/verify'
import { LeafInput } from '../wire/leaves.ts'
import type { LoggedAction } from '../policy-text/trial/replay.ts'
import { logDirectory, unreadable } from './log.ts'
import { enterOwnNamespace } from './own-namespace.ts'

/** A leaf of a decision, or one that this version does not read. */
export type LoggedLeaf =
  | { kind: 'action'; logged: LoggedAction }
  | { kind: 'unreadable'; index: number }

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
  const directory = given ?? logDirectory()
  const sessions = new Map<string, Started>()
  try {
    for await (const entry of readLeaves(directory, { session })) {
      const read = readEntry(entry, sessions)
      if (read !== undefined) yield read
    }
  } catch (error) {
    throw unreadable(directory, error)
  }
}

/** Of a session's start. */
type Started = Pick<LoggedAction, 'agent' | 'phase' | 'uid'>

function readEntry(
  { index, leaf: { v: _version, at, ...leaf } }: IndexedLeaf,
  sessions: Map<string, Started>,
): LoggedLeaf | undefined {
  const { type } = leaf
  if (type !== 'session.start' && type !== 'session.end' && type !== 'action.intent')
    return undefined
  const parsed = LeafInput.safeParse(leaf)
  if (!parsed.success) return { kind: 'unreadable', index }
  const { data } = parsed
  if (data.type === 'session.start') {
    const { agent, phase = 'agent', initiator } = data
    sessions.set(data.session, { agent, phase, uid: initiator.uid })
  }
  if (data.type !== 'action.intent') return undefined
  const started = sessions.get(data.session)
  if (started === undefined) return { kind: 'unreadable', index }
  return {
    kind: 'action',
    logged: { index, leaf: data, ...started, atMs: Date.parse(String(at)) },
  }
}
