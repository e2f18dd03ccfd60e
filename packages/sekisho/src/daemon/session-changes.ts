import { existsSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { applyWorkspace, type ApplyResult } from '../sandbox/workspace-apply.ts'
import { type Change, diffWorkspace, type Layers } from '../sandbox/workspace-diff.ts'
import { type Risk, riskOf } from '../sandbox/workspace-risk.ts'
import { changeText } from '../sandbox/workspace-text.ts'
import type { Paths } from './paths.ts'
import { changesOf, readSessionRecord } from './session-record.ts'

export type { ApplyResult }
export type RatedChange = Change & { risk: Risk }

/** What a session changed in the user's directory, and taking it over. */
export class SessionChanges {
  readonly #layers: Layers
  readonly #startedAtMs: number

  /** @throws SekishoError SESSION_UNKNOWN, WORKSPACE_INVALID for a session without a workspace */
  constructor({ sessions }: Paths, session: string) {
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
    this.#layers = { lower: record.workspace, upper }
    this.#startedAtMs = Date.parse(record.startedAt)
  }

  async list(): Promise<{
    changes: RatedChange[]
    unreadable: readonly { path: string; reason: string }[]
  }> {
    const { changes, unreadable } = await diffWorkspace(this.#layers)
    return { changes: changes.map((change) => ({ ...change, risk: riskOf(change) })), unreadable }
  }

  /** As `git diff` prints it; control characters of the contents are the reader's to escape. */
  textOf(change: Change): Promise<string> {
    return changeText(this.#layers, change)
  }

  apply(options: {
    paths: readonly string[] | null
    includeConfig: boolean
    force: boolean
  }): Promise<ApplyResult> {
    return applyWorkspace({ ...this.#layers, startedAtMs: this.#startedAtMs, ...options })
  }
}
