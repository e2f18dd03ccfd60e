import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { explainReadError } from '../sandbox/disk-image.ts'
import { applyWorkspace, type ApplyResult } from '../sandbox/workspace-apply.ts'
import { type Change, diffWorkspace, type Layers } from '../sandbox/workspace-diff.ts'
import { type Risk, riskOf } from '../sandbox/workspace-risk.ts'
import { changeText } from '../sandbox/workspace-text.ts'
import type { Paths } from './paths.ts'
import { type OpenedChanges, openChanges, whereChangesAre } from './open-changes.ts'
import { readSessionRecord, type SessionRecord } from './session-record.ts'

export type { ApplyResult }
export type RatedChange = Change & { risk: Risk }

/** What a session changed in the user's directory, and taking it over. */
export class SessionChanges {
  readonly #layers: Layers
  readonly #startedAtMs: number

  private constructor(workspace: string, startedAt: string, { upper }: OpenedChanges) {
    this.#layers = { lower: workspace, upper }
    this.#startedAtMs = Date.parse(startedAt)
  }

  /**
   * Opens a session's changes for as long as `work` takes.
   *
   * @throws SekishoError SESSION_UNKNOWN, WORKSPACE_INVALID for a session without a workspace or
   * with a damaged disk; what `work` throws
   */
  static async use<Result>(
    { sessions }: Paths,
    session: string,
    work: (changes: SessionChanges) => Promise<Result>,
  ): Promise<Result> {
    const record = readSessionRecord(sessions, session)
    const workspace = workspaceOf(record, whereChangesAre(sessions, record.session))
    const opened = openChanges(sessions, record.session)
    try {
      return await work(new SessionChanges(workspace, record.startedAt, opened))
    } catch (error) {
      throw explainReadError(join(sessions, record.session), error)
    } finally {
      opened.close()
    }
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

function workspaceOf({ session, workspace }: SessionRecord, where: string): string {
  if (workspace === null) {
    throw new SekishoError('WORKSPACE_INVALID', `${session} ran without --workspace`, {
      hint: `to see its files, ${where}`,
    })
  }
  if (existsSync(workspace)) return workspace
  throw new SekishoError('WORKSPACE_INVALID', `${workspace} is not there any more`, {
    hint: `to see the session's changes, ${where}`,
  })
}
