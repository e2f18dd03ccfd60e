import { type BlockPlace, formatBlockPlace } from './block-index.ts'
import { TileBuilder } from './tile-builder.ts'
import { parseTile, TILE_WIDTH, tileRoot } from './tiles.ts'

/** Where what is derived goes. */
export type DerivedSink = {
  /** a hash tile that is full now */
  tile(path: string, bytes: Buffer): void
  /** the first 16 bytes of a block's record */
  place(block: number, bytes: Buffer): void
  /** the last 32 bytes of a block's record */
  root(block: number, bytes: Buffer): void
}

/** Makes hash tiles and block index of a log's leaves, each of which is handed to it in order. */
export class Deriver {
  readonly builder: TileBuilder
  readonly #sink: DerivedSink

  constructor(sink: DerivedSink, builder: TileBuilder = TileBuilder.empty()) {
    this.#sink = sink
    this.builder = builder
  }

  /** leaves so far */
  get size(): number {
    return this.builder.size
  }

  append(hash: Buffer, at: BlockPlace): void {
    const block = Math.floor(this.size / TILE_WIDTH)
    if (this.size % TILE_WIDTH === 0) this.#sink.place(block, formatBlockPlace(at))
    const [lowest, ...higher] = this.builder.append(hash)
    if (lowest === undefined) return
    this.#sink.root(block, tileRoot(parseTile(lowest.bytes, TILE_WIDTH) ?? []))
    for (const { path, bytes } of [lowest, ...higher]) this.#sink.tile(path, bytes)
  }
}
