import { type Deny, deny } from '../../core/verdict.ts'
import { GrowsTooMuch, makeDecoder, type ReplyDecoder } from '../reply-decoder.ts'

/** A body may be so many times its own cap once its coding is undone. */
const MAX_DECODED_FACTOR = 8

/**
 * Undoes a body's content coding and shows what it says, piece by piece. A body that cannot be
 * read, or that grows without measure, has a `problem`: nobody has seen what it says then.
 */
export class BodyReading {
  readonly #see: (piece: Buffer) => void
  readonly #maxDecodedBytes: number
  readonly #decoder: ReplyDecoder | undefined
  #decoded = 0
  #problem: Deny | undefined
  #drained: (() => void) | undefined
  #ended: (() => void) | undefined

  /**
   * @param coding value of `content-encoding`; undefined for none
   * @param see called with each piece in the clear
   */
  constructor(coding: string | undefined, see: (piece: Buffer) => void, maxBytes: number) {
    this.#see = see
    this.#maxDecodedBytes = maxBytes * MAX_DECODED_FACTOR
    const name = (coding ?? 'identity').trim().toLowerCase()
    if (name === 'identity' || name === '') return
    this.#decoder = makeDecoder(name, {
      data: (piece) => this.#take(piece),
      drain: () => this.#settleDrain(),
      end: () => this.#settleAll(),
      error: (error) => this.#fail(ruleFor(error), `${name}: ${error.message}`),
    })
    if (this.#decoder === undefined) {
      this.#fail('invariant.body-encoding', `a body encoded as ${name.slice(0, 64)}`)
    }
  }

  /** whether the bytes on the wire are the bytes that were seen */
  get isPlain(): boolean {
    return this.#decoder === undefined && this.#problem === undefined
  }

  get problem(): Deny | undefined {
    return this.#problem
  }

  /** Resolves when the next piece may come. */
  write(piece: Buffer): Promise<void> | undefined {
    if (this.#problem !== undefined) return undefined
    if (this.#decoder === undefined) {
      this.#see(piece)
      return undefined
    }
    if (this.#decoder.write(piece)) return undefined
    const earlier = this.#drained
    return new Promise((resolve) => {
      this.#drained = () => {
        earlier?.() // a piece that was on its way already
        resolve()
      }
    })
  }

  /** Resolves when all has been seen. */
  end(): Promise<void> | undefined {
    if (this.#problem !== undefined || this.#decoder === undefined) return undefined
    const decoder = this.#decoder
    return new Promise((resolve) => {
      this.#ended = resolve
      decoder.end()
    })
  }

  destroy(): void {
    this.#decoder?.destroy()
    this.#settleAll()
  }

  #take(piece: Buffer): void {
    this.#decoded += piece.length
    if (this.#problem !== undefined) return
    if (this.#decoded <= this.#maxDecodedBytes) return this.#see(piece)
    this.#fail('invariant.body-bomb', `a body that grows above ${this.#maxDecodedBytes} bytes`)
  }

  #fail(rule: string, reason: string): void {
    this.#problem ??= deny(rule, reason)
    this.#decoder?.destroy()
    this.#settleAll()
  }

  #settleDrain(): void {
    const drained = this.#drained
    this.#drained = undefined
    drained?.()
  }

  #settleAll(): void {
    this.#settleDrain()
    this.#ended?.()
  }
}

function ruleFor(error: Error): string {
  return error instanceof GrowsTooMuch ? 'invariant.body-bomb' : 'invariant.body-encoding'
}
