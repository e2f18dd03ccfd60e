import { parseNote } from '../note.ts'
import type { SealedHead } from '../verify-log.ts'
import { type NoteVerifier, parseVkey } from '../vkey.ts'

/**
 * The second signature that some checkpoints carry, by the log's ML-DSA-44 key: a quantum computer
 * cannot make it up. Whoever has the files can cut it off, which is why the size that it covers is said.
 */
export class PostQuantumHeads {
  #verifier: NoteVerifier | undefined
  #last: number | null = null

  /** @param vkey of an authority that a root vouches for; undefined where it names none */
  constructor(vkey: string | undefined) {
    this.#verifier = vkey === undefined ? undefined : parseVkey(vkey)
  }

  /** leaves under the newest checkpoint with a good signature; null where there is none */
  get last(): number | null {
    return this.#last
  }

  /** A log has one such key, for good. @returns why this authority's is not it */
  name(vkey: string | undefined): string | undefined {
    this.#verifier ??= vkey === undefined ? undefined : parseVkey(vkey)
    // else whoever has the Ed25519 key could have a key of his own cover the rest
    return this.#verifier?.vkey === vkey
      ? undefined
      : 'it names another ML-DSA-44 key of the log than the one before'
  }

  /** @returns why the checkpoint is not good */
  take({ note, size, sealed }: SealedHead): string | undefined {
    const parsed = parseNote(note)
    if (typeof parsed === 'string') return parsed
    const { text, signatures } = parsed
    const verifier = this.#verifier
    const own = signatures.filter(
      ({ name, keyId }) => name === verifier?.name && keyId.equals(verifier.keyId),
    )
    if (verifier === undefined || own.length === 0) {
      // for this signature alone a checkpoint may stand where it seals nothing
      return sealed > 0
        ? undefined
        : 'a checkpoint that seals nothing, without the log’s ML-DSA-44 signature'
    }
    if (!own.every(({ signature }) => verifier.check(text, signature) !== undefined)) {
      return 'an ML-DSA-44 signature that does not fit'
    }
    this.#last = size
    return undefined
  }
}
