import { EMPTY_ROOT, nodeHash, treeRoot } from './merkle.ts'
import { parseTile, partialTiles, type Tile, TILE_WIDTH, tilePath, tileRoot } from './tiles.ts'

export type BuiltTile = { path: string; bytes: Buffer }

export type ResumeFrom = {
  /** leaves of the tree */
  size: number
  /** hashes of the leaves after the last full tile of level 0 */
  tail: readonly Buffer[]
  /** a full tile that was written before; undefined when it is not there */
  read(path: string): Promise<Buffer | undefined>
}

/**
 * Makes the hash tiles of a growing log: each full one once, when its last hash is known.
 * Holds at most 255 hashes for each level of tiles; about 24 KB for a million leaves.
 */
export class TileBuilder {
  /** for each level the hashes of its tile that is not full yet */
  readonly #levels: Buffer[][]
  #size: number

  private constructor(size: number, levels: Buffer[][]) {
    this.#size = size
    this.#levels = levels
  }

  static empty(): TileBuilder {
    return new TileBuilder(0, [])
  }

  /**
   * Goes on from the full tiles of before, at most 255 of them for each level.
   * Nothing is taken on trust by who compares {@link root} with a signed head afterwards.
   *
   * @throws Error naming the tile that is missing or of another length, or a wrong tail
   */
  static async resume(from: ResumeFrom): Promise<TileBuilder> {
    const { size, tail } = from
    if (tail.length !== size % TILE_WIDTH) throw new Error(`not the tail of ${size} leaves`)
    const levels: Buffer[][] = [[...tail]]
    for (const partial of partialTiles(size)) {
      if (partial.level === 0 || partial.level === 'entries') continue
      levels[partial.level] = await rootsBelow(partial, partial.level - 1, from)
    }
    return new TileBuilder(
      size,
      Array.from(levels, (hashes) => hashes ?? []),
    )
  }

  /** leaves so far */
  get size(): number {
    return this.#size
  }

  /** Takes the hash of one more leaf; gives the tiles that are full now, lowest level first. */
  append(leaf: Buffer): BuiltTile[] {
    const full: BuiltTile[] = []
    let hash = leaf
    this.#size += 1
    let count = this.#size
    for (let level = 0; ; level += 1) {
      const hashes = (this.#levels[level] ??= [])
      hashes.push(hash)
      if (hashes.length < TILE_WIDTH) return full
      count = Math.floor(count / TILE_WIDTH)
      full.push(built({ level, index: count - 1, width: TILE_WIDTH }, hashes))
      this.#levels[level] = []
      hash = tileRoot(hashes)
    }
  }

  /** The tiles at the right edge that are not full. */
  partial(): BuiltTile[] {
    return partialTiles(this.#size).map((tile) =>
      built(tile, tile.level === 'entries' ? [] : (this.#levels[tile.level] ?? [])),
    )
  }

  root(): Buffer {
    return rootOfLevels(this.#levels)
  }
}

/**
 * Root of the tree whose right edge is these hashes: on level 0 of single leaves, on each further
 * level of 256 times as many, at most 255 of each.
 */
export function rootOfLevels(levels: readonly (readonly Buffer[])[]): Buffer {
  const subtrees = levels.toReversed().flatMap(fullSubtrees)
  const root = subtrees.reduceRight<Buffer | undefined>(
    (right, left) => (right === undefined ? left : nodeHash(left, right)),
    undefined,
  )
  return root ?? EMPTY_ROOT
}

/** Roots of the largest full subtrees over the hashes, left to right. */
function fullSubtrees(hashes: readonly Buffer[]): Buffer[] {
  const roots: Buffer[] = []
  let at = 0
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if (hashes.length - at < width) continue
    roots.push(treeRoot(hashes.slice(at, at + width)))
    at += width
  }
  return roots
}

async function rootsBelow(
  { index, width }: Tile,
  level: number,
  from: ResumeFrom,
): Promise<Buffer[]> {
  const roots: Buffer[] = []
  for (let at = 0; at < width; at += 1) {
    const path = tilePath({ level, index: index * TILE_WIDTH + at, width: TILE_WIDTH })
    const bytes = await from.read(path)
    const hashes = bytes === undefined ? undefined : parseTile(bytes, TILE_WIDTH)
    if (hashes === undefined) throw new Error(`${path} is no full tile`)
    roots.push(tileRoot(hashes))
  }
  return roots
}

function built(tile: Tile, hashes: readonly Buffer[]): BuiltTile {
  return { path: tilePath(tile), bytes: Buffer.concat(hashes) }
}
