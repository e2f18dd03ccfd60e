import {
  isSession,
  MAX_BATCH_LEAVES,
  type OpenEntry,
  OpenEntries,
  SEGMENT_BYTES,
} from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import type { MadeBatch, SealedBatch } from './batch.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { LogFiles } from './files.ts'
import { IdleSigning } from './idle-signing.ts'
import { countAwaited, LeafQueue, type QueuedLeaf } from './leaf-queue.ts'
import { type DraftLeaf, draftLeaf, type LeafSigner } from './leaf-text.ts'
import { LogTip } from './log-tip.ts'
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

/** Nothing waits for what an action came to: it is over. */
const UNAWAITED: ReadonlySet<string> = new Set(['action.outcome', 'llm.call'])
/**
 * How long such leaves wait for one to be written with: a write and a checkpoint less for most
 * actions. What dies with the keyholder meanwhile is a gap leaf each.
 */
const TRAVEL_WAIT_MS = 2

/** A batch that is made; so many gap leaves stand before those that were taken from the queue. */
type Flush = { segment: SegmentFile; made: MadeBatch; gaps: number }

/**
 * Writes the log: batches whatever is queued into one write, one flush and one signature. One write
 * is under way at a time; while the disk has it, the thread takes what the next one will hold.
 */
export class LogWriter {
  readonly #options: WriterOptions
  readonly #tip: LogTip
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
  #isScheduled = false
  /** taken from the queue, and not answered yet */
  #taken: QueuedLeaf[] = []
  /** the disk has a batch; told when it is done with it, whether well or not */
  #underWay: { ended: Promise<void> } | undefined
  #travel: NodeJS.Timeout | undefined
  /** leaves of the batch before that something waited for */
  #lastAwaited = 0
  readonly #idle: IdleSigning
  #failures = 0
  #failedAtMs = 0
  #isClosing = false
  #closed = false

  constructor(options: WriterOptions, recovered: Recovered) {
    this.#options = options
    this.#tip = new LogTip(options.checkpoints, recovered)
    const { open } = recovered.whole
    // an action died with the keyholder that released it; a session may outlive its keyholder
    this.#admitted = new OpenEntries(open.filter(isSession))
    this.#owed = open.filter((entry) => !isSession(entry))
    this.#nextSegment = recovered.next
    this.#at = recovered.whole.at
    this.#idle = new IdleSigning({
      isBusy: () => !this.#queue.isEmpty || this.#underWay !== undefined,
      sign: () => this.#signAgain(),
    })
  }

  /** durable leaves */
  get size(): number {
    return this.#tip.base.size
  }

  /** whether it can still be closed; false once a leaf that closes it is queued or on the disk */
  isOpen(entry: OpenEntry): boolean {
    return this.#admitted.has(entry)
  }

  /** sessions that the durable log has begun and not ended */
  get openSessions(): string[] {
    return this.#tip.base.open.filter(isSession).map(({ session }) => session)
  }

  /** the last durable checkpoint */
  get checkpoint(): string | null {
    return this.#tip.base.note
  }

  /**
   * Resolves with the leaf's index once it and a signed checkpoint over it are durable.
   *
   * @param signer signs the leaf as well, when it is written
   * @throws SekishoError LOG_UNWRITABLE: it is not in the log, or nobody may count on it; nothing
   * may follow from it. PROTOCOL_VIOLATION: the log has no place for such a leaf
   */
  append(leaf: object, signer?: LeafSigner): Promise<number> {
    const refused = this.#refusal()
    if (refused !== undefined) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      const draft = this.#draft(leaf, signer)
      const { effect } = draft
      const reason = effect === undefined ? undefined : this.#admitted.apply(effect)
      if (reason !== undefined) throw new SekishoError('PROTOCOL_VIOLATION', reason)
      this.#queue.push({ ...draft, isAwaited: !UNAWAITED.has(draft.type), resolve, reject })
      this.#wake()
    })
  }

  /** Repeats what recovery found and closes the intents that nobody can close any more. */
  async settle(): Promise<void> {
    while (this.#tip.hasRepeat || this.#owed.length > 0) {
      const failure = this.#flush()
      if (failure !== undefined) throw failure
    }
  }

  /** Refuses what comes, writes what is queued, and a last checkpoint with both signatures. */
  async close(): Promise<void> {
    this.#isClosing = true
    await this.#underWay?.ended
    while (!this.#queue.isEmpty) this.#flush()
    this.#idle.stop()
    clearTimeout(this.#travel)
    if (!this.#closed && this.#failures === 0) this.#signAgain()
    this.#closed = true
    this.#segment?.close()
    this.#segment = undefined
  }

  #refusal(): SekishoError | undefined {
    if (this.#closed || this.#isClosing) return unwritable('the log is closed')
    if (this.#queue.isFull) return unwritable('too many leaves wait to be written')
    const waitedMs = this.#options.elapsedMs() - this.#failedAtMs
    if (this.#failures >= 2 && waitedMs < RETRY_PAUSE_MS) {
      return unwritable('the log could not be written a moment ago')
    }
    return undefined
  }

  #draft(leaf: object, signer?: LeafSigner): DraftLeaf {
    const nowText = this.#options.now().toISOString()
    const draft = draftLeaf(leaf, { nowText, after: this.#at, signer })
    this.#at = draft.at
    return draft
  }

  #wake(): void {
    if (this.#queue.isAwaited) return this.#schedule()
    this.#travel ??= setTimeout(() => {
      this.#travel = undefined
      if (!this.#queue.isEmpty) this.#schedule()
    }, TRAVEL_WAIT_MS)
  }

  /** Not at once: what this turn of the event loop still brings shares the flush. */
  #schedule(): void {
    if (this.#isScheduled || this.#underWay !== undefined) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (!this.#queue.isEmpty) this.#flush(true)
      if (!this.#queue.isEmpty) this.#schedule()
    })
  }

  /** @param aside whether the thread may go on while the disk has it */
  #flush(aside = false): SekishoError | undefined {
    let flush: Flush | undefined
    try {
      flush = this.#make()
      if (flush !== undefined && aside && this.#isBusy(flush)) {
        this.#writeAside(flush)
        return undefined
      }
      flush?.segment.append(flush.made.bytes)
      this.#end(flush)
    } catch (thrown) {
      return this.#fail(thrown, flush)
    }
    return undefined
  }

  /** Repeats first what has to be. @returns undefined when there is nothing else to write */
  #make(): Flush | undefined {
    const segment = this.#openSegment()
    if (this.#tip.hasRepeat) this.#repeat(segment)
    const gaps = this.#owed.slice(0, MAX_BATCH_LEAVES).map((intent) => this.#gapLeaf(intent))
    this.#taken = this.#queue.takeBatch(MAX_BATCH_LEAVES - gaps.length)
    if (gaps.length + this.#taken.length === 0) return undefined
    const made = this.#tip.make([...gaps, ...this.#taken], segment.position)
    return { segment, made, gaps: gaps.length }
  }

  /**
   * Whether others are likely to come while the disk has this. Another thread costs 17 µs of a
   * processor and of waiting; a caller alone is spared them, for the disk takes 100 µs and more.
   */
  #isBusy({ segment }: Flush): boolean {
    const count = countAwaited(this.#taken)
    const isBusy = count > 1 || this.#lastAwaited > 1
    this.#lastAwaited = count
    return isBusy && segment.isNamed
  }

  #writeAside(flush: Flush): void {
    const ended = Promise.withResolvers<void>()
    flush.segment.appendAside(flush.made.bytes, (failure) => {
      this.#underWay = undefined
      try {
        if (failure !== undefined) throw failure
        this.#end(flush)
      } catch (thrown) {
        this.#fail(thrown, flush)
      }
      if (!this.#queue.isEmpty) this.#wake()
      ended.resolve()
    })
    this.#underWay = { ended: ended.promise }
  }

  /** What was made is durable, or there was nothing to make. */
  #end(flush: Flush | undefined): void {
    if (flush !== undefined) {
      this.#advance(flush)
      this.#owed = this.#owed.slice(flush.gaps)
    }
    this.#failures = 0
    const taken = this.#taken
    this.#taken = []
    const first = this.size - taken.length
    for (const [offset, { resolve }] of taken.entries()) resolve(first + offset)
    this.#tellSealed()
    this.#idle.arm()
  }

  #advance({ segment, made }: Pick<Flush, 'segment' | 'made'>): void {
    this.#tip.advance(made)
    this.#noteSealed(segment, made.places)
  }

  #tellSealed(): void {
    for (const batch of this.#sealed) this.#options.onSealed(batch)
    this.#sealed = []
  }

  /** The head that is there, with both signatures; what cannot be written now, the next batch has. */
  #signAgain(): void {
    const { checkpoints } = this.#options
    if (this.#tip.hasRepeat || !checkpoints.owes(this.#tip.base.note)) return
    let made: MadeBatch | undefined
    try {
      const segment = this.#openSegment()
      made = this.#tip.make([], segment.position, true)
      segment.append(made.bytes)
      this.#advance({ segment, made })
    } catch (thrown) {
      this.#fail(thrown, made === undefined ? undefined : { made })
    }
  }

  #openSegment(): SegmentFile {
    if (this.#segment !== undefined && this.#segment.size < SEGMENT_BYTES) return this.#segment
    this.#segment?.close()
    this.#segment = undefined
    const number = this.#nextSegment
    const { dir, files } = this.#options
    this.#segment = SegmentFile.create({ dir, number }, files, this.#tip.base.headerText(number))
    this.#nextSegment = number + 1
    return this.#segment
  }

  #repeat(segment: SegmentFile): void {
    this.#noteSealed(segment, this.#tip.repeat(segment))
  }

  #noteSealed(segment: SegmentFile, leaves: SealedBatch['leaves']): void {
    this.#sealed.push({ segment: segment.number, leaves, head: this.#tip.head })
  }

  /** Stands before what is queued, so it must not be later. */
  #gapLeaf(entry: OpenEntry): DraftLeaf {
    const what = isSession(entry) ? 'start' : 'outcome'
    const leaf = { type: 'gap', ...entry, reason: `its ${what} could not be recorded` }
    const { first } = this.#queue
    if (first === undefined) return this.#draft(leaf)
    return draftLeaf(leaf, { nowText: first.at, after: this.#tip.base.at })
  }

  /** Turns everyone away who waits; the next append tries a new segment. */
  #fail(thrown: unknown, flush: Pick<Flush, 'made'> | undefined): SekishoError {
    const left = thrown instanceof AppendError ? thrown.left : undefined
    if (left === 'whole' && flush !== undefined) this.#tip.keep(flush.made)
    this.#tip.drop()
    this.#tellSealed() // what was repeated before the batch that failed
    if (left !== 'nothing') {
      this.#segment?.close()
      this.#segment = undefined
    }
    if (thrown instanceof SekishoError) this.#closed = true // our own fault: nothing is sure now
    this.#failures += 1
    this.#failedAtMs = this.#options.elapsedMs()
    const error = unwritable('the log could not be written', thrown)
    const turnedAway = [...this.#taken, ...this.#queue.takeAll()]
    this.#taken = []
    this.#admitAgain()
    for (const { reject } of turnedAway) reject(error)
    return error
  }

  /** What callers may close is what the log will hold open, less what they were told is not in it. */
  #admitAgain(): void {
    const { open, untold } = this.#tip
    const owed = new OpenEntries([...this.#owed, ...untold])
    this.#owed = open.filter((entry) => owed.has(entry))
    this.#admitted = new OpenEntries(open.filter((entry) => !owed.has(entry)))
  }
}

function unwritable(message: string, cause?: unknown): SekishoError {
  return new SekishoError('LOG_UNWRITABLE', message, {
    hint: 'free space on the disk of the state directory and see that it is writable',
    cause,
  })
}
