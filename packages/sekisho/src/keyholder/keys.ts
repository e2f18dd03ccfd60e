import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  hash,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { type NoteCosigner, type NoteSigner, noteCosigner, noteSigner } from '@sekisho/verify'

export const MASTER_KEY_BYTES = 32
/** DER of a PKCS#8 structure around a raw Ed25519 seed (RFC 8410 §7). */
const ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** The same around the seed of an ML-DSA-44 key (RFC 9881 §6). */
const ML_DSA_44_PREFIX = Buffer.from('3034020100300b060960864801650304031104228020', 'hex')
/** Order of P-256 (SP 800-186 §3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const P256_BYTES = 32

/**
 * Everything the keyholder signs with or hides behind, from one secret.
 * What is derived is never stored: a restarted keyholder derives the same again.
 */
export class Keys {
  readonly #master: Buffer

  constructor(master: Uint8Array) {
    if (master.length !== MASTER_KEY_BYTES) throw new RangeError(`want ${MASTER_KEY_BYTES} bytes`)
    this.#master = Buffer.from(master)
  }

  /** Ed25519, for checkpoints. The log's name carries a digest of the key: no two logs share one. */
  logSigner(): NoteSigner {
    return noteSigner(this.logName, this.#logKey())
  }

  /** ML-DSA-44 (FIPS 204), beside it: checkpoints that a quantum computer cannot make up. */
  postQuantumSigner(): NoteCosigner {
    const der = Buffer.concat([ML_DSA_44_PREFIX, this.#derive(['log ml-dsa-44'], 32)])
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return noteCosigner(this.logName, key)
  }

  /** `sekisho/log/` and 16 digits that are this key's alone */
  get logName(): string {
    const { x = '' } = this.#logKey().export({ format: 'jwk' })
    return `sekisho/log/${hash('sha256', x).slice(0, 16)}`
  }

  /** SubjectPublicKeyInfo of the log's key, DER */
  get logSpki(): Buffer {
    return createPublicKey(this.#logKey()).export({ format: 'der', type: 'spki' })
  }

  #logKey(): KeyObject {
    const seed = this.#derive(['log ed25519'], 32)
    const der = Buffer.concat([ED25519_PREFIX, seed])
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  }

  /** P-256, of the root of all identities where no other provider has it. */
  rootAuthority(): KeyObject {
    return this.#p256(['root ca p256'])
  }

  /** P-256, of what issues identities. @param generation from 1; each is another key */
  issuingAuthority(generation: number): KeyObject {
    return this.#p256(['issuing ca p256', String(generation)])
  }

  /** P-256, of one session's certificate authority. */
  sessionAuthority(session: string): KeyObject {
    return this.#p256(['session ca p256', session])
  }

  #p256(subject: readonly string[]): KeyObject {
    // 128 bits more than the order has, so that the remainder is even (FIPS 186-5 A.2.1)
    const wide = this.#derive(subject, P256_BYTES + 16)
    const scalar = (BigInt(`0x${wide.toString('hex')}`) % (P256_ORDER - 1n)) + 1n
    return p256Key(Buffer.from(scalar.toString(16).padStart(2 * P256_BYTES, '0'), 'hex'))
  }

  /** @param count 1 to 8160, the most that HKDF gives (RFC 5869 §2.3) */
  placeholderBytes(subject: readonly string[], count: number): Buffer {
    return this.#derive(['placeholder', ...subject], count)
  }

  /** Of content that is kept, or of the names it has: one key for each subject. */
  contentKey(subject: readonly string[]): Buffer {
    return this.#derive(['content', ...subject], 32)
  }

  /** HKDF (RFC 5869); the first part of `info` keeps uses apart. JSON: no two lists share a text. */
  #derive(info: readonly string[], count: number): Buffer {
    const label = JSON.stringify(['sekisho', 1, ...info])
    return Buffer.from(hkdfSync('sha256', this.#master, '', label, count))
  }
}

function p256Key(scalar: Buffer): KeyObject {
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(scalar)
  const point = curve.getPublicKey() // 0x04, x, y
  const key = {
    kty: 'EC',
    crv: 'P-256',
    d: scalar.toString('base64url'),
    x: point.subarray(1, 1 + P256_BYTES).toString('base64url'),
    y: point.subarray(1 + P256_BYTES).toString('base64url'),
  }
  return createPrivateKey({ key, format: 'jwk' })
}
