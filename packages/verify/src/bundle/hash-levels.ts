import { HASH_BYTES, nodeHash } from '../merkle.ts'

/**
 * The hashes of a tree's full subtrees, level by level, for proofs of leaves in it: 64 bytes a
 * leaf, which a million leaves fit in 64 MB with.
 */
export class HashLevels {
  readonly #levels: Level[] = []

  get size(): number {
    return this.#levels[0]?.length ?? 0
  }

  append(hash: Buffer): void {
    let node = hash
    for (let height = 0; ; height += 1) {
      const level = (this.#levels[height] ??= new Level())
      level.push(node)
      if (level.length % 2 === 1) return
      node = nodeHash(level.at(level.length - 2), level.at(level.length - 1))
    }
  }

  /** The path that proves leaf `index` of all (RFC 9162 §2.1.3.1), the leaf's sibling first. */
  inclusion(index: number): Buffer[] {
    if (!(index >= 0 && index < this.size)) throw new RangeError(`no leaf ${index}`)
    const path: Buffer[] = []
    let [start, end] = [0, this.size]
    while (end - start > 1) {
      const middle = start + splitOf(end - start)
      const isLeft = index < middle
      path.push(isLeft ? this.#root(middle, end) : this.#root(start, middle))
      if (isLeft) end = middle
      else start = middle
    }
    return path.toReversed()
  }

  /** Root over leaves from `start` to before `end`, where a subtree begins. */
  #root(start: number, end: number): Buffer {
    const height = Math.log2(end - start)
    if (Number.isInteger(height)) return this.#node(height, start / (end - start))
    const middle = start + splitOf(end - start)
    return nodeHash(this.#root(start, middle), this.#root(middle, end))
  }

  #node(height: number, at: number): Buffer {
    const level = this.#levels[height]
    if (level === undefined) throw new RangeError(`no level ${height}`)
    return level.at(at)
  }
}

/** Hashes side by side in one growing buffer. */
class Level {
  #bytes = Buffer.alloc(64 * HASH_BYTES)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(hash: Buffer): void {
    const at = this.#length * HASH_BYTES
    if (at === this.#bytes.length) {
      const grown = Buffer.alloc(at * 2)
      this.#bytes.copy(grown)
      this.#bytes = grown
    }
    hash.copy(this.#bytes, at)
    this.#length += 1
  }

  at(index: number): Buffer {
    return this.#bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES)
  }
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}
