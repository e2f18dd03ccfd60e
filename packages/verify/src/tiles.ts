import { HASH_BYTES, treeRoot } from './merkle.ts'

/** The static form of a log, C2SP tlog-tiles: what its files are called and what is in them. */

/** Hashes in a full tile, and leaves in a full bundle: eight levels of the tree. */
export const TILE_WIDTH = 256
const MAX_LEVEL = 63
const LENGTH_BYTES = 2
const MAX_ENTRY_BYTES = 65_535

/** `entries` holds leaves themselves, the levels from 0 hashes of 256^level leaves each. */
export type TileLevel = number | 'entries'

export type Tile = {
  level: TileLevel
  index: number
  /** 1 to 256; less than 256 at the right edge alone */
  width: number
}

/** Below the log's prefix, without a slash before it. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0')
  const groups = digits.match(/\d{3}/g) ?? []
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`
}

/** undefined for every text that {@link tilePath} does not write */
export function parseTilePath(path: string): Tile | undefined {
  const [, levelText = '', indexText = '', widthText = String(TILE_WIDTH)] =
    /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path) ?? []
  const tile: Tile = {
    level: levelText === 'entries' ? levelText : Number(levelText),
    index: Number(indexText.replaceAll(/[x/]/g, '')),
    width: Number(widthText),
  }
  const isTile = isLevel(tile.level) && Number.isSafeInteger(tile.index) && tile.width >= 1
  // leading zeroes, a width of 256 and the like show here
  return isTile && tilePath(tile) === path ? tile : undefined
}

function isLevel(level: TileLevel): boolean {
  return level === 'entries' || level <= MAX_LEVEL
}

/** The tiles at the right edge of a tree that are not full: at most one on each level. */
export function partialTiles(size: number): Tile[] {
  const tiles: Tile[] = []
  let level = 0
  for (let count = size; count > 0; count = Math.floor(count / TILE_WIDTH)) {
    const width = count % TILE_WIDTH
    if (width > 0) tiles.push({ level, index: Math.floor(count / TILE_WIDTH), width })
    level += 1
  }
  return tiles
}

/** The tile of a level as it is in a tree of that size; undefined when the tree has none there. */
export function tileAt(
  { level, index }: Pick<Tile, 'level' | 'index'>,
  size: number,
): Tile | undefined {
  const hashes = level === 'entries' ? size : Math.floor(size / TILE_WIDTH ** level)
  const width = Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH)
  return width > 0 ? { level, index, width } : undefined
}

/** The one hash that stands for a full tile in the level above. */
export function tileRoot(hashes: readonly Buffer[]): Buffer {
  return treeRoot(hashes)
}

/** undefined unless there are exactly `width` hashes */
export function parseTile(bytes: Buffer, width: number): Buffer[] | undefined {
  if (bytes.length !== width * HASH_BYTES) return undefined
  return Array.from({ length: width }, (_, at) =>
    bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES),
  )
}

/**
 * Each leaf behind its length in 16 bits, the highest byte first.
 *
 * @throws RangeError for a leaf of more than 65,535 bytes
 */
export function formatBundle(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      if (leaf.length > MAX_ENTRY_BYTES) throw new RangeError(`a leaf of ${leaf.length} bytes`)
      const length = Buffer.alloc(LENGTH_BYTES)
      length.writeUInt16BE(leaf.length)
      return [length, leaf]
    }),
  )
}

/** undefined unless the bytes are exactly `width` leaves */
export function parseBundle(bytes: Buffer, width: number): Buffer[] | undefined {
  const leaves: Buffer[] = []
  let at = 0
  while (at < bytes.length && leaves.length < width) {
    if (at + LENGTH_BYTES > bytes.length) return undefined
    const start = at + LENGTH_BYTES
    at = start + bytes.readUInt16BE(at)
    leaves.push(bytes.subarray(start, at))
  }
  return at === bytes.length && leaves.length === width ? leaves : undefined
}
