import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { joinForSigning } from '@sekisho/verify'
import { canonicalJson } from '../core/canonical-json.ts'
import { claimBytes, gateKeyBytes, type KeySignature, rotationBytes } from '../wire/identity.ts'
import type { LeafInput } from '../wire/leaves.ts'

/** What the keyholder asks of a gate that wants its key certified. */
export type KeyToCertify = { spki: string; proof: string; endorsed: KeySignature | null }

/** By which the gate signs what came of actions: made here, in this memory, and never written down. */
export class ClaimKey {
  readonly keyId: string
  readonly #spki: string
  readonly #sign: (bytes: Buffer) => string

  constructor() {
    const { publicKey, privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = publicKey.export({ format: 'der', type: 'spki' })
    this.keyId = hash('sha256', spki).slice(0, 32)
    this.#spki = spki.toString('base64')
    const options = { key, dsaEncoding: 'ieee-p1363' } as const
    this.#sign = (bytes) => sign('sha256', bytes, options).toString('base64')
  }

  /** @param before the key that this one follows, which vouches for it */
  toCertify(before?: ClaimKey): KeyToCertify {
    return {
      spki: this.#spki,
      proof: this.#sign(gateKeyBytes(this.#spki)),
      endorsed: before === undefined ? null : before.#endorse(this.keyId),
    }
  }

  /**
   * One signature over all of them, in this order: each as it is handed over, in its canonical form.
   *
   * @param leaves 1 to 64
   */
  claim(leaves: readonly LeafInput[]): KeySignature {
    const texts = leaves.map((leaf) => claimBytes(canonicalJson(leaf)))
    const [only] = texts
    const isOne = only !== undefined && texts.length === 1
    return { by: this.keyId, value: this.#sign(isOne ? only : joinForSigning(texts).message) }
  }

  #endorse(after: string): KeySignature {
    return { by: this.keyId, value: this.#sign(rotationBytes(this.keyId, after)) }
  }
}
