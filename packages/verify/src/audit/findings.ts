/** What an auditor has to be told; the log is whole all the same. */
export type Finding = {
  /** of the leaf that it is about */
  index: number
  kind: FindingKind
  session: string | null
  reason: string
  /** of figures that do not agree: what was counted, and what the leaves come to */
  counted?: number
  recorded?: number
}

export type FindingKind =
  | 'version'
  | 'authority'
  | 'certificate'
  | 'identity'
  | 'signature'
  | 'claim'
  | 'state'
  | 'completeness'
  | 'model-call'
  | 'witness'

/** A log that is wrong throughout would fill the memory with findings. */
const MAX_FINDINGS = 1000

/** Kept in the order of the log, the first thousand; the rest is counted. */
export class Findings {
  readonly #kept: Finding[] = []
  #omitted = 0

  add(finding: Finding): void {
    if (this.#kept.length < MAX_FINDINGS) this.#kept.push(finding)
    else this.#omitted += 1
  }

  /** @param operators whose cosignature was expected @param size of the log, in leaves */
  addMissing(operators: readonly string[], size: number): void {
    for (const operator of operators) {
      const reason = `no good cosignature of ${operator}, who was named as a witness`
      this.add({ index: size, kind: 'witness', session: null, reason })
    }
  }

  get omitted(): number {
    return this.#omitted
  }

  get size(): number {
    return this.#kept.length + this.#omitted
  }

  list(): Finding[] {
    return this.#kept.toSorted((a, b) => a.index - b.index || (rankOf(a) < rankOf(b) ? -1 : 1))
  }
}

/** Other threads answer when they can: the order must not depend on it. */
function rankOf({ kind, reason }: Finding): string {
  return `${kind} ${reason}`
}
