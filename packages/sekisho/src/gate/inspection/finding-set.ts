import type { RecordedFinding } from '../../core/finding.ts'
import { type Deny, deny, type Hold } from '../../core/verdict.ts'
import type { Finding } from '../../detect/egress/finding.ts'
import { treatmentOf } from '../../policy/treatment.ts'
import type { Treatment, Treatments } from '../../wire/policy.ts'

/** Kinds of findings in one leaf; the counts of what is above are in the last of them. */
const MAX_KINDS = 32
export const OTHERS = 'others'
const MAX_PLACE = 96

const DID = {
  record: 'recorded',
  // where there are no tokens, what would have one is covered for good
  tokenize: 'redacted',
  redact: 'redacted',
  hold: 'held',
  deny: 'denied',
} as const satisfies Record<Treatment, RecordedFinding['did']>

export type TreatedBy = { rule: Treatments | undefined; session: Treatments }

/** What detectors found in one request or message, and what is to become of it. */
export class FindingSet {
  readonly #by: TreatedBy
  readonly #kinds = new Map<string, RecordedFinding>()
  #stopping: Deny | Hold | undefined

  constructor(by: TreatedBy) {
    this.#by = by
  }

  /**
   * @param place where the stream stood: `url`, `header cookie`, `body`
   * @param canRedact whether the bytes of this place can be changed; else redacting means denying
   * @returns what becomes of it
   */
  add(finding: Finding, place: string, canRedact: boolean): Treatment {
    const asked = treatmentOf(finding, this.#by)
    const wanted = asked === 'tokenize' ? 'redact' : asked
    const treatment = wanted === 'redact' && !canRedact ? 'deny' : wanted
    const { detector } = finding
    this.#count({ detector, place: place.slice(0, MAX_PLACE), count: 1, did: DID[treatment] })
    if (treatment === 'deny' && this.#stopping?.kind !== 'deny') {
      this.#stopping = deny(`detect.${detector}`, describe(detector, place))
    }
    if (treatment === 'hold') {
      this.#stopping ??= {
        kind: 'hold',
        rules: [`detect.${detector}`],
        reason: describe(detector, place),
      }
    }
    return treatment
  }

  get isEmpty(): boolean {
    return this.#kinds.size === 0
  }

  /** why the request may not leave; the first denial before the first hold */
  get stopping(): Deny | Hold | undefined {
    return this.#stopping
  }

  /** for the leaf */
  get recorded(): readonly RecordedFinding[] {
    return [...this.#kinds.values()]
  }

  #count(finding: RecordedFinding): void {
    const key = `${finding.detector} ${finding.place} ${finding.did}`
    const known = this.#kinds.get(key)
    if (known !== undefined) known.count += 1
    else if (this.#kinds.size < MAX_KINDS) this.#kinds.set(key, finding)
    else this.#countOther(finding)
  }

  #countOther(finding: RecordedFinding): void {
    const key = `${OTHERS} ${finding.did}`
    const known = this.#kinds.get(key)
    if (known === undefined) this.#kinds.set(key, { ...finding, detector: OTHERS, place: OTHERS })
    else known.count += 1
  }
}

function describe(detector: string, place: string): string {
  return `${detector} found in ${place}`
}
