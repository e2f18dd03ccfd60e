import type { SekishoError } from '../../core/error.ts'
import type { PreparedLeaf } from './leaf-text.ts'

export type QueuedLeaf = PreparedLeaf & {
  resolve: (index: number) => void
  reject: (error: SekishoError) => void
}

/** Bytes of one write; a batch that is longer goes out in several. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024
/** Leaves waiting above this are refused: callers are faster than the disk. */
const MAX_QUEUED = 16_384

/** Leaves that wait to be written, in the order of the log. */
export class LeafQueue {
  #leaves: QueuedLeaf[] = []

  get isEmpty(): boolean {
    return this.#leaves.length === 0
  }

  get isFull(): boolean {
    return this.#leaves.length >= MAX_QUEUED
  }

  get first(): PreparedLeaf | undefined {
    return this.#leaves[0]
  }

  push(leaf: QueuedLeaf): void {
    this.#leaves.push(leaf)
  }

  /** As many as one write takes, and not more than `most`. */
  takeBatch(most: number): QueuedLeaf[] {
    let bytes = 0
    let count = 0
    for (const { line } of this.#leaves.slice(0, most)) {
      bytes += line.length
      if (bytes > MAX_BATCH_BYTES) break
      count += 1
    }
    return this.#leaves.splice(0, count)
  }

  takeAll(): QueuedLeaf[] {
    return this.#leaves.splice(0)
  }
}
