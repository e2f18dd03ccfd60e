import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Misuse } from '../flow/ports.ts'
import type { EgressMeter } from './egress-meter.ts'
import type { BodyWatch } from './placeholders.ts'
import type { Turns } from './turns.ts'

/** The beginning of a body is read before anything leaves, up to here or this long. */
const HEAD_BYTES = 256 * 1024
const HEAD_MS = 100

/** What holds all bodies of one session: how much of them may leave, and how fast. */
export type BodyPace = { meter: Pick<EgressMeter, 'take'>; turns: Pick<Turns, 'next'> }

/** A placeholder in a part of the body that came after the request had left. */
export class LateMisuse extends Error {
  override readonly name = 'LateMisuse'
  readonly misuse: Misuse

  constructor(misuse: Misuse) {
    super('a placeholder in the body')
    this.misuse = misuse
  }
}

/**
 * One request's body, watched as it goes by. Its beginning is looked at before the request is
 * decided upon: most bodies are whole by then, and a misuse leaves no byte at the upstream. The
 * rest is streamed, never gathered.
 */
export class RequestBody {
  readonly #request: IncomingMessage
  readonly #watch: BodyWatch | undefined
  readonly #pace: BodyPace
  readonly #head: Buffer[] = []
  #isWhole = false
  #bytes = 0

  /** @param watch undefined when there is nothing to look for: then nothing is held */
  constructor(request: IncomingMessage, watch: BodyWatch | undefined, pace: BodyPace) {
    this.#request = request
    this.#watch = watch
    this.#pace = pace
  }

  /** bytes handed on so far */
  get bytes(): number {
    return this.#bytes
  }

  /** length of a body that is here to its end; else 0, and `toSend` takes bytes as they go */
  get wholeBytes(): number {
    return this.#isWhole ? this.#head.reduce((sum, { length }) => sum + length, 0) : 0
  }

  /** A misuse found in the beginning. Resolves at its bound, in time or in bytes. */
  readHead(): Promise<Misuse | undefined> {
    const watch = this.#watch
    if (watch === undefined) return Promise.resolve(undefined)
    const request = this.#request
    return new Promise((resolve) => {
      let held = 0
      const finish = (misuse?: Misuse): void => {
        clearTimeout(timer)
        request.pause()
        request.off('data', data).off('end', end).off('close', stop)
        resolve(misuse)
      }
      const stop = (): void => finish()
      const end = (): void => {
        this.#isWhole = true
        finish()
      }
      const data = (chunk: Buffer): void => {
        this.#head.push(chunk)
        held += chunk.length
        const misuse = watch(chunk)
        if (misuse !== undefined || held >= HEAD_BYTES) finish(misuse)
      }
      const timer = setTimeout(stop, HEAD_MS)
      request.on('data', data).on('end', end).on('close', stop)
    })
  }

  /**
   * For undici: a buffer when the whole body is here, which the caller has taken from the meter,
   * else a stream that takes what it yields and throws LateMisuse or EgressCut.
   */
  toSend(): Buffer | Readable {
    if (!this.#isWhole) return Readable.from(this.#stream(), { objectMode: false })
    const [only] = this.#head
    const whole = this.#head.length === 1 && only !== undefined ? only : Buffer.concat(this.#head)
    this.#bytes = whole.length
    return whole
  }

  async *#stream(): AsyncGenerator<Buffer> {
    for (const chunk of this.#head.splice(0)) {
      this.#pace.meter.take(chunk.length)
      this.#bytes += chunk.length
      yield chunk
    }
    // an upstream that answers early must not tear down the agent's connection
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false })) {
      if (!(chunk instanceof Buffer)) continue // a request without an encoding yields buffers only
      const misuse = this.#watch?.(chunk)
      if (misuse !== undefined) throw new LateMisuse(misuse)
      if (this.#bytes > 0) await this.#pace.turns.next()
      this.#pace.meter.take(chunk.length)
      this.#bytes += chunk.length
      yield chunk
    }
  }
}
