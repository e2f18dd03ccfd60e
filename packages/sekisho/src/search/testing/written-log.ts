import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalForm, EMPTY_ROOT, formatHeader, segmentName } from '@sekisho/verify'

/**
 * A log's files as a reader sees them, with whatever leaves a test wants: nothing is signed, and no
 * rule of the log is kept.
 */
export class WrittenLog {
  readonly home = mkdtempSync(join(tmpdir(), 'sekisho-search-'))
  readonly dir = join(this.home, 'log')
  readonly index = join(this.home, 'index.sqlite')
  #segment = 0
  #size = 0
  /** makes the checkpoints of one log other than those of another */
  readonly #root: string

  constructor(root = EMPTY_ROOT.toString('base64')) {
    this.#root = root
    mkdirSync(this.dir)
  }

  /** a new segment, which goes on after `size` leaves */
  segment(size = this.#size): this {
    this.#segment += 1
    this.#size = size
    const header = { segment: this.#segment, size, frontier: [], checkpoint: null, at: null }
    writeFileSync(this.#path, `${formatHeader({ ...header, open: [], version: 2 })}\n`)
    return this
  }

  /** leaves and the checkpoint that seals them */
  seal(...leaves: readonly object[]): this {
    this.#size += leaves.length
    const note = `sekisho/log/test\n${this.#size}\n${this.#root}\n\n— sekisho/log/test AAAA\n`
    const lines = [...leaves.map((leaf) => canonicalForm(leaf)), JSON.stringify(note)]
    return this.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** text that the next checkpoint takes for a leaf */
  leaf(text: string): this {
    this.#size += 1
    return this.write(`${text}\n`)
  }

  write(text: string): this {
    appendFileSync(this.#path, text)
    return this
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true })
  }

  [Symbol.dispose](): void {
    this.remove()
  }

  get #path(): string {
    return join(this.dir, segmentName(this.#segment))
  }
}
