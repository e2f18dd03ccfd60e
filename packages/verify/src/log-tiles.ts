import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BLOCK_INDEX,
  BLOCK_RECORD_BYTES,
  type BlockRecord,
  parseBlockRecord,
} from './block-index.ts'
import { BlockReader } from './block-reader.ts'
import { Deriver } from './deriver.ts'
import { HASH_BYTES, leafHash } from './merkle.ts'
import { sealedLines } from './sealed-lines.ts'
import type { TileSource } from './tile-reader.ts'
import {
  formatBundle,
  parseTile,
  parseTilePath,
  type Tile,
  TILE_WIDTH,
  tilePath,
  tileRoot,
} from './tiles.ts'

/** What is made of a log's leaves, wherever it is kept; none of it is believed. */
export type Derived = {
  /** a full hash tile; undefined when it is not there */
  tile(path: string): Promise<Buffer | undefined>
  /** records of the block index, as many bytes of them as are there */
  records(first: number, count: number): Promise<Buffer>
}

/**
 * The tiles of a log in the directory that its keyholder writes: full ones as they were derived,
 * and the rest (bundles, the right edge, tiles that were lost) made of the segments by way of the
 * block index. It believes what it finds; a {@link TileReader} over it does not.
 */
export class LogTiles implements TileSource {
  readonly #dir: string
  readonly #derived: Derived

  constructor(dir: string, derived: Derived = derivedFiles(dir)) {
    this.#dir = dir
    this.#derived = derived
  }

  /** @throws Error when the log has no such leaves, or not where the index says */
  async read(path: string): Promise<Buffer | undefined> {
    const tile = parseTilePath(path)
    if (tile === undefined) return undefined
    if (tile.level === 'entries') return formatBundle(await this.leaves(tile.index, tile.width))
    const isFull = tile.width === TILE_WIDTH
    const kept = isFull ? await this.#derived.tile(path) : undefined
    return kept?.length === TILE_WIDTH * HASH_BYTES ? kept : this.#made(tile, tile.level)
  }

  /**
   * The first leaves of a block of 256.
   *
   * @throws Error when they are not where the index says
   */
  async leaves(block: number, count: number): Promise<Buffer[]> {
    if (count === 0) return []
    const [place] = await this.#records(block, 1)
    if (place === undefined) throw new Error(`block ${block} is not in ${BLOCK_INDEX}`)
    return new BlockReader(this.#dir, { first: block * TILE_WIDTH, count }).read(place)
  }

  async #made({ index, width }: Tile, level: number): Promise<Buffer> {
    if (level === 0) return Buffer.concat((await this.leaves(index, width)).map(leafHash))
    const first = index * TILE_WIDTH
    if (level === 1) {
      return Buffer.concat((await this.#records(first, width)).map(({ root }) => root))
    }
    const roots: Buffer[] = []
    for (let at = first; at < first + width; at += 1) roots.push(await this.#root(level - 1, at))
    return Buffer.concat(roots)
  }

  async #root(level: number, index: number): Promise<Buffer> {
    const path = tilePath({ level, index, width: TILE_WIDTH })
    const bytes = await this.read(path)
    const hashes = bytes === undefined ? undefined : parseTile(bytes, TILE_WIDTH)
    if (hashes === undefined) throw new Error(`${path} cannot be made`)
    return tileRoot(hashes)
  }

  async #records(first: number, count: number): Promise<BlockRecord[]> {
    const bytes = await this.#derived.records(first, count)
    return Array.from({ length: count }, (_, at) => {
      const start = at * BLOCK_RECORD_BYTES
      const record = parseBlockRecord(bytes.subarray(start, start + BLOCK_RECORD_BYTES))
      if (record === undefined) throw new Error(`block ${first + at} is not in ${BLOCK_INDEX}`)
      return record
    })
  }
}

function derivedFiles(dir: string): Derived {
  return {
    tile: (path) => readFile(join(dir, path)).catch(absent),
    records: async (first, count) => {
      const file = await open(join(dir, BLOCK_INDEX), 'r')
      try {
        const length = count * BLOCK_RECORD_BYTES
        const bytes = Buffer.alloc(length)
        const { bytesRead } = await file.read(bytes, 0, length, first * BLOCK_RECORD_BYTES)
        return bytes.subarray(0, bytesRead)
      } finally {
        await file.close()
      }
    },
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

/**
 * All of it anew, from the first `size` leaves, in memory: 33 bytes for each leaf. For a reader who
 * may write nothing beside a log whose derived files are missing or wrong.
 *
 * @throws Error where the files cannot be read as a log
 */
export async function deriveInMemory(dir: string, size: number): Promise<Derived> {
  const tiles = new Map<string, Buffer>()
  const records: Buffer[] = []
  const deriver = new Deriver({
    tile: (path, bytes) => void tiles.set(path, bytes),
    place: (block, bytes) => {
      records[block] = Buffer.concat([bytes, Buffer.alloc(HASH_BYTES)])
    },
    root: (block, bytes) =>
      void bytes.copy(records[block] ?? bytes, BLOCK_RECORD_BYTES - HASH_BYTES),
  })
  for await (const leaves of sealedLines(dir)) {
    for (const leaf of leaves.slice(0, size - deriver.size)) {
      deriver.append(leafHash(leaf.bytes), leaf)
    }
    if (deriver.size === size) break
  }
  return {
    tile: async (path) => tiles.get(path),
    records: async (first, count) => Buffer.concat(records.slice(first, first + count)),
  }
}
