import type { RecordedFinding } from '../../../core/finding.ts'
import type { Deny } from '../../../core/verdict.ts'
import type { Clear, Exchange, SessionLabels, Stopped } from '../../../flow/ports.ts'
import type { ChannelText, ProposedCall, TextFilter } from '../../../llm/format.ts'
import { readModelRequest } from '../../../llm/request/read-request.ts'
import type { ModelRoute } from '../../../llm/routes.ts'
import type { FilterLook } from '../../../wire/llm.ts'
import { callText } from './call-text.ts'
import type { FilterText } from './content-filter.ts'
import { tightened } from './filter-verdict.ts'
import type { FiltersSaid, SessionFilters } from './session-filters.ts'

/** In one reply, on record. */
const MAX_FINDINGS = 64

type Consult = NonNullable<Exchange['consult']>

/** What somebody else's filters are asked about one call, and what has come of it. */
export class CallFilters {
  /** whether nothing of the reply may pass before all of it has been looked at */
  readonly keepsReply: boolean
  readonly #filters: SessionFilters
  readonly #labels: SessionLabels
  readonly #texts = new Map<string, string[]>()
  /** nobody waits for what is said of the request any more */
  readonly #gone = new AbortController()
  #request: FiltersSaid | undefined
  #reply: Promise<FiltersSaid> | undefined
  #replySaid: FiltersSaid | undefined
  #callsSaid: FiltersSaid[] = []

  constructor(filters: SessionFilters, labels: SessionLabels) {
    this.#filters = filters
    this.#labels = labels
    this.keepsReply = filters.keepsReplies
  }

  get looks(): readonly FilterLook[] {
    return [...(this.#request?.looks ?? []), ...joinLooks(this.#repliesSaid)]
  }

  /** in texts of the reply */
  get findings(): readonly RecordedFinding[] {
    return this.#repliesSaid.flatMap(({ findings }) => findings).slice(0, MAX_FINDINGS)
  }

  /** of those that have looked */
  get names(): { request: readonly string[]; reply: readonly string[] } {
    const of = (said: FiltersSaid | undefined): string[] =>
      (said?.looks ?? [])
        .filter((look) => look.said !== 'failed' && look.bytes + look.knownBytes > 0)
        .map(({ filter }) => `filter:${filter}`)
    return { request: of(this.#request), reply: [...new Set(this.#repliesSaid.flatMap(of))] }
  }

  get #repliesSaid(): readonly FiltersSaid[] {
    return [...this.#callsSaid, ...(this.#replySaid === undefined ? [] : [this.#replySaid])]
  }

  /** whether nobody is left to be asked about the request */
  get isAsked(): boolean {
    return this.#request !== undefined || !this.#filters.isAskedBefore
  }

  /** The client has gone away. */
  giveUp(): void {
    this.#gone.abort()
  }

  /** Asks about a request that is allowed so far. @param texts null where nobody can read them */
  async tighten(
    clear: Clear,
    texts: () => readonly ChannelText[] | null,
  ): Promise<Clear | Stopped> {
    if (!this.#filters.isAskedBefore) return clear
    const said = await this.#filters.look('request', texts(), this.#gone.signal)
    this.#request = said
    this.#raise(said)
    return tightened(clear, said)
  }

  /** The call may leave. */
  accept(): void {
    this.#request?.accept()
  }

  /**
   * Asks about the arguments of a call that a model proposes, before its client has them; undefined
   * where nobody is asked about replies. One call may be several actions, which are asked about once.
   */
  get callConsult(): ((call: ProposedCall) => Consult) | undefined {
    if (!this.#filters.isAskedAfter) return undefined
    return (call) => {
      let said: Promise<FiltersSaid> | undefined
      return async (clear) => {
        said ??= this.#askAboutCall(call)
        return tightened(clear, await said)
      }
    }
  }

  async #askAboutCall(call: ProposedCall): Promise<FiltersSaid> {
    const texts = [{ channel: 'reply', text: callText(call) } as const]
    const said = await this.#filters.look('reply', texts, this.#gone.signal)
    this.#callsSaid.push(said)
    this.#raise(said)
    return said
  }

  /** The same filter, with what it lets pass kept for whoever is asked about it. */
  gathering(inner: TextFilter): TextFilter {
    if (!this.#filters.isAskedAfter) return inner
    const keep = (stream: string, text: string): string => {
      const kept = this.#texts.get(stream)
      if (text !== '' && kept !== undefined) kept.push(text)
      else if (text !== '') this.#texts.set(stream, [text])
      return text
    }
    return {
      push: (stream, text) => keep(stream, inner.push(stream, text)),
      end: (stream) => keep(stream, inner.end(stream)),
    }
  }

  /** Asks about all of the reply's texts, once. @returns why it may not pass */
  async lookAtReply(): Promise<Deny | undefined> {
    if (!this.#filters.isAskedAfter) return undefined
    this.#reply ??= this.#askAboutReply()
    return (await this.#reply).refusal
  }

  async #askAboutReply(): Promise<FiltersSaid> {
    const texts = [...this.#texts.values()].map(
      (pieces): FilterText => ({ channel: 'reply', text: pieces.join('') }),
    )
    const said = await this.#filters.look('reply', texts, new AbortController().signal)
    this.#replySaid = said
    this.#raise(said)
    return said
  }

  #raise({ raises }: FiltersSaid): void {
    for (const what of raises) {
      const label = { ...this.#labels.label, integrity: 'untrusted' as const }
      this.#labels.raise({ what, label })
    }
  }
}

/** Of each filter one, for its text and for each of its calls. */
function joinLooks(said: readonly FiltersSaid[]): FilterLook[] {
  const joined = new Map<string, FilterLook>()
  for (const look of said.flatMap(({ looks }) => looks)) {
    const before = joined.get(look.filter)
    joined.set(look.filter, before === undefined ? look : joinLook(before, look))
  }
  return [...joined.values()]
}

const WORSE: readonly FilterLook['said'][] = ['nothing', 'found', 'failed']

function joinLook(a: FilterLook, b: FilterLook): FilterLook {
  const why = a.why ?? b.why
  return {
    ...a,
    bytes: a.bytes + b.bytes,
    knownBytes: a.knownBytes + b.knownBytes,
    questions: a.questions + b.questions,
    said: WORSE.indexOf(a.said) >= WORSE.indexOf(b.said) ? a.said : b.said,
    ...(why === undefined ? {} : { why }),
    durationMs: a.durationMs + b.durationMs,
  }
}

/** Gemini wraps what it counts in other ways than what it answers. */
const COUNTED: ReadonlySet<ModelRoute['api']> = new Set(['messages', 'responses'])

/**
 * Texts of a request for no reply: what it says is with the provider all the same. Read by itself:
 * what is counted is fresh to the other looks when a model is asked.
 *
 * @param body in the clear; undefined where nobody can read it
 */
export function countedTexts(
  route: ModelRoute,
  body: Buffer | undefined,
): readonly ChannelText[] | null {
  if (body === undefined || route.operation !== 'count-tokens') return null
  if (!COUNTED.has(route.api)) return null
  const read = readModelRequest(route, body)
  return read.kind === 'malformed' ? null : read.texts
}
