import type { Finding, Scan } from '../finding.ts'
import { RecentBytes } from '../recent-bytes.ts'
import { WINDOW_BYTES } from './keyed-hash.ts'
import type { IndexedPrint, PrintIndex } from './print-index.ts'

/** What is kept is this and the longest spelling, and as much again at times. */
const STEP_BYTES = 65_536

/**
 * How often one print's window may be right and the whole wrong, to begin with and for so many
 * bytes more. After that the window alone is a finding: whoever repeats eight bytes of the middle
 * of a secret a thousand times has it, and must not be given a MAC's work for each.
 */
const MISSES_AT_START = 1_000
const BYTES_PER_MISS = 1_024
/** Of a flood, so many windows are told for each print. */
const MAX_TOLD = 1_000

/** The windows of one print that were met, in order: where each spelling would begin. */
type Waiting = { print: IndexedPrint; starts: number[]; misses: number; told: number }

/**
 * Looks for the secrets of prints: one rolling hash over the stream, a bit for what it may be, and
 * a MAC where it is. The result does not depend on how the stream was cut.
 */
export class PrintScan implements Scan {
  readonly #index: PrintIndex
  readonly #bytes: RecentBytes
  /** of prints that were met */
  readonly #waiting = new Map<number, Waiting>()
  #hash = 0
  #ended = false

  constructor(index: PrintIndex) {
    this.#index = index
    this.#bytes = new RecentBytes(index.maxBytes)
  }

  push(piece: Uint8Array): readonly Finding[] {
    if (this.#ended) throw new Error('nothing may be pushed after the end')
    if (this.#index.count === 0) return []
    const found: Finding[] = []
    for (let at = 0; at < piece.length; at += STEP_BYTES) {
      this.#step(piece.subarray(at, at + STEP_BYTES), found)
    }
    return found
  }

  end(): readonly Finding[] {
    this.#ended = true
    return []
  }

  #step(piece: Uint8Array, found: Finding[]): void {
    const from = this.#bytes.until
    this.#bytes.append(piece)
    for (const end of this.#windowEnds(from)) this.#meet(end, found)
    for (const waiting of this.#waiting.values()) this.#settle(waiting, this.#bytes.until, found)
  }

  /** Places just behind a window that the filter lets by, and their hashes. */
  #windowEnds(from: number): readonly (readonly [number, number])[] {
    const { bytes, base, until } = this.#bytes.stretch(false)
    const { base: multiplier, enter, leave } = this.#index.hash
    const { filter, filterShift } = this.#index
    const ends = this.#enterFirst(from)
    const last = until - base
    let hash = this.#hash
    for (let at = Math.max(from, WINDOW_BYTES) - base; at < last; at++) {
      const entering = enter[bytes[at] ?? 0] ?? 0
      const leaving = leave[bytes[at - WINDOW_BYTES] ?? 0] ?? 0
      hash = (Math.imul(hash, multiplier) + entering - leaving) | 0
      const bit = hash >>> filterShift
      if ((((filter[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1) ends.push([base + at + 1, hash])
    }
    this.#hash = hash
    return ends
  }

  /** The first window of a stream: nothing leaves it yet. */
  #enterFirst(from: number): (readonly [number, number])[] {
    const { bytes, base, until } = this.#bytes.stretch(false)
    const { base: multiplier, enter } = this.#index.hash
    const end = Math.min(until, WINDOW_BYTES)
    for (let at = from; at < end; at++) {
      this.#hash = (Math.imul(this.#hash, multiplier) + (enter[bytes[at - base] ?? 0] ?? 0)) | 0
    }
    return from < end && end === WINDOW_BYTES ? [[WINDOW_BYTES, this.#hash]] : []
  }

  #meet([windowEnd, hash]: readonly [number, number], found: Finding[]): void {
    for (const print of this.#index.byWindow.get(hash) ?? []) {
      const start = windowEnd - WINDOW_BYTES - print.windowAt
      if (start < 0) continue
      const waiting = this.#waitingFor(print)
      // in the order of the stream, so that what counts as too often does not depend on the cuts
      this.#settle(waiting, windowEnd, found)
      if (isTooOften(waiting, windowEnd)) {
        if (waiting.told++ < MAX_TOLD)
          found.push(findingOf(print, windowEnd - WINDOW_BYTES, windowEnd))
      } else {
        waiting.starts.push(start)
      }
    }
  }

  #waitingFor(print: IndexedPrint): Waiting {
    const known = this.#waiting.get(print.at)
    if (known !== undefined) return known
    const made: Waiting = { print, starts: [], misses: 0, told: 0 }
    this.#waiting.set(print.at, made)
    return made
  }

  /** Checks the spellings that have gone by in full up to a place. */
  #settle(waiting: Waiting, until: number, found: Finding[]): void {
    const { print, starts } = waiting
    const complete = starts.findIndex((start) => start + print.bytes > until)
    const { bytes, base } = this.#bytes.stretch(false)
    for (const start of starts.splice(0, complete === -1 ? starts.length : complete)) {
      const end = start + print.bytes
      if (this.#index.hash.tag(bytes.subarray(start - base, end - base)) === print.tag) {
        found.push(findingOf(print, start, end))
      } else {
        waiting.misses += 1
      }
    }
  }
}

/** Those that wait count too: a flood ends at the bound though none of it can be checked yet. */
function isTooOften({ misses, starts }: Waiting, at: number): boolean {
  return misses + starts.length >= MISSES_AT_START + at / BYTES_PER_MISS
}

function findingOf(print: IndexedPrint, start: number, end: number): Finding {
  return { detector: print.detector, class: print.class, start, end }
}
