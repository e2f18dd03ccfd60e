import { canonicalJson } from '../../../core/canonical-json.ts'
import { toSekishoError } from '../../../core/error.ts'
import type { FilterLook, LlmFilter } from '../../../wire/llm.ts'
import type { FilterText } from './content-filter.ts'
import { type Asked, type FilterVerdict, verdictOf } from './filter-verdict.ts'
import { LookedAt } from './looked-at.ts'
import { type FilterPost, openServiceFilter } from './service-filter.ts'

export type SessionFiltersParts = {
  /** of the bundle in force */
  settings: () => readonly LlmFilter[]
  post: FilterPost
  /** ms, rising */
  elapsedMs: () => number
}

/** What was said of one side of a call. */
export type FiltersSaid = FilterVerdict & {
  /** The call may leave, by whosever yes: what was asked about is not asked about again. */
  accept(): void
}

type Answer = { said: Asked; remember: () => void }

type Question = { filter: LlmFilter; side: FilterLook['side']; texts: readonly FilterText[] }

/**
 * Somebody else's filters, asked about the calls of one session. All at once, each in its time;
 * whatever becomes of that, there is an answer, and it permits nothing.
 */
export class SessionFilters {
  readonly #parts: SessionFiltersParts
  /** by the filter's settings: with others it is asked anew */
  #known = new Map<string, LookedAt>()

  constructor(parts: SessionFiltersParts) {
    this.#parts = parts
  }

  /** whether anybody is asked about requests */
  get isAskedBefore(): boolean {
    return this.#filters('request').length > 0
  }

  /** whether anybody is asked about replies */
  get isAskedAfter(): boolean {
    return this.#filters('reply').length > 0
  }

  /** whether nothing of a reply may pass before all of it has been looked at */
  get keepsReplies(): boolean {
    return this.#filters('reply').some(
      ({ onMatch, onFailure }) => onMatch === 'deny' || onFailure === 'deny',
    )
  }

  /**
   * Never rejects.
   *
   * @param texts null where nobody can read them, so that no filter has looked
   * @param signal nobody waits for the answer any more
   */
  async look(
    side: FilterLook['side'],
    texts: readonly FilterText[] | null,
    signal: AbortSignal,
  ): Promise<FiltersSaid> {
    const filters = this.#filters(side)
    this.#forgetOthers()
    const asked =
      texts === null
        ? filters.map((filter) => unread(filter, side))
        : await Promise.all(filters.map((filter) => this.#ask({ filter, side, texts }, signal)))
    const verdict = verdictOf(asked.map(({ said }) => said))
    const accept = (): void => {
      for (const { remember } of asked) remember()
    }
    // what is refused or held is asked about again, until somebody has said yes
    if (verdict.refusal === undefined && verdict.hold === undefined) accept()
    return { ...verdict, accept }
  }

  async #ask({ filter, side, texts }: Question, signal: AbortSignal): Promise<Answer> {
    const { post, elapsedMs } = this.#parts
    const service = openServiceFilter(filter, post)
    const known = this.#knownOf(filter)
    const all = texts.filter(({ channel, text }) => service.isFor(channel) && text !== '')
    const fresh = all.filter((text) => !known.has(text))
    const bytes = bytesOf(fresh)
    const startMs = elapsedMs()
    const told = (): Omit<FilterLook, 'said' | 'questions'> => ({
      filter: filter.id,
      side,
      bytes,
      knownBytes: bytesOf(all) - bytes,
      durationMs: Math.max(0, Math.round(elapsedMs() - startMs)),
    })
    try {
      const { findings, questions } = await service.look(fresh, signal)
      const said = findings.length === 0 ? 'nothing' : 'found'
      const remember = (): void => known.add(fresh)
      return { said: { filter, look: { ...told(), questions, said }, findings }, remember }
    } catch (thrown) {
      const why = toSekishoError(thrown).message.slice(0, 512).toWellFormed()
      const look: FilterLook = { ...told(), questions: 0, said: 'failed', why }
      return { said: { filter, look, findings: [] }, remember: () => undefined }
    }
  }

  #filters(side: FilterLook['side']): readonly LlmFilter[] {
    return this.#parts
      .settings()
      .filter(({ channels }) => channels.some((each) => (each === 'reply') === (side === 'reply')))
  }

  #knownOf(filter: LlmFilter): LookedAt {
    const key = canonicalJson(filter)
    const known = this.#known.get(key) ?? new LookedAt()
    this.#known.set(key, known)
    return known
  }

  /** Of a filter that is not set any more, or not so. */
  #forgetOthers(): void {
    const set = new Set(this.#parts.settings().map(canonicalJson))
    for (const key of this.#known.keys()) if (!set.has(key)) this.#known.delete(key)
  }
}

function unread(filter: LlmFilter, side: FilterLook['side']): Answer {
  const asked = { bytes: 0, knownBytes: 0, questions: 0, durationMs: 0 }
  const why = 'nobody here can read what such a request says'
  const look: FilterLook = { filter: filter.id, side, ...asked, said: 'failed', why }
  return { said: { filter, look, findings: [] }, remember: () => undefined }
}

function bytesOf(texts: readonly FilterText[]): number {
  return texts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
}
