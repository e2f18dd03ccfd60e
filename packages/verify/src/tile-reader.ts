import { leafHash, nodeHash, treeRoot } from './merkle.ts'
import { rootOfLevels } from './tile-builder.ts'
import {
  parseBundle,
  parseTile,
  partialTiles,
  type Tile,
  TILE_WIDTH,
  tileAt,
  tilePath,
  tileRoot,
} from './tiles.ts'

/** Where the files of a tiled log are. */
export type TileSource = {
  /** @param path below the log's prefix; undefined when there is no such file */
  read(path: string): Promise<Buffer | undefined>
}

/** 8 KB each. */
const MAX_TILES_KEPT = 512

/**
 * Computes roots and proofs of a log from its tiles, and believes no tile: each is compared with
 * the tile above it, and those at the right edge together with the root of the tree head.
 * Reads a number of tiles that grows with the logarithm of the log's size.
 */
export class TileReader {
  readonly #size: number
  readonly #source: TileSource
  /** by path; only what was compared */
  readonly #kept = new Map<string, Buffer[]>()

  private constructor(size: number, source: TileSource) {
    this.#size = size
    this.#source = source
  }

  /**
   * @param head of a checkpoint whose signature was checked
   * @throws Error when the tiles at the right edge are missing or do not give that root
   */
  static async open(head: { size: number; root: Buffer }, source: TileSource): Promise<TileReader> {
    const reader = new TileReader(head.size, source)
    const levels: Buffer[][] = []
    for (const tile of partialTiles(head.size)) {
      const hashes = await reader.#fetch(tile)
      reader.#kept.set(tilePath(tile), hashes)
      if (tile.level !== 'entries') levels[tile.level] = hashes
    }
    const root = rootOfLevels(Array.from(levels, (hashes) => hashes ?? []))
    if (!root.equals(head.root)) throw new Error('the tiles are not those of the tree head')
    return reader
  }

  get size(): number {
    return this.#size
  }

  /** Root of the first `size` leaves. */
  root(size: number): Promise<Buffer> {
    this.#mustHold(size)
    return this.#range(0, size)
  }

  /** The proof that leaf `index` is in the tree of the first `size` leaves (RFC 9162 §2.1.3). */
  async inclusion(index: number, size: number = this.#size): Promise<Buffer[]> {
    this.#mustHold(size)
    if (!isPosition(index) || index >= size) throw new RangeError(`no leaf ${index}`)
    const proof: Buffer[] = []
    let [start, end] = [0, size]
    while (end - start > 1) {
      const middle = start + splitOf(end - start)
      const isLeft = index < middle
      proof.push(await (isLeft ? this.#range(middle, end) : this.#range(start, middle)))
      if (isLeft) end = middle
      else start = middle
    }
    return proof.toReversed()
  }

  /** The proof that the first `oldSize` leaves are a prefix of the first `size` (§2.1.4). */
  async consistency(oldSize: number, size: number = this.#size): Promise<Buffer[]> {
    this.#mustHold(size)
    if (!isPosition(oldSize) || oldSize < 1 || oldSize > size) {
      throw new RangeError(`no tree of size ${oldSize}`)
    }
    const proof: Buffer[] = []
    let [start, end] = [0, size]
    while (end > oldSize) {
      const middle = start + splitOf(end - start)
      const isLeft = oldSize <= middle
      proof.push(await (isLeft ? this.#range(middle, end) : this.#range(start, middle)))
      if (isLeft) end = middle
      else start = middle
    }
    // a reader of the proof has the old root: it needs no hash for a whole old tree
    if (start > 0) proof.push(await this.#range(start, end))
    return proof.toReversed()
  }

  /** The leaves of one bundle, compared with the tree: 256, or fewer at the right edge. */
  async bundle(index: number): Promise<Buffer[]> {
    const tile = tileAt({ level: 'entries', index }, this.#size)
    if (tile === undefined) throw new RangeError(`no bundle ${index}`)
    const leaves = parseBundle(await this.#read(tile), tile.width)
    const hashes = await this.#hashes(0, index)
    const fits = leaves?.every((leaf, at) => hashes[at]?.equals(leafHash(leaf)) === true)
    if (leaves === undefined || fits !== true) throw unlike(tile)
    return leaves
  }

  #mustHold(size: number): void {
    if (!isPosition(size) || size > this.#size) throw new RangeError(`no tree of size ${size}`)
  }

  /** Root over the leaves from `start` to before `end`, where a subtree of the log begins. */
  async #range(start: number, end: number): Promise<Buffer> {
    const count = end - start
    const split = count > 1 ? splitOf(count) : count
    if (split * 2 === count || count <= 1) return this.#subtree(start, count)
    const left = await this.#subtree(start, split)
    return nodeHash(left, await this.#range(start + split, end))
  }

  /** Root of a full subtree: `count` is a power of two and divides `start`. */
  async #subtree(start: number, count: number): Promise<Buffer> {
    if (count === 0) return treeRoot([])
    let level = 0
    while (TILE_WIDTH ** (level + 1) <= count) level += 1
    const span = TILE_WIDTH ** level
    const first = start / span
    const hashes = await this.#hashes(level, Math.floor(first / TILE_WIDTH))
    const at = first % TILE_WIDTH
    return treeRoot(hashes.slice(at, at + count / span))
  }

  /** The hashes of a tile, which is compared with the one above unless it was before. */
  async #hashes(level: number, index: number): Promise<Buffer[]> {
    const tile = tileAt({ level, index }, this.#size)
    if (tile === undefined) throw new RangeError(`no tile ${index} on level ${level}`)
    const path = tilePath(tile)
    const kept = this.#kept.get(path)
    if (kept !== undefined) return kept
    const above = await this.#hashes(level + 1, Math.floor(index / TILE_WIDTH))
    const hashes = await this.#fetch(tile)
    if (above[index % TILE_WIDTH]?.equals(tileRoot(hashes)) !== true) throw unlike(tile)
    this.#keep(path, hashes)
    return hashes
  }

  /** The oldest goes; those at the right edge, which nothing above vouches for, stay. */
  #keep(path: string, hashes: Buffer[]): void {
    if (this.#kept.size >= MAX_TILES_KEPT) {
      const oldest = [...this.#kept.keys()].find((one) => !one.includes('.p/'))
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    this.#kept.set(path, hashes)
  }

  async #fetch(tile: Tile): Promise<Buffer[]> {
    const hashes = parseTile(await this.#read(tile), tile.width)
    if (hashes === undefined) throw unlike(tile)
    return hashes
  }

  /** A partial tile may have given way to its full one, which begins with it. */
  async #read(tile: Tile): Promise<Buffer> {
    const bytes = await this.#source.read(tilePath(tile))
    if (bytes !== undefined) return bytes
    const isPartial = tile.width < TILE_WIDTH
    const full = isPartial
      ? await this.#source.read(tilePath({ ...tile, width: TILE_WIDTH }))
      : undefined
    if (full === undefined) throw new Error(`${tilePath(tile)} is missing`)
    return beginningOf(full, tile)
  }
}

function beginningOf(full: Buffer, { level, width }: Tile): Buffer {
  if (level !== 'entries') return full.subarray(0, (full.length / TILE_WIDTH) * width)
  let end = 0
  for (let at = 0; at < width && end + 2 <= full.length; at += 1) end += 2 + full.readUInt16BE(end)
  return full.subarray(0, end)
}

function unlike(tile: Tile): Error {
  return new Error(`${tilePath(tile)} is not what the tree head vouches for`)
}

/** The largest power of two below `count`, which is at least 2. */
function splitOf(count: number): number {
  let split = 1
  while (split * 2 < count) split *= 2
  return split
}

function isPosition(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
