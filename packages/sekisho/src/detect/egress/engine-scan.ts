import { WordFinder } from './automaton.ts'
import type { Detector, Span } from './detector.ts'
import type { Plan } from './engine-plan.ts'
import type { Finding, Scan } from './finding.ts'
import { FindingMerger } from './finding-merger.ts'
import { type Hit, HitQueue } from './hit-queue.ts'
import { MAX_RUN_BYTES, RunFinder } from './runs.ts'
import { RecentBytes } from './recent-bytes.ts'

/** The most that is looked at in one step: what a scan keeps is this and the longest window. */
const STEP_BYTES = 65_536

/**
 * What looking may cost: so many bytes of windows for each byte of the stream, and some to begin
 * with. Honest text takes a few; text made of keywords, a hit a byte, would take a window for each.
 */
export const WORK_PER_BYTE = 48
export const WORK_AT_START = 1_048_576
/** What one look costs besides its window, as if it were bytes. */
const WORK_PER_LOOK = 32

/**
 * Found when the work that a stream asks for is over the bound: it was not looked at any further,
 * so it counts as a secret.
 */
export const WORK_LIMIT: Pick<Finding, 'detector' | 'class'> = {
  detector: 'scan.work-limit',
  class: 'secret-format',
}

/** A scan that also tells what it did not list. */
export interface DetectorScan extends Scan {
  /** findings beyond the bound of a list: what is to be redacted cannot be, once there is one */
  readonly unlisted: number
}

/** Told where a detector is to look that sees further than NEAR_WINDOW_BYTES, whatever it finds. */
export type NoteFar = (hit: Span) => void

const AT_END = Number.POSITIVE_INFINITY

/** The stream of one scan. What is found depends on the bytes alone, not on their cuts. */
export class EngineScan implements DetectorScan {
  readonly #plan: Plan
  readonly #bytes: RecentBytes
  readonly #hits = new HitQueue()
  readonly #wordFinder: WordFinder
  readonly #finders: readonly { finder: RunFinder; detectors: readonly number[] }[]
  readonly #findings: FindingMerger
  readonly #noteFar: NoteFar | undefined
  #work = 0
  /** set once the work is over its bound: nothing is looked at from then on */
  #exhausted: Finding | undefined
  #ended = false

  constructor(plan: Plan, noteFar?: NoteFar) {
    this.#plan = plan
    this.#noteFar = noteFar
    this.#bytes = new RecentBytes(Math.max(plan.maxReach, MAX_RUN_BYTES + 1))
    this.#wordFinder = new WordFinder(plan.automaton)
    this.#finders = plan.runs.map(({ alphabet, minBytes, detectors }) => ({
      finder: new RunFinder(alphabet, minBytes),
      detectors,
    }))
    this.#findings = new FindingMerger(plan)
  }

  get unlisted(): number {
    return this.#findings.unlisted
  }

  push(piece: Uint8Array): readonly Finding[] {
    if (this.#ended) throw new Error('nothing may be pushed after the end')
    const found: Finding[] = []
    for (let at = 0; at < piece.length; at += STEP_BYTES) {
      this.#step(piece.subarray(at, at + STEP_BYTES), found)
    }
    return found
  }

  end(): readonly Finding[] {
    if (this.#ended) throw new Error('a stream ends once')
    this.#ended = true
    if (this.#exhausted !== undefined) return []
    this.#seekRuns(true)
    this.#look(AT_END)
    return [
      ...this.#findings.take(AT_END),
      ...(this.#exhausted === undefined ? [] : [this.#exhausted]),
    ]
  }

  #step(piece: Uint8Array, found: Finding[]): void {
    if (this.#exhausted !== undefined) return
    this.#seekWords(piece)
    this.#bytes.append(piece)
    this.#seekRuns(false)
    this.#look(this.#bytes.until)
    found.push(...this.#findings.take(this.#exhausted === undefined ? this.#bytes.until : AT_END))
    if (this.#exhausted !== undefined) found.push(this.#exhausted)
  }

  #seekWords(piece: Uint8Array): void {
    const { words, detectors } = this.#plan
    const ends: number[] = []
    this.#wordFinder.push(piece, ends)
    for (let at = 0; at < ends.length; at += 2) {
      const word = words[ends[at] ?? 0]
      if (word === undefined) continue
      const end = this.#bytes.until + (ends[at + 1] ?? 0)
      for (const index of word.detectors) {
        const after = detectors[index]?.window.after ?? 0
        this.#hit({ readyAt: end + after, index, start: end - word.bytes, end })
      }
    }
  }

  #seekRuns(last: boolean): void {
    const stretch = this.#bytes.stretch(last)
    for (const { finder, detectors } of this.#finders) {
      finder.advance(stretch, ({ start, end }) => {
        for (const index of detectors) this.#addRun(index, { start, end })
      })
    }
  }

  #addRun(index: number, { start, end }: { start: number; end: number }): void {
    const detector = this.#plan.detectors[index]
    if (detector?.trigger.kind !== 'run' || end - start < detector.trigger.minBytes) return
    // a run's end is known two bytes later
    const readyAt = end + Math.max(2, detector.window.after)
    this.#hit({ readyAt, index, start, end })
  }

  #hit(hit: Hit): void {
    this.#hits.add(hit)
    if (this.#plan.isFar[hit.index] === true) this.#noteFar?.(hit)
  }

  #look(until: number): void {
    for (let hit = this.#hits.take(until); hit !== undefined; hit = this.#hits.take(until)) {
      const detector = this.#plan.detectors[hit.index]
      if (detector === undefined) continue
      if (!this.#afford(hit, detector)) return
      this.#lookAt(hit, detector)
    }
  }

  #lookAt(hit: Hit, detector: Detector): void {
    const { window } = detector
    const start = Math.max(0, hit.start - window.before)
    const text = this.#bytes.latin1(start, hit.end + window.after)
    const spans = detector.match(text, { start: hit.start - start, end: hit.end - start })
    for (const span of spans) {
      this.#findings.add(hit.index, { start: start + span.start, end: start + span.end })
    }
  }

  /** Counted in the order of hits, which the cuts do not change. */
  #afford({ readyAt, start, end }: Hit, { window: { before, after } }: Detector): boolean {
    this.#work += WORK_PER_LOOK + before + (end - start) + after
    if (this.#work <= WORK_AT_START + WORK_PER_BYTE * readyAt) return true
    this.#exhausted = { ...WORK_LIMIT, start, end }
    return false
  }
}
