import { randomBytes } from 'node:crypto'
import { SekishoError } from '../../core/error.ts'
import type { Protection } from '../../wire/identity.ts'
import { serialNumber } from '../../x509/certificate.ts'
import { svidBody } from '../../x509/profiles.ts'
import type { Authority } from './authority.ts'
import { makeSigningKey, type SigningKey } from './signing-key.ts'

const HOUR_MS = 3_600_000
/** X509-SVIDs of sessions; renewed at half of it. */
const SESSION_LIFE_MS = HOUR_MS
/** A gate has its key for as long as it lives; half of this, and it makes another. */
const GATE_LIFE_MS = 24 * HOUR_MS

/** An identity as it was issued. */
export type Issued = {
  /** SPIFFE ID */
  id: string
  key: string
  /** DER */
  certificate: Buffer
  serial: Buffer
  generation: number
  /** Unix ms */
  endsAtMs: number
  renewAtMs: number
}

export type SessionIdentity = Issued & { signer: SigningKey }

/** Session keys are in this process's memory alone; gates' in theirs. */
export const IN_MEMORY: Protection = { class: 'software', emulated: false }

/**
 * Issues identities: a fresh key and certificate for a session, a certificate for the key that a
 * gate made itself. No two have one key.
 */
export class Svids {
  readonly #authority: Authority
  readonly #now: () => Date

  constructor(authority: Authority, now: () => Date) {
    this.#authority = authority
    this.#now = now
  }

  /** @throws SekishoError IDENTITY_UNAVAILABLE */
  forSession(of: { session: string; agent: string; configuration: string }): SessionIdentity {
    const signer = makeSigningKey()
    const path = `tenant/default/agent/${pathSegment(of.agent)}/session/${of.session}`
    const issued = this.#issue(path, {
      spki: signer.spki,
      lifeMs: SESSION_LIFE_MS,
      configuration: of.configuration,
    })
    return { ...issued, key: signer.keyId, signer }
  }

  /** @param key whose holder has shown that it has it; each certificate has an id of its own */
  forGate(gate: number, key: { keyId: string; spki: Buffer }): Issued {
    const path = `gate/${gate}/${randomBytes(8).toString('hex')}`
    return { ...this.#issue(path, { spki: key.spki, lifeMs: GATE_LIFE_MS }), key: key.keyId }
  }

  #issue(
    path: string,
    what: { spki: Buffer; lifeMs: number; configuration?: string },
  ): Omit<Issued, 'key'> {
    const authority = this.#authority
    const nowMs = this.#now().getTime()
    const beginsAtMs = Math.floor(nowMs / 1000) * 1000
    const endsAtMs = Math.min(beginsAtMs + what.lifeMs, authority.issuingEndsAtMs)
    if (endsAtMs <= nowMs) {
      throw new SekishoError('IDENTITY_UNAVAILABLE', 'the issuing certificate is over', {
        hint: 'unlock the root that the settings name',
      })
    }
    const { trustDomain, generation } = authority
    const id = `spiffe://${trustDomain}/${path}`
    const serial = serialNumber()
    const body = svidBody(
      {
        trustDomain,
        id,
        serial,
        spki: what.spki,
        protection: IN_MEMORY,
        notBefore: new Date(beginsAtMs),
        notAfter: new Date(endsAtMs),
        ...(what.configuration === undefined ? {} : { configuration: what.configuration }),
      },
      authority.issuer,
    )
    const renewAtMs = (beginsAtMs + endsAtMs) / 2
    const certificate = authority.sign(body)
    return { id, certificate, serial, generation, endsAtMs, renewAtMs }
  }
}

/** SPIFFE-ID §2.2: letters, digits, dots, dashes, underscores; anything else as `_` and its code. */
function pathSegment(name: string): string {
  const plain = name.replaceAll(
    /[^A-Za-z0-9.-]/gu,
    (char) => `_${char.codePointAt(0)?.toString(16)}_`,
  )
  // a segment of dots alone is refused by the specification
  return /^\.*$/.test(plain) ? `_${plain}` : plain
}
