/** What was counted between two times; `endMs` null: for ever. */
export type Bucket = {
  startMs: number
  endMs: number | null
  /** sums of the amounts above nought, and of those below */
  positive: number
  negative: number
}

/** A window is kept in so many parts: memory is bounded, and an amount counts up to a part too long. */
const BUCKETS_OF_WINDOW = 32

/** What a constraint has counted for one session, agent, user or platform, as time passes. */
export class LedgerCell {
  readonly #buckets: Bucket[] = []

  merge({ startMs, endMs, positive, negative }: Bucket): void {
    let bucket = this.#buckets.find((each) => each.startMs === startMs && each.endMs === endMs)
    if (bucket === undefined) {
      bucket = { startMs, endMs, positive: 0, negative: 0 }
      this.#buckets.push(bucket)
    }
    bucket.positive = saturate(Math.max(0, bucket.positive + positive))
    bucket.negative = saturate(Math.min(0, bucket.negative + negative))
  }

  /**
   * At least what lies within the window that ends now: an amount counts while any part of its
   * bucket may be in the window, one below nought only while all of it must be.
   */
  sum(nowMs: number, windowMs: number | null): number {
    let [above, below] = [0, 0]
    for (const { startMs, endMs, positive, negative } of this.#buckets) {
      if (windowMs === null || endMs === null || endMs + windowMs > nowMs) above += positive
      if (windowMs === null || startMs > nowMs - windowMs) below += negative
    }
    // what is not exact any more must not be brought down again
    return above >= Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : above + below
  }

  /** Lets go of what no window of this length sees any more. */
  prune(nowMs: number, windowMs: number | null): void {
    if (windowMs === null) return
    for (let index = this.#buckets.length - 1; index >= 0; index -= 1) {
      const endMs = this.#buckets[index]?.endMs ?? null
      if (endMs !== null && endMs + windowMs <= nowMs) this.#buckets.splice(index, 1)
    }
  }

  get isEmpty(): boolean {
    return this.#buckets.length === 0
  }

  buckets(): readonly Readonly<Bucket>[] {
    return this.#buckets
  }
}

/** @param windowMs of the constraint; null: for ever */
export function bucketOf(amount: number, atMs: number, windowMs: number | null): Bucket {
  const [positive, negative] = [Math.max(0, amount), Math.min(0, amount) + 0]
  if (windowMs === null) return { startMs: 0, endMs: null, positive, negative }
  const widthMs = Math.max(1, Math.ceil(windowMs / BUCKETS_OF_WINDOW))
  const startMs = Math.floor(atMs / widthMs) * widthMs
  return { startMs, endMs: startMs + widthMs, positive, negative }
}

/** Beyond exact numbers there is no way back. */
function saturate(sum: number): number {
  return Math.abs(sum) <= Number.MAX_SAFE_INTEGER
    ? sum + 0
    : Math.sign(sum) * Number.MAX_SAFE_INTEGER
}
