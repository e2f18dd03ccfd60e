import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatCheckpoint, LogState, noteSigner, segmentName } from '@sekisho/verify'
import { canonicalJson } from '../../core/canonical-json.ts'

export const ORIGIN = 'sekisho/log/test'
const signer = noteSigner(ORIGIN, generateKeyPairSync('ed25519').privateKey)
const AT = '2026-01-02T03:04:05.678Z'

export type TestLeaf = Readonly<Record<string, unknown>>

/** A log on the disk that grows as a test says, by whole batches. */
export class TestLog {
  readonly dir = mkdtempSync(join(tmpdir(), 'sekisho-export-'))
  #state = LogState.empty()
  #segment = 0

  constructor() {
    this.turn()
  }

  /** leaves that a checkpoint seals */
  get size(): number {
    return this.#state.size
  }

  get path(): string {
    return join(this.dir, segmentName(this.#segment))
  }

  /** begins a segment, where the log is or where `state` says it is */
  turn(state: LogState = this.#state): void {
    state.drop()
    this.#state = state
    this.#segment += 1
    writeFileSync(this.path, `${state.headerText(this.#segment)}\n`)
  }

  saved(): LogState {
    return this.#state.copy()
  }

  batch(...leaves: readonly TestLeaf[]): void {
    const lines = leaves.map((leaf) => this.#stage(leaf))
    const note = signer.sign(formatCheckpoint({ origin: ORIGIN, ...this.#state.nextHead() }))
    this.#state.seal(note, 0)
    appendFileSync(this.path, [...lines, JSON.stringify(note)].map((line) => `${line}\n`).join(''))
  }

  /** what a crash leaves: bytes that no checkpoint seals */
  tear(text: string): void {
    appendFileSync(this.path, text)
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }

  #stage(leaf: TestLeaf): string {
    const line = leafLine(leaf)
    this.#state.stage(Buffer.from(line), { line: 0, canonical: false })
    return line
  }
}

/** A leaf as it stands in the log. */
export function leafLine(leaf: TestLeaf): string {
  return canonicalJson({ at: AT, v: 1, ...leaf })
}

/** Harmless leaves that differ in their reason. */
export function stops(...reasons: readonly (string | number)[]): TestLeaf[] {
  return reasons.map((reason) => ({ type: 'platform.stop', reason: String(reason) }))
}
