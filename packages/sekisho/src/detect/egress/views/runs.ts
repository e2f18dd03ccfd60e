import type { Span } from '../detector.ts'
import { RecentBytes } from '../recent-bytes.ts'
import { ByteSink } from './byte-sink.ts'
import { GZIP_MARK, Inflation, InflationBudget, looksCompressed } from './inflation.ts'
import { NO_VALUE, type RunAlphabet } from './run-alphabets.ts'
import { hasText, type SharedSink, TextGate } from './text-gate.ts'
import { GAP, NOTHING, type View } from './view.ts'

/** Taken at once: what is kept of the input is about twice this. */
const STEP_BYTES = 16_384
/** A shorter run is a word; it decodes to less than anything worth finding. */
const MIN_RUN = 16
/** Decoded at once: a multiple of every group. */
const BLOCK = 12_288
/** The most characters of one group. */
const GROUP = 4
/** White space that a line may end and the next begin with, inside a run (RFC 2045 §6.8). */
const MAX_FOLD = 16

/** What one block decodes to, until it is copied. */
const DECODED = new Uint8Array(2 * GROUP + BLOCK)

type Lane = { gate: TextGate; inflation: Inflation; isUsed: boolean }

/**
 * Undoes runs of base64 or hexadecimal, and inflates what they hold. Lines that are full of one run
 * are one run. Whatever decodes to text is shown; what decodes to noise is not.
 */
export class RunsView implements View {
  readonly #alphabet: RunAlphabet
  readonly #input = new RecentBytes(MIN_RUN + MAX_FOLD + 1)
  readonly #shared: SharedSink = { sink: new ByteSink(), last: undefined }
  readonly #budget = new InflationBudget()
  /** no run that is not known yet begins before; in a run, what is not read yet */
  #from = 0
  #isInRun = false
  /** the same for all runs, one after another; made with the first */
  #lanes: readonly Lane[] = []
  /** values of the run that are still to be decoded, behind those of a begun group */
  #block = NOTHING
  #filled = 0
  #isFirstBlock = true
  /** whether what is filled may hold text, or the mark of gzip */
  #isTelling = false
  /** the last 24 bits of the run */
  #lastBits = 0
  /** hints of the last two values, and for each of the last places whether a group of text began there */
  #hints = 0
  #textGroups = 0
  /** characters of the run on this line */
  #lineLength = 0

  constructor(alphabet: RunAlphabet) {
    this.#alphabet = alphabet
  }

  get isIncomplete(): boolean {
    return this.#budget.isExceeded
  }

  push(piece: Uint8Array): Uint8Array {
    for (let from = 0; from < piece.length; from += STEP_BYTES) {
      this.#input.append(piece.subarray(from, from + STEP_BYTES))
      this.#advance(false)
    }
    return this.#shared.sink.take()
  }

  end(): Uint8Array {
    this.#advance(true)
    this.#endRun()
    return this.#shared.sink.take()
  }

  origin(): Span | undefined {
    return undefined
  }

  #advance(last: boolean): void {
    while (this.#isInRun ? this.#read() && this.#fold(last) : this.#seek());
  }

  /** Looks at every MIN_RUNth byte and goes back from there. False when it must wait for more. */
  #seek(): boolean {
    const { bytes, base, until } = this.#input.stretch(false)
    const { values } = this.#alphabet
    let from = this.#from - base
    const last = until - base
    while (from + MIN_RUN <= last) {
      let at = from + MIN_RUN - 1
      while (at >= from && values[bytes[at] ?? 0] !== NO_VALUE) at--
      if (at < from) break
      from = at + 1
    }
    this.#from = base + from
    if (from + MIN_RUN > last) return false
    this.#beginRun()
    return true
  }

  #beginRun(): void {
    if (this.#lanes.length === 0) this.#makeLanes()
    this.#isInRun = true
    this.#filled = GROUP
    this.#isFirstBlock = true
    this.#isTelling = false
    this.#lastBits = 0
    this.#hints = 0
    this.#textGroups = 0
    this.#lineLength = 0
  }

  #makeLanes(): void {
    this.#block = new Uint8Array(256)
    this.#lanes = Array.from({ length: this.#alphabet.lanes }, (_, at) => ({
      gate: new TextGate(this.#shared),
      inflation: new Inflation(this.#budget, at === 0),
      isUsed: false,
    }))
  }

  /** Reads a run from `#from` on. False when it goes on beyond what is known. */
  #read(): boolean {
    const { bytes, base, until } = this.#input.stretch(false)
    const { values } = this.#alphabet
    let at = this.#from - base
    const end = until - base
    while (at < end) {
      const stop = Math.min(end, at + this.#room())
      const from = at
      while (at < stop && values[bytes[at] ?? 0] !== NO_VALUE) at++
      this.#take(bytes, from, at)
      if (at < stop) break
    }
    this.#lineLength += base + at - this.#from
    this.#from = base + at
    return at < end
  }

  /** How many values may still be filled in. */
  #room(): number {
    if (this.#filled === GROUP + BLOCK) this.#decode(false)
    if (this.#filled === this.#block.length) {
      const larger = new Uint8Array(Math.min(GROUP + BLOCK, this.#block.length * 2))
      larger.set(this.#block)
      this.#block = larger
    }
    return this.#block.length - this.#filled
  }

  /**
   * Fills in values, and says whether eleven bytes of text may be among what they decode to: that
   * takes three groups in a row, in some lane, whose values all may be text.
   */
  #take(bytes: Uint8Array, from: number, to: number): void {
    const { values, textHints, bitsPerCharacter } = this.#alphabet
    const block = this.#block
    let filled = this.#filled
    let [hints, textGroups, lastBits] = [this.#hints, this.#textGroups, this.#lastBits]
    let telling = 0
    for (let at = from; at < to; at++) {
      const value = values[bytes[at] ?? 0] ?? 0
      block[filled++] = value
      hints = (hints << 3) | (textHints[value] ?? 0)
      textGroups = (textGroups << 1) | ((hints >>> 6) & (hints >>> 4) & (hints >>> 2) & 1)
      telling |= textGroups & (textGroups >>> 4) & (textGroups >>> 8)
      lastBits = ((lastBits << bitsPerCharacter) | value) & 0xff_ff_ff
      if (lastBits === GZIP_MARK) telling = 1
    }
    this.#filled = filled
    this.#hints = hints
    this.#textGroups = textGroups
    this.#lastBits = lastBits
    if ((telling & 1) !== 0) this.#isTelling = true
  }

  /** Behind a full line, white space and more of the alphabet go on with the run. */
  #fold(last: boolean): boolean {
    const { bytes, base, until } = this.#input.stretch(false)
    const from = this.#from - base
    const known = Math.min(until - base, from + MAX_FOLD)
    const at = from + foldLength(bytes.subarray(from, known))
    if (at === until - base && at < from + MAX_FOLD && !last) return false
    const isFolded = at < known && bytes.subarray(from, at).includes(0x0a)
    const isNext = this.#alphabet.values[bytes[at] ?? 0] !== NO_VALUE
    if (isFolded && isNext && this.#lineLength >= MIN_RUN) {
      this.#from = base + at
      this.#lineLength = 0
    } else {
      this.#endRun()
    }
    return true
  }

  /** Decodes what is filled and keeps the end of it for groups that begin there. */
  #decode(last: boolean): void {
    const carried = this.#isFirstBlock ? 0 : GROUP
    const values = this.#block.subarray(GROUP - carried, this.#filled)
    const { lanes } = this.#alphabet
    for (const [at, lane] of this.#lanes.entries()) {
      // a group that began in the block before is read in this one
      const from = carried === 0 || at === 0 ? carried + at : carried - lanes + at
      const split = last ? 0 : (values.length - from) % lanes
      const whole = values.subarray(0, values.length - split)
      const length = this.#alphabet.decode(whole, from, DECODED)
      feed(lane, DECODED.subarray(0, length), last)
    }
    this.#block.copyWithin(0, this.#filled - GROUP, this.#filled)
    this.#filled = GROUP
    this.#isFirstBlock = false
  }

  #endRun(): void {
    if (!this.#isInRun) return
    this.#isInRun = false
    if (this.#isFirstBlock && !this.#isTelling && !this.#beginsCompressed()) return
    this.#decode(true)
    for (const lane of this.#lanes) {
      if (lane.isUsed) this.#endLane(lane)
    }
  }

  #endLane(lane: Lane): void {
    lane.isUsed = false
    lane.gate.reset()
    const inflated = lane.inflation.end()
    if (inflated === undefined) return
    const { sink } = this.#shared
    sink.add(GAP)
    sink.copy(inflated, 0, inflated.length)
    this.#shared.last = undefined
  }

  #beginsCompressed(): boolean {
    const length = this.#alphabet.decode(this.#block.subarray(GROUP, GROUP + 4), 0, DECODED)
    return looksCompressed(DECODED.subarray(0, length))
  }
}

/** Most runs are words: nothing is done for what is whole and shows nothing. */
function feed(lane: Lane, bytes: Uint8Array, last: boolean): void {
  const isIdle = !lane.isUsed && last
  if (isIdle && !hasText(bytes) && !looksCompressed(bytes)) return
  lane.isUsed = true
  lane.gate.push(bytes, last)
  lane.inflation.push(bytes)
}

function foldLength(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length && FOLDING.has(bytes[at] ?? 0)) at++
  return at
}

const FOLDING = new Set([0x0a, 0x0d, 0x20, 0x09])
