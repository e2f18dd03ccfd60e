import type { Span } from '../detector.ts'

/** So many places are remembered; findings come long before they are forgotten. */
const MAX_PLACES = 65_536

/**
 * Which place of the input each byte of an output came from: copied stretches, and escapes that
 * became a few bytes.
 */
export class Origins {
  /** where in the output each begins; in order */
  #outputs: number[] = []
  #inputs: number[] = []
  /** bytes of the input that an escape took; 0 for a copied stretch, -1 for a gap */
  #widths: number[] = []

  copied(output: number, input: number): void {
    this.#add(output, input, 0)
  }

  escaped(output: number, input: number, width: number): void {
    this.#add(output, input, width)
  }

  gap(output: number): void {
    this.#add(output, 0, -1)
  }

  of({ start, end }: Span): Span | undefined {
    const first = this.#indexOf(start)
    const last = this.#indexOf(end - 1)
    if (first < 0) return undefined
    for (let index = first; index <= last; index++) if (this.#widths[index] === -1) return undefined
    return { start: this.#inputAt(first, start), end: this.#inputAfter(last, end - 1) }
  }

  #inputAt(index: number, output: number): number {
    const input = this.#inputs[index] ?? 0
    return this.#widths[index] === 0 ? input + output - (this.#outputs[index] ?? 0) : input
  }

  #inputAfter(index: number, output: number): number {
    const width = this.#widths[index] ?? 0
    return width === 0 ? this.#inputAt(index, output) + 1 : (this.#inputs[index] ?? 0) + width
  }

  #add(output: number, input: number, width: number): void {
    if (this.#outputs.length >= MAX_PLACES) this.#forget()
    this.#outputs.push(output)
    this.#inputs.push(input)
    this.#widths.push(width)
  }

  #forget(): void {
    this.#outputs = this.#outputs.slice(MAX_PLACES / 2)
    this.#inputs = this.#inputs.slice(MAX_PLACES / 2)
    this.#widths = this.#widths.slice(MAX_PLACES / 2)
  }

  /** The last that begins at or before a place; -1 when it is forgotten. */
  #indexOf(output: number): number {
    let [low, high] = [0, this.#outputs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#outputs[middle] ?? 0) <= output) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}
