import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import {
  type Commit,
  type CommitOptions,
  readCommits,
  writeBundle,
} from '../sandbox/commit-bundle.ts'
import { explainReadError } from '../sandbox/disk-image.ts'
import { applyWorkspace, type ApplyResult } from '../sandbox/workspace-apply.ts'
import { type Change, diffWorkspace, type Layers } from '../sandbox/workspace-diff.ts'
import { type Risk, riskOf } from '../sandbox/workspace-risk.ts'
import { changeText } from '../sandbox/workspace-text.ts'
import { UIDS } from './identities.ts'
import { type OpenedChanges, openEndedChanges, whereChangesAre } from './open-changes.ts'
import type { Paths } from './paths.ts'
import { cloneOf, readSessionRecord, type SessionRecord } from './session-record.ts'

export type { ApplyResult, Commit }
export type RatedChange = Change & { risk: Risk }

/** What a session changed in the user's directory, and taking it over. */
export class SessionChanges {
  readonly #record: SessionRecord
  readonly #layers: Layers
  /** null where the session worked in the user's own directory */
  readonly #commits: CommitOptions | null

  private constructor(sessions: string, record: SessionRecord, opened: OpenedChanges) {
    const { upper } = opened
    const { session } = record
    const clone = cloneOf(sessions, session)
    this.#record = record
    this.#layers = {
      lower: clone ?? workspaceOf(record, whereChangesAre(sessions, session)),
      upper,
    }
    const directory = join(sessions, session)
    this.#commits = clone === undefined ? null : { clone, upper, directory, owner: UIDS.importer }
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
    workspaceOf(record, whereChangesAre(sessions, record.session))
    const opened = await openEndedChanges(sessions, record.session)
    try {
      return await work(new SessionChanges(sessions, record, opened))
    } catch (error) {
      throw explainReadError(join(sessions, record.session), error)
    } finally {
      opened.close()
    }
  }

  /** Of a clone without its repository, which {@link commits} tell of. */
  async list(): Promise<{
    changes: RatedChange[]
    unreadable: readonly { path: string; reason: string }[]
  }> {
    const { changes, unreadable } = await diffWorkspace(this.#layers)
    const shown = this.#commits === null ? changes : changes.filter(isNoRepository)
    const areas = this.#areas
    return {
      changes: shown.map((change) => ({ ...change, risk: riskOf(change, areas) })),
      unreadable,
    }
  }

  /** As `git diff` prints it; control characters of the contents are the reader's to escape. */
  textOf(change: Change): Promise<string> {
    return changeText(this.#layers, change)
  }

  /** Newest first, at most 1,000; null where the session did not work in a clone. */
  async commits(): Promise<Commit[] | null> {
    return this.#commits === null ? null : readCommits(this.#commits)
  }

  /**
   * Writes a clone's new commits into a file that `git fetch` reads.
   *
   * @throws SekishoError USAGE for a session over the user's own directory, WORKSPACE_INVALID when
   * there is none or the file exists
   */
  async bundle(file: string): Promise<void> {
    if (this.#commits !== null) return writeBundle(this.#commits, file)
    throw new SekishoError('USAGE', 'this session worked on your directory, not in a clone of it', {
      hint: 'leave --bundle out',
    })
  }

  /** @throws SekishoError WORKSPACE_INVALID for a clone, whose files may not be what the user has */
  async apply(options: {
    paths: readonly string[] | null
    includeConfig: boolean
    force: boolean
  }): Promise<ApplyResult> {
    if (this.#commits !== null) {
      throw new SekishoError('WORKSPACE_INVALID', 'this session worked in a clone', {
        hint: 'take its commits with `sekisho apply SESSION --bundle FILE`, then `git fetch FILE`',
      })
    }
    const { startedAt, changesSince = startedAt } = this.#record
    const startedAtMs = Date.parse(changesSince)
    return applyWorkspace({ ...this.#layers, startedAtMs, areas: this.#areas, ...options })
  }

  get #areas(): readonly string[] {
    return this.#record.readOnly ?? []
  }
}

function isNoRepository({ path }: Change): boolean {
  return path !== '.git' && !path.startsWith('.git/')
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
