import {
  isSession,
  type LogState,
  MAX_BATCH_LEAVES,
  type OpenEntry,
  OpenEntries,
  SEGMENT_BYTES,
} from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import { encodeBatch, placesIn, placesOf, type SealedBatch, type SealedLeaf } from './batch.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { LogFiles } from './files.ts'
import { IdleSigning } from './idle-signing.ts'
import { LeafQueue, type QueuedLeaf } from './leaf-queue.ts'
import { type LeafSigner, type PreparedLeaf, prepareLeaf } from './leaf-text.ts'
import type { Recovered } from './recover.ts'
import { AppendError, SegmentFile } from './segment-file.ts'

export type WriterOptions = {
  dir: string
  checkpoints: Checkpoints
  now: () => Date
  files: LogFiles
  /** monotonic, ms */
  elapsedMs: () => number
  /** told of what is durable, after those who wait for it; must not throw */
  onSealed: (batch: SealedBatch) => void
}

/** After two failures in a row, how long nothing is tried: a try may cost a file. */
const RETRY_PAUSE_MS = 250

/**
 * Writes the log: batches whatever is queued into one write, one flush and one signature.
 *
 * `base` is what is durable. After a flush that failed when all bytes were in the file, `repeat`
 * holds them: they are signed, so the log must go on with exactly them, in a new segment.
 */
export class LogWriter {
  readonly #options: WriterOptions
  #base: LogState
  #repeat: Buffer
  /** the log once `repeat` is written; `base` itself when there is nothing to repeat */
  #whole: LogState
  /** what callers may still close; ahead of the log by what is queued */
  #admitted: OpenEntries
  /** what was opened by callers who were turned away or are gone: each gets a gap leaf */
  #owed: OpenEntry[]
  #segment: SegmentFile | undefined
  #nextSegment: number
  readonly #queue = new LeafQueue()
  /** durable, and not yet told */
  #sealed: SealedBatch[] = []
  #at: string | null
  #scheduled = false
  readonly #idle: IdleSigning
  #failures = 0
  #failedAtMs = 0
  #closed = false

  constructor(options: WriterOptions, recovered: Recovered) {
    this.#options = options
    this.#base = recovered.base
    this.#repeat = recovered.repeat
    this.#whole = recovered.whole
    const { open } = recovered.whole
    // an action died with the keyholder that released it; a session may outlive its keyholder
    this.#admitted = new OpenEntries(open.filter(isSession))
    this.#owed = open.filter((entry) => !isSession(entry))
    this.#nextSegment = recovered.next
    this.#at = recovered.whole.at
    this.#idle = new IdleSigning({
      isBusy: () => !this.#queue.isEmpty,
      sign: () => this.#signAgain(),
    })
  }

  /** durable leaves */
  get size(): number {
    return this.#base.size
  }

  /** whether it can still be closed; false once a leaf that closes it is queued or on the disk */
  isOpen(entry: OpenEntry): boolean {
    return this.#admitted.has(entry)
  }

  /** sessions that the durable log has begun and not ended */
  get openSessions(): string[] {
    return this.#base.open.filter(isSession).map(({ session }) => session)
  }

  /** the last durable checkpoint */
  get checkpoint(): string | null {
    return this.#base.note
  }

  /**
   * Resolves with the leaf's index once it and a signed checkpoint over it are durable.
   *
   * @param signer signs the leaf as well, now
   * @throws SekishoError LOG_UNWRITABLE: it is not in the log, or nobody may count on it; nothing
   * may follow from it. PROTOCOL_VIOLATION: the log has no place for such a leaf
   */
  append(leaf: object, signer?: LeafSigner): Promise<number> {
    const refused = this.#refusal()
    if (refused !== undefined) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      const prepared = this.#prepare(leaf, signer)
      const { effect } = prepared.facts
      const reason = effect === undefined ? undefined : this.#admitted.apply(effect)
      if (reason !== undefined) throw new SekishoError('PROTOCOL_VIOLATION', reason)
      this.#queue.push({ ...prepared, resolve, reject })
      this.#schedule()
    })
  }

  /** Repeats what recovery found and closes the intents that nobody can close any more. */
  async settle(): Promise<void> {
    while (this.#repeat.length > 0 || this.#owed.length > 0) {
      const failure = this.#flush()
      if (failure !== undefined) throw failure
    }
  }

  /** Writes what is queued, and a last checkpoint with both signatures; then refuses everything. */
  close(): void {
    while (!this.#queue.isEmpty) this.#flush()
    this.#idle.stop()
    if (!this.#closed && this.#failures === 0) this.#signAgain()
    this.#closed = true
    this.#segment?.close()
    this.#segment = undefined
  }

  #refusal(): SekishoError | undefined {
    if (this.#closed) return unwritable('the log is closed')
    if (this.#queue.isFull) return unwritable('too many leaves wait to be written')
    const waitedMs = this.#options.elapsedMs() - this.#failedAtMs
    if (this.#failures >= 2 && waitedMs < RETRY_PAUSE_MS) {
      return unwritable('the log could not be written a moment ago')
    }
    return undefined
  }

  #prepare(leaf: object, signer?: LeafSigner): PreparedLeaf {
    const nowText = this.#options.now().toISOString()
    const prepared = prepareLeaf(leaf, { nowText, after: this.#at, signer })
    this.#at = prepared.facts.at
    return prepared
  }

  /** Not at once: what this turn of the event loop still brings shares the flush. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (!this.#queue.isEmpty) this.#flush()
      if (!this.#queue.isEmpty) this.#schedule()
    })
  }

  #flush(): SekishoError | undefined {
    let batch: QueuedLeaf[] = []
    try {
      const segment = this.#openSegment()
      if (this.#repeat.length > 0) this.#writeRepeat(segment)
      const gaps = this.#owed.slice(0, MAX_BATCH_LEAVES).map((intent) => this.#gapLeaf(intent))
      batch = this.#queue.takeBatch(MAX_BATCH_LEAVES - gaps.length)
      if (gaps.length + batch.length > 0) this.#writeBatch(segment, [...gaps, ...batch])
      this.#owed = this.#owed.slice(gaps.length)
    } catch (thrown) {
      return this.#fail(thrown, batch)
    }
    this.#failures = 0
    const first = this.#base.size - batch.length
    for (const [offset, { resolve }] of batch.entries()) resolve(first + offset)
    this.#tellSealed()
    this.#idle.arm()
    return undefined
  }

  #tellSealed(): void {
    for (const batch of this.#sealed) this.#options.onSealed(batch)
    this.#sealed = []
  }

  /** The head that is there, with both signatures; what cannot be written now, the next batch has. */
  #signAgain(): void {
    const { checkpoints } = this.#options
    if (this.#repeat.length > 0 || !checkpoints.owes(this.#base.note)) return
    try {
      this.#writeBatch(this.#openSegment(), [], true)
    } catch (thrown) {
      this.#fail(thrown, [])
    }
  }

  #openSegment(): SegmentFile {
    if (this.#segment !== undefined && this.#segment.size < SEGMENT_BYTES) return this.#segment
    this.#segment?.close()
    this.#segment = undefined
    const number = this.#nextSegment
    const { dir, files } = this.#options
    this.#segment = SegmentFile.create({ dir, number }, files, this.#base.headerText(number))
    this.#nextSegment = number + 1
    return this.#segment
  }

  #writeRepeat(segment: SegmentFile): void {
    const leaves = placesIn(this.#repeat, segment.position)
    segment.append(this.#repeat)
    this.#repeat = Buffer.alloc(0)
    this.#base = this.#whole
    this.#noteSealed(segment, leaves)
  }

  #noteSealed(segment: SegmentFile, leaves: readonly SealedLeaf[]): void {
    const { size, root } = this.#base
    this.#sealed.push({ segment: segment.number, leaves, head: { size, root } })
  }

  /** Stands before what is queued, so it must not be later. */
  #gapLeaf(entry: OpenEntry): PreparedLeaf {
    const what = isSession(entry) ? 'start' : 'outcome'
    const leaf = { type: 'gap', ...entry, reason: `its ${what} could not be recorded` }
    const { first } = this.#queue
    if (first === undefined) return this.#prepare(leaf)
    return prepareLeaf(leaf, { nowText: first.facts.at, after: this.#base.at })
  }

  #writeBatch(segment: SegmentFile, leaves: readonly PreparedLeaf[], twice = false): void {
    for (const { facts } of leaves) this.#base.stageFacts(facts, 0)
    const note = this.#options.checkpoints.sign(this.#base.nextHead(), twice)
    const bytes = encodeBatch(leaves, note)
    const places = placesOf(leaves, segment.position)
    try {
      segment.append(bytes)
    } catch (thrown) {
      if (thrown instanceof AppendError && thrown.left === 'whole') this.#keepForRepeat(bytes, note)
      throw thrown
    }
    seal(this.#base, note)
    this.#noteSealed(segment, places)
  }

  /** All of it may be on the disk, signed: the log must go on with it or it forks. */
  #keepForRepeat(bytes: Buffer, note: string): void {
    const whole = this.#base.copy()
    for (const facts of this.#base.staged) whole.stageFacts(facts, 0)
    seal(whole, note)
    this.#repeat = bytes
    this.#whole = whole
  }

  /** Turns everyone away who waits; the next append tries a new segment. */
  #fail(thrown: unknown, batch: readonly QueuedLeaf[]): SekishoError {
    this.#base.drop()
    this.#tellSealed() // what was repeated before the batch that failed
    if (!(thrown instanceof AppendError && thrown.left === 'nothing')) {
      this.#segment?.close()
      this.#segment = undefined
    }
    if (thrown instanceof SekishoError) this.#closed = true // our own fault: nothing is sure now
    this.#failures += 1
    this.#failedAtMs = this.#options.elapsedMs()
    const error = unwritable('the log could not be written', thrown)
    const turnedAway = [...batch, ...this.#queue.takeAll()]
    this.#admitAgain()
    for (const { reject } of turnedAway) reject(error)
    return error
  }

  /** What callers may close is what the log will hold open, less what they were told is not in it. */
  #admitAgain(): void {
    const known = new OpenEntries(this.#base.open)
    const owed = new OpenEntries(this.#owed)
    const open = this.#repeat.length > 0 ? this.#whole.open : this.#base.open
    this.#owed = open.filter((intent) => owed.has(intent) || !known.has(intent))
    const turnedAway = new OpenEntries(this.#owed)
    this.#admitted = new OpenEntries(open.filter((intent) => !turnedAway.has(intent)))
  }
}

function seal(state: LogState, note: string): void {
  const sealed = state.seal(note, 0)
  if ('reason' in sealed)
    throw new SekishoError('INTERNAL', `the log contradicts itself: ${sealed.reason}`)
}

function unwritable(message: string, cause?: unknown): SekishoError {
  return new SekishoError('LOG_UNWRITABLE', message, {
    hint: 'free space on the disk of the state directory and see that it is writable',
    cause,
  })
}
