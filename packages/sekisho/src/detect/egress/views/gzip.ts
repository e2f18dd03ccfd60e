import type { Span } from '../detector.ts'
import { Inflation, InflationBudget, looksCompressed } from './inflation.ts'
import { NOTHING, type View } from './view.ts'

/**
 * What lies compressed in a stream: the first gzip in it and those that follow it, a file in a form
 * for one. Shown when the stream is over.
 */
export class GzipView implements View {
  readonly #budget = new InflationBudget()
  readonly #inflation = new Inflation(this.#budget, false)
  readonly #isWhole: boolean
  #isFirst = true
  #isElsewhere = false
  #hasBegun = false

  /**
   * @param isWhole the stream is a body: one that is a compressed file itself is looked into by whoever
   *   reads bodies, without the bounds of a view
   */
  constructor(isWhole: boolean) {
    this.#isWhole = isWhole
  }

  get isIncomplete(): boolean {
    return this.#budget.isExceeded
  }

  get spansAll(): boolean {
    return this.#hasBegun
  }

  push(piece: Uint8Array): Uint8Array {
    if (this.#isFirst && piece.length > 0) {
      this.#isFirst = false
      this.#isElsewhere = this.#isWhole && looksCompressed(piece.subarray(0, 3))
    }
    if (!this.#isElsewhere) this.#inflation.push(piece)
    this.#hasBegun ||= this.#inflation.isCollecting
    return NOTHING
  }

  end(): Uint8Array {
    return this.#inflation.end() ?? NOTHING
  }

  origin(_place: Span): undefined {
    return undefined
  }
}
