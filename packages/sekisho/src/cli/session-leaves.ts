import type { IndexedLeaf } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import { suggest } from '../policy/nearest.ts'
import { EVERY_LEAF, type Filter } from '../search/filter.ts'
import type { LogIndex } from '../search/log-index.ts'
import { printable } from './terminal.ts'

export function ofSession(session: string): Filter {
  return { ...EVERY_LEAF, facets: new Map([['session', [session]]]) }
}

/**
 * The leaves of one session, oldest first, one at a time.
 *
 * @throws SekishoError SESSION_UNKNOWN for one that the log has no leaf of
 */
export function leavesOfSession(index: LogIndex, session: string): Generator<IndexedLeaf> {
  if (!session.includes('*') && index.knows('session', session)) {
    return index.find(ofSession(session))
  }
  throw new SekishoError('SESSION_UNKNOWN', `the log knows no session ${printable(session)}`, {
    hint: suggest(
      session,
      index.valuesOf('session', 's-*').slice(-10_000),
      'run `sekisho log query --type session.start`',
    ),
  })
}
