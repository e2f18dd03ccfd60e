import type { SekishoError } from '../../core/error.ts'
import type { DraftLeaf } from './leaf-text.ts'

export type QueuedLeaf = DraftLeaf & {
  /** whether something can only go on once it is durable */
  isAwaited: boolean
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
  #awaited = 0

  get isEmpty(): boolean {
    return this.#leaves.length === 0
  }

  get isFull(): boolean {
    return this.#leaves.length >= MAX_QUEUED
  }

  /** whether one is there that something waits for */
  get isAwaited(): boolean {
    return this.#awaited > 0
  }

  get first(): DraftLeaf | undefined {
    return this.#leaves[0]
  }

  push(leaf: QueuedLeaf): void {
    this.#leaves.push(leaf)
    if (leaf.isAwaited) this.#awaited += 1
  }

  /** As many as one write takes, and not more than `most`. */
  takeBatch(most: number): QueuedLeaf[] {
    let bytes = 0
    let count = 0
    for (const { maxBytes } of this.#leaves.slice(0, most)) {
      bytes += maxBytes
      if (bytes > MAX_BATCH_BYTES) break
      count += 1
    }
    return this.#take(count)
  }

  takeAll(): QueuedLeaf[] {
    return this.#take(this.#leaves.length)
  }

  #take(count: number): QueuedLeaf[] {
    const taken = this.#leaves.splice(0, count)
    this.#awaited -= countAwaited(taken)
    return taken
  }
}

export function countAwaited(leaves: readonly QueuedLeaf[]): number {
  return leaves.reduce((count, { isAwaited }) => count + (isAwaited ? 1 : 0), 0)
}
