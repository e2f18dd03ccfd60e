import { deriveInMemory, LogTiles } from './log-tiles.ts'
import { TileReader } from './tile-reader.ts'

/**
 * Proofs of a log on the disk, for one tree head. The tiles and the index beside the segments make
 * them fast; nothing of that is believed, and where it is missing or wrong the leaves are read.
 */
export class LogProofs {
  readonly #head: { size: number; root: Buffer }
  readonly #rederive: () => Promise<LogTiles>
  #reader: Promise<TileReader>
  #isRederived = false

  /**
   * @param head of a checkpoint whose signature was checked
   * @param rederive what to read after the tiles were found to be wrong; once
   */
  constructor(
    head: { size: number; root: Buffer },
    tiles: LogTiles,
    rederive: () => Promise<LogTiles>,
  ) {
    this.#head = head
    this.#rederive = rederive
    this.#reader = TileReader.open(head, tiles)
    this.#reader.catch(() => undefined) // whoever asks for a proof is told
  }

  /** Root of the first `size` leaves. @throws RangeError beyond the head; Error as {@link inclusion} */
  root(size: number): Promise<Buffer> {
    return this.#ask((reader) => reader.root(size))
  }

  /**
   * @throws RangeError for a leaf that the tree does not have; Error when the log's own leaves do
   * not give the head's root
   */
  inclusion(index: number, size: number = this.#head.size): Promise<Buffer[]> {
    return this.#ask((reader) => reader.inclusion(index, size))
  }

  /** @throws as {@link inclusion} */
  consistency(oldSize: number, size: number = this.#head.size): Promise<Buffer[]> {
    return this.#ask((reader) => reader.consistency(oldSize, size))
  }

  /** The leaves of block `index`: 256, or fewer at the right edge. @throws as {@link inclusion} */
  bundle(index: number): Promise<Buffer[]> {
    return this.#ask((reader) => reader.bundle(index))
  }

  async #ask<T>(question: (reader: TileReader) => Promise<T>): Promise<T> {
    try {
      return await question(await this.#reader)
    } catch (error) {
      if (error instanceof RangeError || this.#isRederived) throw error
      this.#isRederived = true
      this.#reader = this.#rederive().then((tiles) => TileReader.open(this.#head, tiles))
      return question(await this.#reader)
    }
  }
}

/**
 * For whoever reads a log beside its writer, or without one, and writes nothing.
 *
 * @param head of a checkpoint of this log whose signature was checked
 */
export function openTiles(dir: string, head: { size: number; root: Buffer }): LogProofs {
  return new LogProofs(head, new LogTiles(dir), async () => {
    return new LogTiles(dir, await deriveInMemory(dir, head.size))
  })
}
