import { type LogState, type OpenEntry, OpenEntries } from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import { encodeBatch, type MadeBatch, placesIn, placesOf, type SealedBatch } from './batch.ts'
import type { Checkpoints } from './checkpoints.ts'
import { signLeaves } from './leaf-signing.ts'
import type { DraftLeaf } from './leaf-text.ts'
import type { Recovered } from './recover.ts'
import type { SegmentFile } from './segment-file.ts'

type Head = SealedBatch['head']

/**
 * Where the log ends. `base` is what is durable. After a flush that failed when all bytes were in
 * the file, `repeat` holds them: they are signed, so the log must go on with exactly them, in a new
 * segment.
 */
export class LogTip {
  readonly #checkpoints: Checkpoints
  #base: LogState
  #repeat: Buffer
  /** the log once `repeat` is written; `base` itself when there is nothing to repeat */
  #whole: LogState

  constructor(checkpoints: Checkpoints, { base, repeat, whole }: Recovered) {
    this.#checkpoints = checkpoints
    this.#base = base
    this.#repeat = repeat
    this.#whole = whole
  }

  /** what is durable */
  get base(): Pick<LogState, 'size' | 'note' | 'at' | 'open' | 'headerText'> {
    return this.#base
  }

  get head(): Head {
    const { size, root } = this.#base
    return { size, root }
  }

  get hasRepeat(): boolean {
    return this.#repeat.length > 0
  }

  /** what the log will hold open, whatever becomes of what is under way */
  get open(): OpenEntry[] {
    return this.hasRepeat ? this.#whole.open : this.#base.open
  }

  /** Of those the ones that are only in what has to be repeated, so that nobody was told of them. */
  get untold(): OpenEntry[] {
    const known = new OpenEntries(this.#base.open)
    return this.open.filter((entry) => !known.has(entry))
  }

  /** Signs leaves, and the checkpoint that seals them. @param offset at which they will stand */
  make(drafts: readonly DraftLeaf[], offset: number, twice = false): MadeBatch {
    const leaves = signLeaves(drafts)
    for (const { facts } of leaves) this.#base.stageFacts(facts, 0)
    const note = this.#checkpoints.sign(this.#base.nextHead(), twice)
    return { bytes: encodeBatch(leaves, note), note, places: placesOf(leaves, offset) }
  }

  /** What was made last is durable. @throws SekishoError INTERNAL */
  advance({ note }: MadeBatch): void {
    seal(this.#base, note)
  }

  /** All of it may be on the disk, signed: the log must go on with it or it forks. */
  keep({ bytes, note }: MadeBatch): void {
    const whole = this.#base.copy()
    for (const facts of this.#base.staged) whole.stageFacts(facts, 0)
    seal(whole, note)
    this.#repeat = bytes
    this.#whole = whole
  }

  /** Forgets what was made and is not durable. */
  drop(): void {
    this.#base.drop()
  }

  /** Writes again what has to be. @returns its leaves @throws AppendError */
  repeat(segment: SegmentFile): MadeBatch['places'] {
    const places = placesIn(this.#repeat, segment.position)
    segment.append(this.#repeat)
    this.#repeat = Buffer.alloc(0)
    this.#base = this.#whole
    return places
  }
}

function seal(state: LogState, note: string): void {
  const sealed = state.seal(note, 0)
  if ('reason' in sealed)
    throw new SekishoError('INTERNAL', `the log contradicts itself: ${sealed.reason}`)
}
