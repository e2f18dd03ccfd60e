import {
  addCosignature,
  formatCheckpoint,
  type NoteCosigner,
  type NoteSigner,
  parseNote,
  parseVkey,
} from '@sekisho/verify'

/** Under load a checkpoint carries the second signature this often; it costs 0.4 ms. */
export const POST_QUANTUM_EVERY_MS = 1000

export type CheckpointKeys = {
  signer: NoteSigner
  /** ML-DSA-44, under the log's own name; undefined signs with Ed25519 alone */
  postQuantum?: NoteCosigner | undefined
}

/** Signs tree heads: each with Ed25519, and one every second with ML-DSA-44 too. */
export class Checkpoints {
  readonly #keys: CheckpointKeys
  readonly #keyId: Buffer | undefined
  readonly #now: () => Date
  readonly #elapsedMs: () => number
  #signedMs = Number.NEGATIVE_INFINITY

  constructor(keys: CheckpointKeys, clocks: { now: () => Date; elapsedMs: () => number }) {
    this.#keys = keys
    const { postQuantum } = keys
    this.#keyId = postQuantum === undefined ? undefined : parseVkey(postQuantum.vkey).keyId
    this.#now = clocks.now
    this.#elapsedMs = clocks.elapsedMs
  }

  get vkeys(): string[] {
    const { signer, postQuantum } = this.#keys
    return postQuantum === undefined ? [signer.vkey] : [signer.vkey, postQuantum.vkey]
  }

  /** whether a checkpoint of the head that is there would be the first with both signatures */
  owes(note: string | null): boolean {
    if (this.#keyId === undefined || note === null) return false
    const parsed = parseNote(note)
    const keyId = this.#keyId
    return typeof parsed === 'string' || !parsed.signatures.some((one) => one.keyId.equals(keyId))
  }

  /** @param must both signatures, however short ago the last was */
  sign(head: { size: number; root: Buffer }, must = false): string {
    const { signer, postQuantum } = this.#keys
    const note = signer.sign(formatCheckpoint({ origin: signer.name, ...head }))
    const nowMs = this.#elapsedMs()
    const isDue = must || nowMs - this.#signedMs >= POST_QUANTUM_EVERY_MS
    if (postQuantum === undefined || !isDue) return note
    this.#signedMs = nowMs
    return addCosignature(note, postQuantum, Math.floor(this.#now().getTime() / 1000))
  }
}
