import type { Deny } from '../../core/verdict.ts'
import { BodyReading } from './body-reading.ts'

/** How a compressed file begins, and the coding that undoes it. */
const MAGIC: readonly (readonly [coding: string, bytes: Buffer])[] = [
  ['gzip', Buffer.from([0x1f, 0x8b])], // RFC 1952 §2.3.1
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])], // RFC 8878 §3.1.1
]
const LONGEST_MAGIC = 4

/**
 * Looks into a body that is compressed and does not say so: an upload of a `.gz` is one, and so is
 * a secret that somebody wants past the detectors. What cannot be undone after all is left alone;
 * what grows without measure is a `problem`.
 */
export class HiddenCoding {
  readonly #see: (coding: string, piece: Buffer) => void
  readonly #maxBytes: number
  #start: Buffer = Buffer.alloc(0)
  #isKnown = false
  #reading: BodyReading | undefined

  /** @param see called with each piece of what was hidden */
  constructor(see: (coding: string, piece: Buffer) => void, maxBytes: number) {
    this.#see = see
    this.#maxBytes = maxBytes
  }

  get problem(): Deny | undefined {
    const problem = this.#reading?.problem
    return problem?.rules.includes('invariant.body-bomb') === true ? problem : undefined
  }

  /** Resolves when the next piece may come. */
  write(piece: Buffer): Promise<void> | undefined {
    if (this.#isKnown) return this.#reading?.write(piece)
    this.#start = this.#start.length === 0 ? piece : Buffer.concat([this.#start, piece])
    if (this.#start.length < LONGEST_MAGIC) return undefined
    const start = this.#start
    this.#start = Buffer.alloc(0)
    this.#isKnown = true
    const [coding] = MAGIC.find(([, bytes]) => start.subarray(0, bytes.length).equals(bytes)) ?? []
    if (coding === undefined) return undefined
    this.#reading = new BodyReading(coding, (part) => this.#see(coding, part), this.#maxBytes)
    return this.#reading.write(start)
  }

  /** Resolves when all has been seen. */
  end(): Promise<void> | undefined {
    return this.#reading?.end()
  }

  destroy(): void {
    this.#reading?.destroy()
  }
}
