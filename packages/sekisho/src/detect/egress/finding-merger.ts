import type { Span } from './detector.ts'
import type { Plan } from './engine-plan.ts'
import type { Finding } from './finding.ts'

/** No finding is longer; what is longer is several, one after another. */
export const MAX_FINDING_BYTES = 16_384

/** The findings that one stream may list, besides the first ones of each detector. */
export const MAX_LISTED = 1_000
/** Always listed, so that many findings of one detector do not hide another's. */
const MIN_LISTED_EACH = 16

/** When the stream has come to `finalAt`, nothing new can overlap. */
type Open = Span & { index: number; finalAt: number }

/**
 * Merges what overlaps of the same detector, and gives it back once nothing can overlap any more,
 * in an order that does not depend on how the stream was cut.
 */
export class FindingMerger {
  readonly #plan: Plan
  /** not given back yet, by detector */
  readonly #open = new Map<number, Open[]>()
  readonly #listedEach = new Map<number, number>()
  #listed = 0
  #unlisted = 0
  #nextFinalAt = Number.POSITIVE_INFINITY

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** How many findings were not given back because there were too many. */
  get unlisted(): number {
    return this.#unlisted
  }

  add(index: number, { start, end }: Span): void {
    if (end <= start) return
    const finalAt = end + (this.#plan.reach[index] ?? 0)
    let whole: Open = { index, start, end, finalAt }
    const apart: Open[] = []
    for (const other of this.#open.get(index) ?? []) {
      if (canMerge(other, whole)) whole = union(other, whole)
      else apart.push(other)
    }
    this.#open.set(index, [...apart, whole])
    this.#nextFinalAt = Math.min(this.#nextFinalAt, whole.finalAt)
  }

  /** What has become final when the stream has come to `until`. */
  take(until: number): Finding[] {
    if (until < this.#nextFinalAt || this.#open.size === 0) return []
    const final: Open[] = []
    this.#nextFinalAt = Number.POSITIVE_INFINITY
    for (const [index, open] of this.#open) {
      const left = open.filter(({ finalAt }) => finalAt > until)
      for (const one of open) if (one.finalAt <= until) final.push(one)
      for (const { finalAt } of left) this.#nextFinalAt = Math.min(this.#nextFinalAt, finalAt)
      if (left.length === 0) this.#open.delete(index)
      else this.#open.set(index, left)
    }
    return final.sort(inOrder).flatMap((one) => this.#list(one))
  }

  #list({ index, start, end }: Open): Finding[] {
    const detector = this.#plan.detectors[index]
    if (detector === undefined) return []
    const listed = this.#listedEach.get(index) ?? 0
    if (this.#listed >= MAX_LISTED && listed >= MIN_LISTED_EACH) {
      this.#unlisted++
      return []
    }
    this.#listed++
    this.#listedEach.set(index, listed + 1)
    return [{ detector: detector.id, class: detector.class, start, end }]
  }
}

function canMerge(a: Span, b: Span): boolean {
  if (a.start >= b.end || b.start >= a.end) return false
  return Math.max(a.end, b.end) - Math.min(a.start, b.start) <= MAX_FINDING_BYTES
}

function union(a: Open, b: Open): Open {
  return {
    index: a.index,
    start: Math.min(a.start, b.start),
    end: Math.max(a.end, b.end),
    finalAt: Math.max(a.finalAt, b.finalAt),
  }
}

function inOrder(a: Open, b: Open): number {
  return a.finalAt - b.finalAt || a.index - b.index || a.start - b.start
}
