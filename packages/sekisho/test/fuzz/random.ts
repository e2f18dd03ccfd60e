/** Numbers from a seed (xorshift128, Marsaglia 2003): a failing run is run again with its seed. */
export class Random {
  readonly #state: Uint32Array

  constructor(seed: number) {
    this.#state = new Uint32Array([seed, seed ^ 0x9e37_79b9, 0x243f_6a88, 0xb7e1_5162])
    for (let round = 0; round < 16; round++) this.#next()
  }

  /** 0 to below `end` */
  below(end: number): number {
    return this.#next() % end
  }

  /** true once in `times` */
  once(times: number): boolean {
    return this.below(times) === 0
  }

  pick<T>(from: readonly [T, ...T[]]): T {
    return from[this.below(from.length)] ?? from[0]
  }

  /** `least` to `most` of them, in order */
  some(make: () => string, least: number, most: number): string {
    let text = ''
    for (let left = least + this.below(most - least + 1); left > 0; left--) text += make()
    return text
  }

  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length)
    for (let at = 0; at < length; at++) bytes[at] = this.#next()
    return bytes
  }

  #next(): number {
    const [x = 0, y = 0, z = 0, w = 0] = this.#state
    const t = x ^ (x << 11)
    const next = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0
    this.#state.set([y, z, w, next])
    return next
  }
}
