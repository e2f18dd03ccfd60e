import { sha256 } from '../crypto.ts'
import { fromBase64 } from '../base64.ts'
import type { Certificate, CertifiedKey } from '../x509/certificate.ts'
import { isValidAt, pointOf, readCertificateOf, whyNotIssuedBy } from '../x509/chain.ts'
import { parseSpiffe } from '../x509/profile.ts'
import { type Authority, isProtectionOf, readAuthority, SKEW_MS } from './authorities.ts'
import { count, type Leaf, member, text, texts } from './fields.ts'
import type { Finding, Findings } from './findings.ts'
import type { SignatureQueue } from './signature-queue.ts'

/** A key that a leaf has certified. */
export type IssuedKey = {
  id: string
  point: Buffer
  certificate: Certificate
  /** index of the leaf that takes it back; null while it is good */
  revokedAt: number | null
}

/** Whose key a certificate is to be for, and where the leaf stands. */
type Wanted = {
  role: 'session' | 'gate'
  /** of the SPIFFE ID, its end; of a gate, its beginning */
  path: (path: string) => boolean
  configuration: string | null
  session: string | null
}

const SIGNATURE_BYTES = 64

/**
 * The authorities, and every key that was ever certified. Memory grows with identities, some
 * hundred bytes for each, and not with leaves.
 */
export class Identities {
  readonly #roots: readonly CertifiedKey[]
  readonly #queue: SignatureQueue
  readonly #findings: Findings
  #authorities: Authority[] = []
  readonly #keys = new Set<string>()
  /** SPIFFE IDs: a session's further keys keep its name, a gate's have one each */
  readonly #gateNames = new Set<string>()
  readonly #revoked = new Map<string, number>()
  readonly #gates = new Map<string, IssuedKey>()
  readonly #gateNow = new Map<number, IssuedKey>()

  constructor(roots: readonly CertifiedKey[], queue: SignatureQueue, findings: Findings) {
    this.#roots = roots
    this.#queue = queue
    this.#findings = findings
  }

  /** ids of keys that were issued */
  get size(): number {
    return this.#keys.size
  }

  /**
   * undefined, and a finding, where no root vouches for it.
   *
   * @param vkey that the checkpoints were verified with
   */
  authority(index: number, leaf: Leaf, vkey: string): Authority | undefined {
    const authority = readAuthority(leaf, this.#roots)
    const named = typeof authority === 'string' || authority.vkeys.includes(vkey)
    const reason = named ? authority : 'it names another log than the one it stands in'
    if (typeof reason === 'string') {
      this.#findings.add({ index, kind: 'authority', session: null, reason })
      return undefined
    }
    // what was issued before an emergency is not trusted for anything new
    this.#authorities = leaf['reason'] === 'emergency' ? [reason] : [reason, ...this.#authorities]
    return reason
  }

  /** Whether a root vouches for the log's key at this time; so it is before the first authority. */
  isLogCertified(atMs: number): boolean {
    return (
      this.#authorities.length === 0 ||
      this.#authorities.some(({ log }) => isValidAt(log, atMs, SKEW_MS))
    )
  }

  /** A session's first key, from its start leaf; undefined, and a finding, where it is not good. */
  started(index: number, leaf: Leaf): IssuedKey | undefined {
    const identity = member(leaf, 'identity')
    const session = text(leaf, 'session') ?? ''
    if (identity === undefined) {
      return this.#refuse(index, session, 'a session without an identity')
    }
    const key = this.#admit(index, { ...identity, at: leaf['at'] }, sessionWanted(leaf))
    if (key !== undefined && !isProtectionOf(key.certificate, member(identity, 'protection'))) {
      return this.#refuse(index, session, 'the key’s protection is not what its certificate says')
    }
    return key
  }

  /** A session's further key. @param before the one that it follows; @param start the start leaf */
  rekeyed(
    index: number,
    leaf: Leaf,
    before: { key: IssuedKey; start: Leaf },
  ): IssuedKey | undefined {
    const key = this.#admit(index, leaf, sessionWanted(before.start))
    if (key !== undefined) this.#endorsement(index, leaf, before.key)
    return key
  }

  /** `identity.issued` of a gate. */
  gateIssued(index: number, leaf: Leaf): void {
    const gate = count(member(leaf, 'of'), 'gate') ?? -1
    const path = (given: string): boolean => given.startsWith(`/gate/${gate}/`)
    const key = this.#admit(index, leaf, { role: 'gate', path, configuration: null, session: null })
    if (key === undefined) return
    this.#endorsement(index, leaf, this.#gateNow.get(gate))
    this.#dropExpired(text(leaf, 'at') ?? '')
    this.#gates.set(key.id, key)
    this.#gateNow.set(gate, key)
  }

  revoked(index: number, leaf: Leaf): void {
    for (const id of texts(leaf, 'keys')) {
      if (!this.#revoked.has(id)) this.#revoked.set(id, index)
      const gate = this.#gates.get(id)
      if (gate !== undefined) gate.revokedAt ??= index
    }
  }

  /** index of the leaf that took the key back */
  revokedAt(id: string): number | undefined {
    return this.#revoked.get(id)
  }

  gate(id: string): IssuedKey | undefined {
    return this.#gates.get(id)
  }

  #admit(index: number, leaf: Leaf, wanted: Wanted): IssuedKey | undefined {
    const certificate = readCertificateOf(wanted.role, text(leaf, 'certificate'))
    if (typeof certificate === 'string') {
      return this.#refuse(index, wanted.session, `its certificate: ${certificate}`)
    }
    const id = keyIdOf(certificate.key)
    const wrong =
      this.#whyNotCertified(certificate, leaf) ?? whyNotFor(certificate, { id, leaf, wanted })
    if (wrong !== undefined) return this.#refuse(index, wanted.session, wrong)
    const name = wanted.role === 'gate' ? (certificate.uri ?? '') : undefined
    if (this.#keys.has(id) || (name !== undefined && this.#gateNames.has(name))) {
      const reason = `key ${id}, or its name, was issued before`
      this.#findings.add({ index, kind: 'identity', session: wanted.session, reason })
      return undefined
    }
    this.#keys.add(id)
    if (name !== undefined) this.#gateNames.add(name)
    return { id, point: pointOf(certificate.key), certificate, revokedAt: null }
  }

  #whyNotCertified(certificate: Certificate, leaf: Leaf): string | undefined {
    if (this.#authorities.length === 0) return 'no authority stands in the log before it'
    const at = Date.parse(text(leaf, 'at') ?? '')
    const uri = parseSpiffe(certificate.uri ?? '')
    const reasons = this.#authorities.map(({ issuing, trustDomain }) => {
      if (uri?.trustDomain !== trustDomain) return 'its trust domain is another'
      if (!isValidAt(issuing, at, SKEW_MS)) return 'its issuer is not valid any more'
      return whyNotIssuedBy(certificate, issuing)
    })
    if (!reasons.includes(undefined)) return `its certificate: ${reasons[0]}`
    return isValidAt(certificate, at, SKEW_MS)
      ? undefined
      : 'its certificate is not valid at the time of the leaf'
  }

  /** `endorsed`: the key before signs the one after it; what is scheduled has to have it. */
  #endorsement(index: number, leaf: Leaf, before: IssuedKey | undefined): void {
    const endorsed = member(leaf, 'endorsed')
    const session = text(member(leaf, 'of'), 'session') ?? null
    const find = (reason: string): void =>
      this.#findings.add({ index, kind: 'identity', session, reason })
    if (endorsed === undefined) {
      if (leaf['reason'] === 'schedule') find('a key that the one before does not vouch for')
      return
    }
    const value = fromBase64(text(endorsed, 'value') ?? '')
    if (before === undefined || endorsed['by'] !== before.id || value?.length !== SIGNATURE_BYTES) {
      return find('it is vouched for by another key than the one before')
    }
    if (this.#revoked.has(before.id)) return find('it is vouched for by a key that was taken back')
    const message = Buffer.from(`sekisho/rotation/v1\n${before.id}\n${text(leaf, 'key')}\n`)
    const reason = 'the key before did not vouch for it: the signature does not fit'
    const otherwise: Finding = { index, kind: 'identity', session, reason }
    this.#queue.push({ point: before.point, message, signature: value }, otherwise)
  }

  /** Gates come and go; a claim by a key that ended long ago is one by an unknown key. */
  #dropExpired(at: string): void {
    const atMs = Date.parse(at)
    for (const [id, { certificate }] of this.#gates) {
      if (certificate.notAfter + SKEW_MS < atMs) this.#gates.delete(id)
    }
  }

  #refuse(index: number, session: string | null, reason: string): undefined {
    this.#findings.add({ index, kind: 'certificate', session, reason })
  }
}

/** What the key of a session is to be certified for, by its start leaf. */
function sessionWanted(start: Leaf): Wanted {
  const session = text(start, 'session') ?? ''
  const end = `/agent/${pathSegment(text(start, 'agent') ?? '')}/session/${session}`
  const path = (given: string): boolean => given === `/tenant/default${end}`
  return { role: 'session', path, configuration: text(start, 'configuration') ?? null, session }
}

/** An agent's name as a segment of an SPIFFE ID (§2.2): what may not stand there, as `_` and its code. */
function pathSegment(name: string): string {
  const plain = Array.from(name, (character) =>
    /^[A-Za-z0-9.-]$/.test(character) ? character : `_${character.codePointAt(0)?.toString(16)}_`,
  ).join('')
  return /^\.*$/.test(plain) ? `_${plain}` : plain
}

/** @param given.leaf the fields `id`, `key` and `certificate` that the log says of it */
function whyNotFor(
  certificate: Certificate,
  { id, leaf, wanted }: { id: string; leaf: Leaf; wanted: Wanted },
): string | undefined {
  if (leaf['key'] !== id) return 'its certificate is over another key than the leaf names'
  if (leaf['id'] !== certificate.uri) return 'its certificate names somebody else than the leaf'
  if (!wanted.path(parseSpiffe(certificate.uri ?? '')?.path ?? '')) {
    return `its certificate names another ${wanted.role}`
  }
  return certificate.protection?.configuration === wanted.configuration
    ? undefined
    : 'its certificate names another configuration'
}

/** As KeyId: the first 16 bytes of the SHA-256 of the SubjectPublicKeyInfo. */
export function keyIdOf({ spki }: CertifiedKey): string {
  return sha256(spki).subarray(0, 16).toString('hex')
}
