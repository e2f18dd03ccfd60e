import { existsSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { changesOf, readSessionRecord, type SessionRecord } from '../daemon/session-record.ts'
import type { Layers } from '../sandbox/workspace-diff.ts'

/**
 * A session's record with the user's directory and the layer of changes over it.
 *
 * @throws SekishoError SESSION_UNKNOWN, WORKSPACE_INVALID for a session without a workspace
 */
export function workspaceOf(session: string): { record: SessionRecord; layers: Layers } {
  const { sessions } = pathsFrom(process.env)
  const record = readSessionRecord(sessions, session)
  const upper = changesOf(sessions, record.session)
  if (record.workspace === null) {
    throw new SekishoError('WORKSPACE_INVALID', `${session} ran without --workspace`, {
      hint: `its files are in ${upper}`,
    })
  }
  if (!existsSync(record.workspace)) {
    throw new SekishoError('WORKSPACE_INVALID', `${record.workspace} is not there any more`, {
      hint: `the session's changes are in ${upper}`,
    })
  }
  return { record, layers: { lower: record.workspace, upper } }
}
