import { type NoteVerifier, openNoteOf, parseVkey } from '@sekisho/verify'
import { SekishoError, toSekishoError } from '../../core/error.ts'
import type { WitnessConfig, Witnessing, WitnessStatus } from '../../wire/witness.ts'
import type { CosignedNotes } from './cosigned-notes.ts'
import type { LogProofs } from './log-proofs.ts'
import type { Post } from './post.ts'
import { shownBy } from './shown-by.ts'
import {
  afterGrowth,
  afterNothing,
  afterOutcome,
  delayMs,
  initialStanding,
  isCurrent,
  type Standing,
} from './standing.ts'
import { type LogView, notContinued, type Outcome, submit, type Tree } from './submit.ts'

export type RefusedLeaf = {
  type: 'witness.refused'
  witness: string
  operator: string
  reason: 'fork' | 'rollback' | 'bad-proof' | 'unreachable' | 'refused'
  size: number
  detail: string
}

export type ClientParts = {
  witness: WitnessConfig
  bounds: Pick<Witnessing, 'everyMs' | 'lagMs'>
  logKeys: readonly NoteVerifier[]
  notes: CosignedNotes
  /** reads the log; a new one after a failure, which may have remembered what is not there any more */
  proofs: () => LogProofs
  post: Post
  now: () => Date
  /** monotonic */
  elapsedMs: () => number
  record: (leaf: RefusedLeaf) => Promise<unknown>
  say: (line: string) => void
}

/** Keeps one witness up to date. One call at a time. */
export class WitnessClient {
  readonly #parts: ClientParts
  readonly #keys: readonly NoteVerifier[]
  #standing: Standing
  #proofs: LogProofs
  #durable = 0
  #isSure = false

  constructor(parts: ClientParts) {
    const { witness, notes, logKeys } = parts
    this.#parts = parts
    this.#keys = witness.vkeys.map((vkey) => parseVkey(vkey))
    const held = notes.read(witness.name, { log: logKeys, witness: this.#keys })
    this.#standing = initialStanding(held, notes.recorded(witness.name))
    this.#proofs = parts.proofs()
  }

  /** The log has so many durable leaves. */
  grown(durable: number): void {
    this.#durable = durable
    this.#standing = afterGrowth(this.#standing, this.#parts.elapsedMs())
  }

  /**
   * Submits the newest checkpoint, if it is not cosigned yet.
   *
   * @returns ms until it is to be called again; null when there is nothing to do before the log grows
   * @throws Error of the file system, or of who records
   */
  async catchUp(): Promise<number | null> {
    const { bounds } = this.#parts
    const outcome = await this.#attempt()
    if (outcome === 'nothing new') {
      this.#standing = afterNothing(this.#standing)
      return null
    }
    await this.#settle(outcome)
    return outcome.kind === 'cosigned' ? null : delayMs(this.#standing, bounds)
  }

  status(): WitnessStatus {
    const { witness, bounds } = this.#parts
    const { cosigned, trouble } = this.#standing
    const nowMs = this.#parts.elapsedMs()
    return {
      name: witness.name,
      operator: witness.operator,
      cosigned: cosigned?.size ?? null,
      at: cosigned === null ? null : timeOf(cosigned.note, this.#keys),
      isCurrent: isCurrent(this.#standing, { nowMs, lagMs: bounds.lagMs }),
      trouble,
    }
  }

  async #attempt(): Promise<Outcome | 'nothing new'> {
    try {
      return await this.#submit()
    } catch (thrown) {
      if (!(thrown instanceof SekishoError) || thrown.code !== 'LOG_BROKEN') throw thrown
    }
    // what was read before may be of files that were exchanged since: once more, from nothing
    this.#proofs = this.#parts.proofs()
    try {
      return await this.#submit()
    } catch (thrown) {
      const { code, message } = toSekishoError(thrown)
      if (code !== 'LOG_BROKEN') throw thrown
      return {
        kind: 'refused',
        reason: 'fork',
        size: this.#standing.cosigned?.size ?? 0,
        detail: message,
      }
    }
  }

  async #submit(): Promise<Outcome | 'nothing new'> {
    const { witness, post, now } = this.#parts
    const { cosigned } = this.#standing
    const view = await this.#proofs.view(this.#durable)
    if (view === undefined && cosigned === null) return 'nothing new'
    const held = await this.#look()
    const broken = await notContinued(view, held)
    if (broken !== undefined) return broken
    if (view === undefined || isSame(view, cosigned)) return 'nothing new'
    return submit({
      view,
      held,
      witness: this.#keys,
      send: (body) => post(witness.url, body),
      now,
    })
  }

  /** What it has cosigned, as it shows or we hold it; it is looked at until a submission went well. */
  async #look(): Promise<Tree | null> {
    const { witness, logKeys } = this.#parts
    const { cosigned } = this.#standing
    if (this.#isSure) return cosigned
    const shown = await shownBy(witness.url, { log: logKeys, witness: this.#keys })
    return shown !== null && shown.size > (cosigned?.size ?? -1) ? shown : cosigned
  }

  async #settle(outcome: Outcome): Promise<void> {
    const { witness, bounds, notes, record, say, elapsedMs } = this.#parts
    const before = this.#standing
    this.#isSure = outcome.kind === 'cosigned'
    const clock = { nowMs: elapsedMs(), lagMs: bounds.lagMs }
    const { standing, record: news } = afterOutcome(before, outcome, clock)
    // on the disk before anybody counts on it
    if (outcome.kind === 'cosigned') notes.write(witness.name, outcome.tree)
    if (news !== null) {
      const { name, operator } = witness
      const size = 'size' in outcome ? outcome.size : (standing.cosigned?.size ?? 0)
      say(`witness ${name} of ${operator}: ${news.reason}: ${news.detail}`)
      await record({ type: 'witness.refused', witness: name, operator, size, ...news })
    }
    if (standing.recorded !== before.recorded) notes.setRecorded(witness.name, standing.recorded)
    this.#standing = standing
  }
}

function isSame({ tree }: LogView, cosigned: Standing['cosigned']): boolean {
  return cosigned !== null && tree.size === cosigned.size && tree.root.equals(cosigned.root)
}

/** When it cosigned, ISO 8601: of several cosignatures the oldest. */
function timeOf(note: string, keys: readonly NoteVerifier[]): string | null {
  const opened = openNoteOf(note, keys)
  const times = opened.kind === 'opened' ? opened.by.map(({ timeSeconds }) => timeSeconds ?? 0) : []
  return times.length === 0 ? null : new Date(Math.min(...times) * 1000).toISOString()
}
