import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  formatBundle,
  leafHash,
  noteText,
  parseCheckpoint,
  TILE_WIDTH,
  TileBuilder,
  tileAt,
  tilePath,
} from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Terminal } from './command.ts'
import { jsonFlag, noPositional } from './flags.ts'
import { type LogHead, openHead } from './log-head.ts'
import { unreadable } from './log-place.ts'
import { recordReading } from './log-reading.ts'

/**
 * Writes the log as a static tlog-tiles directory, which any web server can serve; what was written
 * by an earlier run is gone on from, and must be of the same log.
 */
export async function tiles(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv, {
    out: { type: 'string' },
    log: { type: 'string' },
    key: { type: 'string' },
  })
  noPositional(usage, positionals)
  const { out } = values
  if (typeof out !== 'string') {
    throw new SekishoError('USAGE', '--out is missing', { hint: `usage: ${usage}` })
  }
  await recordReading({ what: 'export', query: ['tiles', ...argv], log: values['log'] }, terminal)
  const head = await openHead(values)
  const from = await new TileExport(out, head).write().catch((error: unknown) => {
    throw unreadable(head.directory, error)
  })
  const { size } = head.checkpoint
  terminal.out(
    values['json'] === true
      ? JSON.stringify({ directory: out, size, from })
      : `${out}: ${size} leaves, ${size - from} of them new`,
  )
  return 0
}

class TileExport {
  readonly #out: string
  readonly #head: LogHead

  constructor(out: string, head: LogHead) {
    this.#out = out
    this.#head = head
  }

  /** @returns the leaves that were there before */
  async write(): Promise<number> {
    const { size, root } = this.#head.checkpoint
    const before = await this.#before()
    const builder = await this.#resume(before)
    const first = builder.size
    for (let block = first / TILE_WIDTH; block * TILE_WIDTH < size; block += 1) {
      await this.#writeBlock(block, builder)
    }
    for (const { path, bytes } of builder.partial()) this.#put(path, bytes)
    if (!builder.root().equals(root))
      throw new Error('the tiles do not give the root that is signed')
    this.#put('checkpoint', Buffer.from(this.#head.note)) // last: what it vouches for is there
    return before
  }

  /** Leaves of the checkpoint that stands there, which must be one of this log's past. */
  async #before(): Promise<number> {
    const path = join(this.#out, 'checkpoint')
    if (!existsSync(path)) return 0
    const before = parseCheckpoint(noteText(readFileSync(path, 'utf8')))
    const { size, origin } = this.#head.checkpoint
    const isOfThisLog = before?.origin === origin && before.size <= size
    if (isOfThisLog && before.root.equals(await this.#head.proofs.root(before.size))) {
      return before.size
    }
    throw new SekishoError('LOG_BROKEN', `${path} is not of this log’s past`, {
      hint: 'keep both: one of them was changed, or the log was rolled back; or choose another directory',
    })
  }

  /** From the last full tile on; anew when the tiles there are not those of the checkpoint. */
  async #resume(before: number): Promise<TileBuilder> {
    const size = before - (before % TILE_WIDTH)
    const read = (path: string): Promise<Buffer> => readFile(join(this.#out, path))
    const builder = await TileBuilder.resume({ size, tail: [], read }).catch(() => undefined)
    const root = size === 0 ? undefined : await this.#head.proofs.root(size)
    const isRight = root !== undefined && builder?.root().equals(root) === true
    return isRight ? builder : TileBuilder.empty()
  }

  async #writeBlock(block: number, builder: TileBuilder): Promise<void> {
    const leaves = await this.#head.proofs.bundle(block)
    const tile = tileAt({ level: 'entries', index: block }, this.#head.checkpoint.size)
    if (tile !== undefined) this.#put(tilePath(tile), formatBundle(leaves))
    const full = leaves.flatMap((leaf) => builder.append(leafHash(leaf)))
    for (const { path, bytes } of full) this.#put(path, bytes)
    if (leaves.length === TILE_WIDTH) this.#dropPartial(block)
  }

  /** Nobody who asked for it before is left without: the full one begins with it. */
  #dropPartial(block: number): void {
    for (const level of ['entries', 0] as const) {
      const full = tilePath({ level, index: block, width: TILE_WIDTH })
      rmSync(join(this.#out, `${full}.p`), { recursive: true, force: true })
    }
  }

  #put(path: string, bytes: Buffer): void {
    const place = join(this.#out, path)
    try {
      mkdirSync(dirname(place), { recursive: true })
      writeFileSync(`${place}.new`, bytes)
      renameSync(`${place}.new`, place) // a reader sees all of it or nothing
    } catch (cause) {
      throw new SekishoError('CONFIG_INVALID', `${place} cannot be written`, {
        hint: '--out is a directory, a new one or that of an earlier run, which can be written and has enough space',
        cause,
      })
    }
  }
}
