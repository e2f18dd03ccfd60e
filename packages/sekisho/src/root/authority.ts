import { createPublicKey, verify, X509Certificate } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import type { RootRequest } from '../wire/identity.ts'
import type { RootDescription } from '../wire/root.ts'
import { withSignature } from '../x509/certificate.ts'
import { integer, sequence } from '../x509/der.ts'
import { requestedBody, rootBody } from '../x509/profiles.ts'
import type { RootKey } from './provider.ts'
import { refuseUnlessFit } from './request.ts'

const DAY_MS = 86_400_000
/** As long as a log is kept: what a root that has run out vouches for is hard to argue about. */
const ROOT_LIFE_MS = 20 * 365 * DAY_MS
const BACKDATE_MS = 5 * 60_000

type Known = { trustDomain: string; certificate: Buffer }

/** A key with its certificate: certifies what is asked for, by fixed profiles, and signs nothing else. */
export class RootAuthority {
  readonly #key: RootKey
  readonly #known: Known
  readonly #notAfter: number

  private constructor(key: RootKey, known: Known) {
    this.#key = key
    this.#known = known
    this.#notAfter = new X509Certificate(known.certificate).validToDate.getTime()
  }

  /** @throws SekishoError ROOT_KEY_UNUSABLE */
  static async create(key: RootKey, trustDomain: string, now: Date): Promise<RootAuthority> {
    const body = rootBody({
      trustDomain,
      spki: key.spki,
      protection: key.protection,
      notBefore: new Date(now.getTime() - BACKDATE_MS),
      notAfter: new Date(now.getTime() + ROOT_LIFE_MS),
    })
    return new RootAuthority(key, { trustDomain, certificate: await signed(key, body) })
  }

  /**
   * @param kept when the key was made
   * @throws SekishoError ROOT_KEY_UNUSABLE when the certificate is not this key's, or the key is not
   *   where it was
   */
  static open(key: RootKey, kept: RootDescription): RootAuthority {
    const { trustDomain } = kept
    const certificate = Buffer.from(kept.certificate, 'base64')
    const own = readSelfSigned(certificate)
    const isOfKey = own?.publicKey.export({ format: 'der', type: 'spki' }).equals(key.spki)
    if (isOfKey !== true || own?.subjectAltName !== `URI:spiffe://${trustDomain}`) {
      throw notOurs('the root’s certificate is not of the root’s key')
    }
    if (canonicalJson(kept.protection) !== canonicalJson(key.protection)) {
      throw notOurs('the root’s key is not where it was when its certificate was made')
    }
    return new RootAuthority(key, { trustDomain, certificate })
  }

  get certificate(): Buffer {
    return this.#known.certificate
  }

  describe(): RootDescription {
    return {
      trustDomain: this.#known.trustDomain,
      certificate: this.certificate.toString('base64'),
      protection: this.#key.protection,
    }
  }

  /** @throws SekishoError PROTOCOL_VIOLATION for what it does not certify; ROOT_KEY_UNUSABLE */
  async certify(request: RootRequest, now: Date): Promise<Buffer> {
    const { trustDomain } = this.#known
    const own = { trustDomain, spki: this.#key.spki, notAfter: this.#notAfter }
    refuseUnlessFit(request, own, now)
    return signed(this.#key, requestedBody(request, this.#key.spki))
  }

  close(): Promise<void> {
    return this.#key.close()
  }
}

function notOurs(message: string): SekishoError {
  return new SekishoError('ROOT_KEY_UNUSABLE', message, {
    hint: 'put the root’s file back from its copy, or name the right token',
  })
}

function readSelfSigned(certificate: Buffer): X509Certificate | undefined {
  try {
    const parsed = new X509Certificate(certificate)
    return parsed.verify(parsed.publicKey) ? parsed : undefined
  } catch {
    return undefined
  }
}

/** A device that signs wrongly must not be believed: its certificate would break every chain later. */
async function signed(key: RootKey, body: Buffer): Promise<Buffer> {
  const signature = await key.sign(body)
  const publicKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' })
  if (verify('sha256', body, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)) {
    const half = signature.length / 2
    const [r, s] = [signature.subarray(0, half), signature.subarray(half)]
    return withSignature(body, sequence(integer(r), integer(s))) // RFC 3279 §2.2.3
  }
  throw new SekishoError('ROOT_KEY_UNUSABLE', 'what the root key signed does not verify', {
    hint: 'the token or TPM is broken, or is not what it says',
  })
}
