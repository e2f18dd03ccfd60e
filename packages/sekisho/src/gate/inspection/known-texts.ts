import type { Finding, Scan } from '../../detect/egress/finding.ts'

/** Places kept of one stream: findings come some way behind them. */
const MAX_PLACES = 1_024

type Place = { start: number; end: number }

/**
 * A scan that does not mind certain texts: a placeholder has the form of the secret that it stands
 * for, and is worth nothing. Only what lies within such a text is let go, so that nothing can be
 * hidden by writing it beside one.
 */
export class ForgivingScan implements Scan {
  readonly #inner: Scan
  readonly #texts: readonly Buffer[]
  readonly #longest: number
  #places: Place[] = []
  #tail: Buffer = Buffer.alloc(0)
  #seen = 0

  constructor(inner: Scan, texts: readonly Buffer[]) {
    this.#inner = inner
    this.#texts = texts
    this.#longest = Math.max(0, ...texts.map(({ length }) => length))
  }

  push(piece: Uint8Array): readonly Finding[] {
    this.#note(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
    return this.#keep(this.#inner.push(piece))
  }

  end(): readonly Finding[] {
    return this.#keep(this.#inner.end())
  }

  #keep(findings: readonly Finding[]): readonly Finding[] {
    if (findings.length === 0 || this.#places.length === 0) return findings
    return findings.filter(
      (finding) =>
        !this.#places.some(({ start, end }) => start <= finding.start && finding.end <= end),
    )
  }

  #note(piece: Buffer): void {
    const bytes = this.#tail.length === 0 ? piece : Buffer.concat([this.#tail, piece])
    const from = this.#seen - this.#tail.length
    for (const text of this.#texts) {
      for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
        this.#places.push({ start: from + at, end: from + at + text.length })
      }
    }
    if (this.#places.length > MAX_PLACES) this.#places = this.#places.slice(-MAX_PLACES)
    this.#seen += piece.length
    // a copy: a view would keep the whole piece alive
    this.#tail = Buffer.from(bytes.subarray(Math.max(0, bytes.length - this.#longest + 1)))
  }
}
