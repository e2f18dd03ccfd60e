import type { Action } from '../core/action.ts'
import { CLEAN, type Confidentiality, joinLabels, type Label } from '../core/label.ts'
import type { SessionLabels } from '../flow/ports.ts'
import type { LabelSource } from '../wire/labels.ts'

/** Sources that are named; the label is that of all. */
const MAX_SOURCES = 64

/** What a gate that has died had let in is not known any more: the worst that there is is taken. */
function forgotten(worst: Confidentiality): LabelSource {
  const label = { integrity: 'untrusted', confidentiality: worst } as const
  return { what: 'what came in before a gate was restarted', label }
}

export type Begun = {
  begins: readonly LabelSource[]
  /** a gate before this one had the session */
  isResumed: boolean
  /** the most confidential that anything it could read is, internal at least */
  worst: Exclude<Confidentiality, 'public'>
}

export type LabelOf = (host: string) => Label

/**
 * What has come into one session: it only gets worse. A reply counts from the moment that its
 * request leaves, so that no other request can slip out between the two.
 */
export class GateLabels implements SessionLabels {
  readonly #sources: LabelSource[] = []
  readonly #known = new Set<string>()
  readonly #labelOf: LabelOf
  readonly #worse: (label: Label) => void
  #label: Label = CLEAN

  /**
   * @param told.labelOf what the rules in force say of a host
   * @param told.worse called when the label has changed, before anything of the reply is there
   */
  constructor(
    { begins, isResumed, worst }: Begun,
    told: { labelOf: LabelOf; worse: (label: Label) => void },
  ) {
    this.#labelOf = told.labelOf
    this.#worse = told.worse
    for (const source of isResumed ? [...begins, forgotten(worst)] : begins) this.#join(source)
  }

  get label(): Label {
    return this.#label
  }

  get sources(): readonly LabelSource[] {
    return this.#sources
  }

  after(action: Action, credentials: readonly string[]): Label {
    const label = this.#replyLabel(action, credentials)
    return label === undefined ? this.#label : joinLabels(this.#label, label)
  }

  enter(action: Action, credentials: readonly string[]): void {
    const label = this.#replyLabel(action, credentials)
    if (label !== undefined) this.#join({ what: describe(action), label })
  }

  raise(source: LabelSource): void {
    this.#join(source)
  }

  #replyLabel(action: Action, credentials: readonly string[]): Label | undefined {
    if (!('host' in action) || action.host === null) return undefined
    const { integrity, confidentiality } = this.#labelOf(action.host)
    // what is answered to a credential is not for everybody
    const isPrivate = credentials.length > 0 && confidentiality === 'public'
    return { integrity, confidentiality: isPrivate ? 'internal' : confidentiality }
  }

  #join({ what, label }: LabelSource): void {
    const { integrity, confidentiality } = label
    const joined = joinLabels(this.#label, label)
    const isNews =
      joined.integrity !== this.#label.integrity ||
      joined.confidentiality !== this.#label.confidentiality
    // the same object while it is the same label: whoever holds it knows
    if (isNews) this.#label = joined
    // of each host and kind one is named, and always the one that changed something
    const key = `${what} ${integrity} ${confidentiality}`
    if (this.#known.has(key)) return
    if (this.#sources.length >= MAX_SOURCES) {
      if (!isNews) return
      this.#sources.pop()
    }
    this.#known.add(key)
    this.#sources.push({ what, label: { integrity, confidentiality } })
    if (isNews) this.#worse(joined)
  }
}

/** Without path and query, which are the agent's to choose and many. */
function describe(action: Action): string {
  if (action.kind === 'http.request') return `${action.method} ${action.scheme}://${action.host}`
  return 'host' in action ? `${action.kind} ${action.host}` : action.kind
}
