import { createHash } from 'node:crypto'
import { type NoteVerifier, noteText, parseVkey } from '@sekisho/verify'
import { keepSignatures } from '../note-lines.ts'
import { type AddCheckpoint, originOf, parseRequest, SIZE_TYPE } from '../request.ts'
import { type Evidence, keepEvidence } from './evidence.ts'
import { type Judgement, judge, openSubmitted, type Refusal, type Submitted } from './judge.ts'
import type { Change, HeadRow, WitnessStore } from './store.ts'
import type { WitnessKey } from './witness-key.ts'

export type Reply = { status: number; type: string; body: string }

type Parts = {
  store: WitnessStore
  key: WitnessKey
  evidenceDir: string
  now: () => Date
  /** one line for the witness's operator */
  alarm: (line: string) => void
}

type Settling = { origin: string; request: AddCheckpoint; submitted: Submitted }

const TEXT = 'text/plain; charset=utf-8'

/**
 * One witness: it answers a request, and what it cosigns is durable before there is an answer.
 * A request is taken from its first byte to its answer in one go, so of two one is answered first;
 * across processes the store's transaction does the same.
 */
export class Witness {
  readonly #parts: Parts
  readonly #verifiers = new Map<string, NoteVerifier>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /**
   * POST add-checkpoint.
   *
   * @throws whatever the disk does; then nothing was cosigned
   */
  addCheckpoint(body: Uint8Array): Reply {
    const request = parseRequest(body)
    if (request === undefined) return textReply(400, 'not an add-checkpoint request')
    const origin = originOf(request.note)
    const keys = this.#keysOf(origin)
    if (keys === undefined) return textReply(404, 'not a log that this witness watches')
    const submitted = openSubmitted(request, { origin, keys })
    if ('status' in submitted) return refusalReply(submitted)
    const settling = {
      origin,
      request,
      submitted: { ...submitted, note: keepSignatures(submitted.note, keys) },
    }
    const judgement = this.#parts.store.change(origin, (log) => this.#settle(settling, log))
    if (judgement.kind !== 'cosign') return refusalReply(judgement.reply)
    return { status: 200, type: TEXT, body: this.#cosign(submitted.text) }
  }

  /**
   * GET <SHA-256 of the origin, hex>/checkpoint: what was cosigned last, and that it still is the
   * last (C2SP tlog-witness after 1.0.0, monitor retrieval).
   */
  latest(originHash: string): Reply {
    const log = this.#parts.store.logs().find(({ origin }) => sha256Hex(origin) === originHash)
    const head = log === undefined ? null : this.#parts.store.newest(log.origin)
    if (head === null) return textReply(404, 'nothing cosigned')
    return { status: 200, type: TEXT, body: head.note + this.#cosign(noteText(head.note)) }
  }

  #settle(settling: Settling, log: Change): Judgement {
    const { request, submitted } = settling
    const judgement = judge(request, submitted, log)
    if (judgement.kind === 'cosign' && judgement.isNew) {
      log.take(submitted)
      log.count('cosigned')
    }
    if (judgement.kind === 'fork') this.#stop(settling, log)
    if (judgement.kind === 'bad-proof') this.#suspect(settling, log)
    return judgement
  }

  /** Two trees of one size, both signed by the log: nothing of it is cosigned any more. */
  #stop(settling: Settling, log: Change): void {
    const { origin, submitted } = settling
    const path = this.#keep(settling, { found: 'fork', cosigned: log.cosignedAt(submitted.size) })
    log.refuse(`a fork at size ${submitted.size}, ${path}`)
    log.count('forks')
    this.#parts.alarm(`FORK: ${origin} has signed two trees of ${submitted.size} leaves: ${path}`)
  }

  /** Anybody can send a wrong proof for a checkpoint of the log: it is kept, and stops nothing. */
  #suspect(settling: Settling, log: Change): void {
    const { origin, submitted } = settling
    const path = this.#keep(settling, { found: 'bad-proof', cosigned: log.head })
    log.count('badProofs')
    if (path === undefined) return
    this.#parts.alarm(`BAD PROOF: ${origin} from ${log.head?.size} to ${submitted.size}: ${path}`)
  }

  #keep(
    { request, submitted, origin }: Settling,
    { found, cosigned }: { found: Evidence['found']; cosigned: HeadRow | null | undefined },
  ): string | undefined {
    return keepEvidence(this.#parts.evidenceDir, {
      found,
      origin,
      at: this.#parts.now().toISOString(),
      cosigned: cosigned?.note ?? '',
      submitted: submitted.note,
      proof: request.proof.map((hash) => hash.toString('base64')),
    })
  }

  #cosign(text: string): string {
    const seconds = Math.floor(this.#parts.now().getTime() / 1000)
    return this.#parts.key.cosigners.map((cosigner) => cosigner.cosign(text, seconds)).join('')
  }

  #keysOf(origin: string): NoteVerifier[] | undefined {
    return this.#parts.store.log(origin)?.keys.map((vkey) => {
      const verifier = this.#verifiers.get(vkey) ?? parseVkey(vkey)
      this.#verifiers.set(vkey, verifier)
      return verifier
    })
  }
}

function refusalReply(refusal: Refusal): Reply {
  return refusal.status === 409
    ? { status: 409, type: SIZE_TYPE, body: `${refusal.size}\n` }
    : textReply(refusal.status, refusal.reason)
}

function textReply(status: number, line: string): Reply {
  return { status, type: TEXT, body: `${line}\n` }
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
