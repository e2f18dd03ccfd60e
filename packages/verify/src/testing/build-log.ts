import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { canonicalForm } from '../canonical.ts'
import { formatCheckpoint } from '../checkpoint.ts'
import { addCosignature, type NoteCosigner, type NoteSigner, noteSigner } from '../note-signer.ts'
import { segmentName } from '../segment.ts'
import { LogState } from '../state.ts'

export const SESSION = 's-00000000000000000000'
const AT = '2026-01-02T03:04:05.678Z'

export type Leaf = Readonly<Record<string, unknown>>

export const start: Leaf = { type: 'session.start', session: SESSION }
export const end: Leaf = { type: 'session.end', session: SESSION }

export function intent(id: string, verdict = 'allow'): Leaf {
  return { type: 'action.intent', session: SESSION, id, verdict: { kind: verdict, rules: [] } }
}

export function outcome(id: string): Leaf {
  return { type: 'action.outcome', session: SESSION, id, outcome: { kind: 'performed' } }
}

export function gap(id: string): Leaf {
  return { type: 'gap', session: SESSION, id, reason: 'lost' }
}

/** Makes the files of a log line by line, so that a test can spoil any one of them. */
export class LogBuilder {
  readonly signer: NoteSigner
  readonly segments: string[][] = []
  #state = LogState.empty()

  constructor(signer: NoteSigner = newSigner()) {
    this.signer = signer
  }

  get note(): string {
    return this.#state.note ?? ''
  }

  /** begins a segment where the last checkpoint was, or where `state` says */
  segment(state: LogState = this.#state): this {
    state.drop()
    this.#state = state
    this.segments.push([this.#state.headerText(this.segments.length + 1)])
    return this
  }

  /** the log as it is sealed now, to begin another segment from */
  saved(): LogState {
    return this.#state.copy()
  }

  line(text: string): this {
    this.segments.at(-1)?.push(text)
    return this
  }

  /** leaves with the checkpoint that seals them */
  batch(...leaves: readonly Leaf[]): this {
    for (const leaf of leaves) this.leaf(leaf)
    return this.checkpoint()
  }

  leaf(leaf: Leaf): this {
    const text = leafLine(leaf)
    this.#state.stage(Buffer.from(text), { line: 0, canonical: false })
    return this.line(text)
  }

  checkpoint(signer: NoteSigner = this.signer): this {
    const origin = this.signer.name
    const note = signer.sign(formatCheckpoint({ origin, ...this.#state.nextHead() }))
    this.#state.seal(note, 0)
    return this.line(JSON.stringify(note))
  }

  /** a checkpoint of the head that is there, with the signature of another key beside the log's */
  cosigned(cosigner: NoteCosigner, timeSeconds: number): this {
    const text = formatCheckpoint({ origin: this.signer.name, ...this.#state.nextHead() })
    const note = addCosignature(this.signer.sign(text), cosigner, timeSeconds)
    this.#state.seal(note, 0)
    return this.line(JSON.stringify(note))
  }

  /** Every line ends; what is in `tail` is added to the last file as it is. */
  async inDirectory<T>(use: (dir: string) => Promise<T>, tail = ''): Promise<T> {
    const dir = mkdtempSync(join(tmpdir(), 'sekisho-verify-'))
    try {
      for (const [i, lines] of this.segments.entries()) {
        const isLast = i === this.segments.length - 1
        const text = lines.map((line) => `${line}\n`).join('') + (isLast ? tail : '')
        writeFileSync(join(dir, segmentName(i + 1)), text)
      }
      return await use(dir)
    } finally {
      rmSync(dir, { recursive: true })
    }
  }
}

export function newSigner(): NoteSigner {
  return noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
}

/** Two segments, five checkpoints, nine leaves. */
export function sample(): LogBuilder {
  const log = new LogBuilder().segment()
  log.batch(start, intent('a')).batch(outcome('a'), intent('b'))
  log.batch(intent('c', 'deny'), outcome('b'))
  return log.segment().batch(intent('d'), gap('d')).batch(end)
}

/** A leaf as a line of the log, unsealed. */
export function leafLine(leaf: Leaf): string {
  return canonicalForm({ at: AT, v: 1, ...leaf })
}
