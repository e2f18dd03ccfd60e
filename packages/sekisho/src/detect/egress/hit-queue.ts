/** A word or a run that a detector waits for. */
export type Hit = {
  /** where the stream must have come to before the detector can look */
  readyAt: number
  /** of the detector */
  index: number
  start: number
  end: number
}

/**
 * Hits in the order in which detectors look at them: by readiness, detector and place, so that it
 * does not depend on how the stream was cut. A binary heap.
 */
export class HitQueue {
  readonly #heap: Hit[] = []

  add(hit: Hit): void {
    const heap = this.#heap
    let at = heap.length
    for (let parent = (at - 1) >> 1; at > 0; parent = (at - 1) >> 1) {
      const above = heap[parent]
      if (above === undefined || !comesBefore(hit, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = hit
  }

  /** The next hit that is ready when the stream has come to `until`. */
  take(until: number): Hit | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.readyAt > until) return undefined
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) this.#sink(last)
    return first
  }

  #sink(hit: Hit): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const goesRight = left !== undefined && right !== undefined && comesBefore(right, left)
      const child = goesRight ? right : left
      if (child === undefined || !comesBefore(child, hit)) break
      heap[at] = child
      at = 2 * at + (goesRight ? 2 : 1)
    }
    heap[at] = hit
  }
}

function comesBefore(a: Hit, b: Hit): boolean {
  if (a.readyAt !== b.readyAt) return a.readyAt < b.readyAt
  return a.index === b.index ? a.start < b.start : a.index < b.index
}
