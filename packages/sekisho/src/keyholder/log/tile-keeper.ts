import { closeSync, constants, openSync, writeFileSync, writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeDirectories } from '../../disk/make-directory.ts'
import {
  BLOCK_INDEX,
  BLOCK_RECORD_BYTES,
  deriveInMemory,
  type DerivedSink,
  Deriver,
  HASH_BYTES,
  leafHash,
  LogProofs,
  LogTiles,
  sealedLines,
  TILE_WIDTH,
  TileBuilder,
  tilePath,
} from '@sekisho/verify'
import { SekishoError } from '../../core/error.ts'
import type { SealedBatch } from './batch.ts'

type Head = SealedBatch['head']

/** Batches that wait for the tiles to catch up are forgotten above this and read again. */
const MAX_WAITING_LEAVES = 131_072

/**
 * Keeps hash tiles and block index beside the log. All of it is derived: written without a flush,
 * compared with the log's root when it opens, made anew from the leaves where it is missing or
 * wrong, and never in the way of an append: what goes wrong here is told, and the log goes on.
 *
 * These files have no append-only flag: a wrong one has to be replaced by its writer.
 */
export class TileKeeper {
  readonly #dir: string
  readonly #warn: (line: string) => void
  #head: Head
  /** undefined while it catches up */
  #deriver: Deriver | undefined
  #waiting: SealedBatch[] = []
  #waitingLeaves = 0
  #isOverflown = false
  #isStopped = false
  #hasWarned = false
  #index: number | undefined
  #ready: Promise<void>

  /**
   * Begins to catch up with the log as it stands at `head`; batches can be handed over at once.
   *
   * @param warn is told once when the files cannot be written
   */
  constructor(options: { dir: string; head: Head; warn: (line: string) => void }) {
    this.#dir = options.dir
    this.#warn = options.warn
    this.#head = options.head
    this.#ready = this.#catchUp()
    this.#ready.catch((error: unknown) => this.#tell(error))
  }

  /** Never throws. */
  take(batch: SealedBatch): void {
    this.#head = batch.head
    if (this.#deriver !== undefined) {
      this.#derive(this.#deriver, batch)
      return
    }
    this.#waiting.push(batch)
    this.#waitingLeaves += batch.leaves.length
    if (this.#waitingLeaves <= MAX_WAITING_LEAVES) return
    this.#isOverflown = true
    this.#forgetWaiting()
  }

  /** @throws SekishoError LOG_BROKEN when the log's leaves do not give its root */
  async proofs(): Promise<LogProofs> {
    await this.#ready
    const head = this.#head
    return new LogProofs(head, new LogTiles(this.#dir), async () => {
      await this.#rederive()
      // without room for the files, as whoever may not write them
      const derived = this.#hasWarned ? await deriveInMemory(this.#dir, head.size) : undefined
      return new LogTiles(this.#dir, derived)
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#ready.catch(() => undefined) // told when it happened
    if (this.#index !== undefined) closeSync(this.#index)
    this.#index = undefined
  }

  /** Once, whoever asks meanwhile. */
  #rederive(): Promise<void> {
    if (this.#deriver !== undefined) {
      this.#deriver = undefined
      this.#ready = this.#deriveAll()
      this.#ready.catch((error: unknown) => this.#tell(error))
    }
    return this.#ready
  }

  async #catchUp(): Promise<void> {
    const { size, root } = this.#head
    const builder = await this.#resume(size).catch(() => undefined) // missing: made anew
    const isWhole = builder?.root().equals(root) === true && (await this.#hasAllTiles(size))
    if (isWhole) this.#adopt(new Deriver(this.#sink(), builder))
    else await this.#deriveAll()
  }

  /** What is in those of level 0 is compared with the level above when they are read. */
  async #hasAllTiles(size: number): Promise<boolean> {
    for (let level = 0; ; level += 1) {
      const count = Math.floor(size / TILE_WIDTH ** (level + 1))
      if (count === 0) return true
      for (let index = 0; index < count; index += 1) {
        const path = join(this.#dir, tilePath({ level, index, width: TILE_WIDTH }))
        const found = await stat(path).catch(() => undefined) // not there: made anew
        if (found?.size !== TILE_WIDTH * HASH_BYTES) return false
      }
    }
  }

  async #resume(size: number): Promise<TileBuilder> {
    const tiles = new LogTiles(this.#dir)
    const tail = await tiles.leaves(Math.floor(size / TILE_WIDTH), size % TILE_WIDTH)
    const read = (path: string): Promise<Buffer | undefined> => tiles.read(path)
    return TileBuilder.resume({ size, tail: tail.map(leafHash), read })
  }

  /** Reads the log's leaves from the first to the last durable one. */
  async #deriveAll(): Promise<void> {
    const deriver = new Deriver(this.#sink())
    do {
      this.#isOverflown = false
      this.#forgetWaiting()
      await this.#deriveTo(deriver, this.#head)
    } while (this.#isOverflown && !this.#isStopped)
    if (!this.#isStopped) this.#adopt(deriver)
  }

  async #deriveTo(deriver: Deriver, { size, root }: Head): Promise<void> {
    for await (const leaves of sealedLines(this.#dir, deriver.size)) {
      if (this.#isStopped) return
      for (const leaf of leaves) {
        if (leaf.index !== deriver.size || leaf.index >= size) continue
        deriver.append(leafHash(leaf.bytes), leaf)
      }
      if (deriver.size >= size) break
    }
    if (deriver.builder.root().equals(root)) return
    throw new SekishoError(
      'LOG_BROKEN',
      `the first ${size} leaves are not those that were signed`,
      {
        hint: 'run `sekisho log verify`: it names the leaf',
      },
    )
  }

  /** In one turn of the event loop: nothing comes in between. */
  #adopt(deriver: Deriver): void {
    for (const batch of this.#waiting) this.#derive(deriver, batch)
    this.#forgetWaiting()
    this.#deriver = deriver
  }

  #forgetWaiting(): void {
    this.#waiting = []
    this.#waitingLeaves = 0
  }

  #derive(deriver: Deriver, { segment, leaves, head }: SealedBatch): void {
    if (head.size <= deriver.size) return // read from the files meanwhile
    for (const { hash, offset } of leaves) deriver.append(hash, { segment, offset })
  }

  #sink(): DerivedSink {
    return {
      tile: (path, bytes) => this.#attempt(() => this.#writeTile(join(this.#dir, path), bytes)),
      place: (block, bytes) =>
        this.#attempt(() => this.#writeIndex(block * BLOCK_RECORD_BYTES, bytes)),
      root: (block, bytes) =>
        this.#attempt(() => this.#writeIndex((block + 1) * BLOCK_RECORD_BYTES - HASH_BYTES, bytes)),
    }
  }

  #writeTile(path: string, bytes: Buffer): void {
    makeDirectories(dirname(path), 0o750)
    writeFileSync(path, bytes, { mode: 0o640 })
  }

  #writeIndex(position: number, bytes: Buffer): void {
    const { O_CREAT, O_WRONLY, O_NOFOLLOW } = constants
    this.#index ??= openSync(join(this.#dir, BLOCK_INDEX), O_CREAT | O_WRONLY | O_NOFOLLOW, 0o640)
    writeSync(this.#index, bytes, 0, bytes.length, position)
  }

  /** What is not written is made of the leaves by who reads it, and anew at the next start. */
  #attempt(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#tell(error)
    }
  }

  #tell(error: unknown): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#warn(`the log's tiles are not kept: ${String(error)}`)
  }
}
