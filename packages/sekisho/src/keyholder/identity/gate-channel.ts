import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { type BatchPlace, joinForSigning } from '@sekisho/verify'
import { canonicalJson } from '../../core/canonical-json.ts'
import {
  claimBytes,
  type ConflictKind,
  gateKeyBytes,
  type IdentityOf,
  type KeySignature,
  type LeafSignature,
  rotationBytes,
} from '../../wire/identity.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { keyIdOf } from '../../x509/certificate.ts'
import type { Issued } from './svids.ts'

type Outcome = Extract<LeafInput, { type: 'action.outcome' }>

/** Somebody speaks who cannot be whom he says, or there are two of one. */
export type Conflict = { of: IdentityOf; kind: ConflictKind; detail: string }

export type GatePublicKey = { keyId: string; spki: Buffer; key: KeyObject }

/**
 * One gate as it is known here: by the socket that the supervisor gave it, the key that it made,
 * and how far it has counted.
 */
export class GateChannel {
  readonly gate: number
  #key: GatePublicKey | undefined
  #issued: Issued | undefined
  #seq = 0
  isRevoked = false

  constructor(gate: number) {
    this.gate = gate
  }

  get key(): GatePublicKey | undefined {
    return this.#key
  }

  get issued(): Issued | undefined {
    return this.#issued
  }

  get #of(): IdentityOf {
    return { kind: 'gate', gate: this.gate }
  }

  /**
   * A key that it has shown to have; of the second on, that the first vouches for it.
   *
   * @returns the key, which is not yet its own, or what is wrong
   */
  check(asked: {
    spki: string
    proof: string
    endorsed: KeySignature | null
  }): GatePublicKey | Conflict {
    const key = readKey(asked.spki)
    if (key === undefined) return this.#bad('no P-256 key in plain DER')
    if (!isSigned(key.key, gateKeyBytes(asked.spki), asked.proof)) {
      return this.#bad('its new key did not sign for itself')
    }
    const before = this.#key
    if (before === undefined) return key
    const { endorsed } = asked
    const isEndorsed =
      endorsed?.by === before.keyId &&
      isSigned(before.key, rotationBytes(before.keyId, key.keyId), endorsed.value)
    return isEndorsed ? key : this.#bad('its new key is not endorsed by the one before')
  }

  /** What it says from here on is checked by this key, whether it is certified yet or not. */
  adopt(key: GatePublicKey): void {
    this.#key = key
  }

  certified(issued: Issued): void {
    this.#issued = issued
  }

  /** Records are numbered by the gate, and a number comes once. */
  take(session: string, seq: number): Conflict | undefined {
    const last = this.#seq
    if (seq > last) {
      this.#seq = seq
      return undefined
    }
    return {
      of: { kind: 'session', session },
      kind: 'sequence',
      detail: `gate ${this.gate} sent record ${seq} after ${last}`,
    }
  }

  /** For whose sessions another gate speaks, or none, it does not. */
  foreign({ id: session, gate }: { id: string; gate: number | null }): Conflict | undefined {
    if (gate === this.gate) return undefined
    const whose = gate === null ? 'no gate’s' : `gate ${gate}’s`
    const detail = `gate ${this.gate} spoke for ${session}, which is ${whose}`
    return { of: { kind: 'session', session }, kind: 'other-gate', detail }
  }

  /**
   * What a gate says of outcomes it signs, all of one message at once.
   *
   * @param outcomes at most 64, in the order in which they were told
   * @param key the one that was its own when they came: another may have followed since
   * @returns the claim of each, by which it can be checked without the others
   */
  claimsOf(
    outcomes: readonly Outcome[],
    signature: KeySignature | null,
    key: GatePublicKey | undefined,
  ): LeafSignature[] | { wrong: string } {
    if (outcomes.length === 0) return []
    if (signature === null) return { wrong: 'is not signed' }
    const { by, value } = signature
    if (by !== key?.keyId) return { wrong: `is signed by ${by}, which is not its key` }
    const texts = outcomes.map((outcome) => claimBytes(canonicalJson(outcome)))
    const { message, places } = joined(texts)
    if (!isSigned(key.key, message, value)) {
      return { wrong: 'has a signature of something else' }
    }
    return places === undefined
      ? [{ by, value }]
      : places.map(({ at, of, path }) => {
          const hashes = path.map((hash) => hash.toString('base64'))
          return { by, value, batch: { at, of, path: hashes } }
        })
  }

  #bad(detail: string): Conflict {
    return { of: this.#of, kind: 'bad-signature', detail: `gate ${this.gate}: ${detail}` }
  }
}

/** One text is signed as it is. */
function joined(texts: readonly Buffer[]): { message: Buffer; places?: BatchPlace[] } {
  const [only] = texts
  return only !== undefined && texts.length === 1 ? { message: only } : joinForSigning(texts)
}

export function isConflict(value: GatePublicKey | Conflict): value is Conflict {
  return 'kind' in value
}

function isSigned(key: KeyObject, bytes: Buffer, signature: string): boolean {
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return verify('sha256', bytes, options, Buffer.from(signature, 'base64'))
}

/** What is certified is what was parsed: no trailing bytes, no other form of the same key. */
function readKey(base64: string): GatePublicKey | undefined {
  const spki = Buffer.from(base64, 'base64')
  let key: KeyObject
  try {
    key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    return undefined // the caller says what is wrong with it
  }
  const isPlain =
    key.asymmetricKeyDetails?.namedCurve === 'prime256v1' &&
    key.export({ format: 'der', type: 'spki' }).equals(spki) &&
    spki.toString('base64') === base64
  return isPlain ? { keyId: keyIdOf(spki), spki, key } : undefined
}
