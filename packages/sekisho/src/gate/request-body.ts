import { Readable } from 'node:stream'
import { type Deny, deny } from '../core/verdict.ts'
import { MAX_LISTED } from '../detect/egress/finding-merger.ts'
import type { Finding, Scan } from '../detect/egress/finding.ts'
import type { Misuse } from '../flow/ports.ts'
import { type BodyPiece, nextPiece } from './body-source.ts'
import type { EgressMeter } from './egress-meter.ts'
import { BodyReading } from './inspection/body-reading.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import { HiddenCoding } from './inspection/hidden-coding.ts'
import { lookIntoPack } from './inspection/pack-look.ts'
import { WholeBytes } from './inspection/whole-bytes.ts'
import { LateStop } from './late-stop.ts'
import type { BodyWatch } from './placeholders.ts'
import type { Turns } from './turns.ts'

/** Read at full speed; from here on a body takes turns with the others of its session. */
const FREE_BYTES = 64 * 1024
/** Looked at without a pause. */
const PIECE_BYTES = 16 * 1024
/** A body on which nothing moves for so long is given up. */
const IDLE_MS = 60_000
const MAX_REDACTIONS = 4_096
const STAR = 0x2a

/** What holds all bodies of one session: how much of them may leave, and how fast. */
export type BodyPace = { meter: Pick<EgressMeter, 'take'>; turns: Pick<Turns, 'next'> }

export type BodyLook = {
  /** undefined when the session has no placeholders that could be misused here */
  watch: BodyWatch | undefined
  scan: Scan
  /** the same, for another stream: what a body holds that is compressed and does not say so */
  another(): Pick<BodyLook, 'watch' | 'scan'>
  /** the objects of a pack are looked at one by one */
  isPush: boolean
  findings: FindingSet
  /** content-encoding */
  coding: string | undefined
  /** content-length */
  length: string | undefined
  /** looked at before the request leaves; the caller has room for so many */
  maxBytes: number
}

export type BodyRead =
  /** here to its end and looked at */
  | 'whole'
  /** the rest has to be streamed: too long */
  | 'partial'
  /** the agent went away or fell silent */
  | 'gone'

/** What of a request goes on behind its head. */
export interface OutgoingBody {
  /** handed on so far */
  readonly bytes: number
  /** here to its end */
  readonly isWhole: boolean
  /** here so far and not handed on */
  readonly heldBytes: number
  /** length of a body that is here to its end; else 0, and `toSend` takes bytes as they go */
  readonly wholeBytes: number
  /** one side of a conversation: what has not come yet is looked at before it leaves */
  readonly isConversation: boolean
  readonly misuse: Misuse | undefined
  /** why nobody can say what it says */
  readonly problem: Deny | undefined
  /** Reads what is looked at before the request is decided upon. */
  read(): Promise<BodyRead>
  /** All of it as it will be sent; undefined where that is not here. */
  content(): Buffer | undefined
  /** Lets go of what is held; the body is not sent. */
  drop(): void
  /**
   * A buffer when the whole body is here, which the caller has taken from the meter, else a stream
   * that takes what it yields and throws LateStop or EgressCut.
   */
  toSend(): Buffer | Readable
}

/**
 * One request's body. It is read and looked at whole before the request is decided upon, so that
 * what may not leave leaves no byte at the upstream; what comes after the cap, where a rule lets it
 * pass, is looked at as it goes by and breaks the request off.
 */
export class RequestBody implements OutgoingBody {
  readonly isConversation = false
  readonly #source: Readable
  readonly #look: BodyLook
  readonly #pace: BodyPace
  readonly #reading: BodyReading
  readonly #hidden: HiddenCoding
  #inside: { coding: string; look: Pick<BodyLook, 'watch' | 'scan'> } | undefined
  readonly #head: WholeBytes
  readonly #redactions: Finding[] = []
  #held = 0
  #told = 0
  #packProblem: Deny | undefined
  #isWhole = false
  #bytes = 0
  #misuse: Misuse | undefined

  constructor(source: Readable, look: BodyLook, pace: BodyPace) {
    this.#source = source
    this.#look = look
    this.#pace = pace
    this.#head = new WholeBytes(look.length)
    this.#reading = new BodyReading(look.coding, (piece) => this.#see(piece), look.maxBytes)
    this.#hidden = new HiddenCoding(
      (coding, piece) => this.#seeInside(coding, piece),
      look.maxBytes,
    )
  }

  get bytes(): number {
    return this.#bytes
  }

  get isWhole(): boolean {
    return this.#isWhole
  }

  get heldBytes(): number {
    return this.#held
  }

  get wholeBytes(): number {
    return this.#isWhole ? this.#held : 0
  }

  get misuse(): Misuse | undefined {
    return this.#misuse
  }

  get problem(): Deny | undefined {
    return this.#reading.problem ?? this.#hidden.problem ?? this.#packProblem
  }

  /** Reads up to the cap. Resolves early when something stops the request. */
  async read(): Promise<BodyRead> {
    for (;;) {
      const chunk = await this.#next()
      if (chunk === 'gone') return 'gone'
      if (chunk === 'end') return this.#finish()
      this.#held += chunk.length
      await this.#readOn(this.#head.add(chunk))
      if (this.#isStopped()) return 'whole'
      if (this.#held > this.#look.maxBytes) return 'partial'
    }
  }

  content(): Buffer | undefined {
    return this.#isWhole ? this.#redact(this.#head.whole()) : undefined
  }

  drop(): void {
    this.#head.take()
    this.#reading.destroy()
    this.#hidden.destroy()
  }

  toSend(): Buffer | Readable {
    if (!this.#isWhole) return Readable.from(this.#stream(), { objectMode: false })
    const whole = this.#head.whole()
    this.#head.take()
    this.#bytes = whole.length
    return this.#redact(whole)
  }

  async #finish(): Promise<BodyRead> {
    await this.#endLook()
    if (this.#look.isPush && !this.#isStopped()) this.#packProblem = await this.#lookIntoPack()
    this.#isWhole = true
    return 'whole'
  }

  /** In small pieces: while one is looked at, nobody else in the gate gets anything. */
  async #readOn(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length && !this.#isStopped(); at += PIECE_BYTES) {
      const startedMs = performance.now()
      const piece = chunk.subarray(at, at + PIECE_BYTES)
      await this.#reading.write(piece)
      if (this.#look.coding === undefined) await this.#hidden.write(piece)
      if (this.#held + this.#bytes < FREE_BYTES) continue
      await this.#pace.turns.next(performance.now() - startedMs)
    }
  }

  async #endLook(): Promise<void> {
    await this.#reading.end()
    this.#found(this.#look.scan.end())
    await this.#hidden.end()
    if (this.#inside !== undefined) this.#foundInside(this.#inside.look.scan.end())
  }

  /** A push is compressed object by object, and never as a whole. */
  async #lookIntoPack(): Promise<Deny | undefined> {
    if (!this.#reading.isPlain) return deny('invariant.body-encoding', 'a push that is encoded')
    const { maxBytes } = this.#look
    const see = (object: Buffer): boolean => {
      this.#inside = { coding: 'git', look: this.#look.another() }
      this.#seeInside('git', object)
      this.#foundInside(this.#inside.look.scan.end())
      return this.#isStopped()
    }
    const nextTurn = (): Promise<void> => this.#pace.turns.next()
    return lookIntoPack(this.#head.whole(), { maxBytes, see, nextTurn })
  }

  #isStopped(): boolean {
    return (
      this.#misuse !== undefined ||
      this.problem !== undefined ||
      this.#look.findings.stopping?.kind === 'deny'
    )
  }

  #see(piece: Buffer): void {
    this.#misuse ??= this.#look.watch?.(piece)
    this.#found(this.#look.scan.push(piece))
  }

  #seeInside(coding: string, piece: Buffer): void {
    this.#inside ??= { coding, look: this.#look.another() }
    this.#misuse ??= this.#inside.look.watch?.(piece)
    this.#foundInside(this.#inside.look.scan.push(piece))
  }

  #foundInside(findings: readonly Finding[]): void {
    for (const finding of findings) {
      const inner = finding.view === undefined ? '' : `>${finding.view}`
      this.#look.findings.add(finding, `body (${this.#inside?.coding}${inner})`, false)
    }
  }

  #found(findings: readonly Finding[]): void {
    this.#told += findings.length
    for (const finding of findings) {
      const { view } = finding
      const canRedact =
        view === undefined &&
        this.#reading.isPlain &&
        this.#bytes === 0 &&
        this.#redactions.length < MAX_REDACTIONS
      const place = view === undefined ? 'body' : `body (${view})`
      const treatment = this.#look.findings.add(finding, place, canRedact)
      if (treatment === 'redact') this.#redactions.push(finding)
    }
    // behind so many findings a scan tells of no more: what it does not tell of would leave uncovered
    const [covered] = this.#redactions
    if (this.#told >= MAX_LISTED && covered !== undefined) {
      this.#look.findings.add(covered, 'body', false)
    }
  }

  /** As many bytes as before: the declared length stays true, and JSON stays JSON. */
  #redact(whole: Buffer): Buffer {
    if (this.#redactions.length === 0) return whole
    const covered = Buffer.from(whole)
    for (const { start, end } of this.#redactions) covered.fill(STAR, start, end)
    return covered
  }

  #takeHeld(): Buffer[] {
    const held = this.#head.take()
    return this.#redactions.length === 0 ? held : [this.#redact(Buffer.concat(held))]
  }

  async *#stream(): AsyncGenerator<Buffer> {
    for (const chunk of this.#takeHeld()) {
      this.#pace.meter.take(chunk.length)
      this.#bytes += chunk.length
      yield chunk
    }
    for (;;) {
      const chunk = await this.#next()
      if (chunk === 'gone') throw new Error('the agent went away')
      if (chunk === 'end') break
      await this.#readOn(chunk)
      this.#throwIfStopped()
      this.#pace.meter.take(chunk.length)
      this.#bytes += chunk.length
      yield chunk
    }
    await this.#endLook()
    this.#throwIfStopped()
  }

  #throwIfStopped(): void {
    if (this.#misuse !== undefined) throw new LateStop(this.#misuse)
    const { stopping } = this.#look.findings
    if (stopping === undefined) return
    throw new LateStop({ kind: 'deny', rules: stopping.rules, reason: stopping.reason })
  }

  #next(): Promise<BodyPiece> {
    return nextPiece(this.#source, IDLE_MS)
  }
}
