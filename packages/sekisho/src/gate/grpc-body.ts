import { Readable } from 'node:stream'
import type { Deny } from '../core/verdict.ts'
import type { Misuse } from '../flow/ports.ts'
import { type BodyPiece, nextPiece } from './body-source.ts'
import { type GrpcLook, GrpcMessageLook } from './grpc-message-look.ts'
import type { HeldBytes } from './inspection/held-bytes.ts'
import { LateStop } from './late-stop.ts'
import type { BodyPace, BodyRead, OutgoingBody } from './request-body.ts'

/** A message's flag and length (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const PREFIX_BYTES = 5
/** The head waits so long for the first message, so that one that may not leave takes none along. */
const FIRST_MESSAGE_MS = 250
/** A message of which nothing more comes for so long is given up; between two, all is quiet. */
const IDLE_MS = 60_000
/** What passes between two turns. */
const TURN_BYTES = 64 * 1024
const COST_OF_MESSAGE = 256

type Message = { bytes: Buffer; release(): void }
type Next = Message | 'end' | 'gone'

/**
 * The messages of one gRPC call. Each is held until it is whole and has been looked at; the call
 * may go on for hours, and its reply may begin before it ends.
 */
export class GrpcBody implements OutgoingBody {
  readonly isConversation = true
  readonly isWhole = false
  readonly wholeBytes = 0
  readonly #source: Readable
  readonly #look: GrpcLook
  readonly #seen: GrpcMessageLook
  readonly #pace: BodyPace & { heldBytes: HeldBytes }
  #first: Promise<Next> | undefined
  #rest: Buffer = Buffer.alloc(0)
  #bytes = 0
  #held = 0
  #sinceTurn = 0

  constructor(source: Readable, look: GrpcLook, pace: BodyPace & { heldBytes: HeldBytes }) {
    this.#source = source
    this.#look = look
    this.#seen = new GrpcMessageLook(look)
    this.#pace = pace
  }

  get heldBytes(): number {
    return this.#held
  }

  get bytes(): number {
    return this.#bytes
  }

  get misuse(): Misuse | undefined {
    return this.#seen.misuse
  }

  get problem(): Deny | undefined {
    return this.#seen.problem
  }

  /** Waits for the first message, but not long: a call may begin with its server's words. */
  async read(): Promise<BodyRead> {
    const first = this.#nextMessage()
    this.#first = first
    first.catch(() => undefined) // whoever sends meets it
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), FIRST_MESSAGE_MS)
    })
    const next = await Promise.race([first, late])
    clearTimeout(timer)
    if (typeof next !== 'string') this.#held = next.bytes.length
    return next === 'gone' ? 'gone' : 'partial'
  }

  /** It comes message by message. */
  content(): undefined {
    return undefined
  }

  drop(): void {
    void this.#first?.then(
      (first) => {
        if (typeof first !== 'string') first.release()
      },
      () => undefined,
    )
    this.#first = undefined
  }

  toSend(): Readable {
    return Readable.from(this.#stream(), { objectMode: false })
  }

  async *#stream(): AsyncGenerator<Buffer> {
    for (;;) {
      const next = await (this.#first ?? this.#nextMessage())
      this.#first = undefined
      this.#throwIfStopped()
      if (next === 'end') return
      if (next === 'gone') throw new Error('the agent went away')
      try {
        await this.#takeTurn(next.bytes.length)
        this.#pace.meter.take(next.bytes.length)
        this.#bytes += next.bytes.length
        yield next.bytes
      } finally {
        next.release()
      }
    }
  }

  async #takeTurn(bytes: number): Promise<void> {
    this.#sinceTurn += bytes + COST_OF_MESSAGE
    if (this.#sinceTurn <= TURN_BYTES) return
    this.#sinceTurn = 0
    await this.#pace.turns.next()
  }

  /** One message that is whole and has been looked at. */
  async #nextMessage(): Promise<Next> {
    const prefix = await this.#gather(PREFIX_BYTES, undefined)
    if (typeof prefix === 'string') return prefix
    const [flag = 0] = prefix
    const length = prefix.readUInt32BE(1)
    const { maxBytes } = this.#look
    if (length > maxBytes) {
      const reason = `a message of more than the ${maxBytes} bytes inspected`
      this.#seen.fail('invariant.body-too-long', reason)
      return 'end'
    }
    const release = await this.#pace.heldBytes.take(length + (flag === 0 ? 0 : maxBytes))
    const message = await this.#gather(length, IDLE_MS)
    if (typeof message === 'string') {
      release()
      return message
    }
    await this.#seen.see(flag, message)
    return { bytes: Buffer.concat([prefix, message]), release }
  }

  /** So many bytes. An end in the middle of them is a problem. */
  async #gather(bytes: number, idleMs: number | undefined): Promise<BodyPiece> {
    if (this.#rest.length >= bytes) return this.#cut(this.#rest, bytes)
    const pieces = [this.#rest]
    let held = this.#rest.length
    while (held < bytes) {
      const piece = await nextPiece(this.#source, held > 0 ? IDLE_MS : idleMs)
      if (typeof piece !== 'string') {
        pieces.push(piece)
        held += piece.length
        continue
      }
      if (held > 0 || idleMs !== undefined) {
        this.#seen.fail('invariant.body-incomplete', 'a message broke off')
      }
      return piece
    }
    return this.#cut(Buffer.concat(pieces), bytes)
  }

  #cut(all: Buffer, at: number): Buffer {
    this.#rest = all.subarray(at)
    return all.subarray(0, at)
  }

  #throwIfStopped(): void {
    const { misuse, problem } = this.#seen
    if (misuse !== undefined) throw new LateStop(misuse)
    const by = problem ?? this.#look.findings.stopping
    if (by === undefined) return
    throw new LateStop({ kind: 'deny', rules: by.rules, reason: by.reason })
  }
}
