import { createPublicKey, hash, type KeyObject, sign, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import { canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'
import { Certificate, Protection, type RootRequest } from '../../wire/identity.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import { withSignature } from '../../x509/certificate.ts'
import { type Issuer, issuingIssuer, requestedBody, rootBody } from '../../x509/profiles.ts'
import type { Keys } from '../keys.ts'
import { readOwnFile, writeOwnFile } from './own-file.ts'

const DAY_MS = 86_400_000
const ROOT_MS = 10 * 365 * DAY_MS
const ISSUING_MS = 90 * DAY_MS
const LOG_MS = 365 * DAY_MS
/** Before a certificate's beginning there is nothing to certify; clocks may have been set back. */
const BACKDATE_MS = 5 * 60_000

/** What the keyholder keeps of its authority; keys are derived, and not in it. */
const Kept = z.strictObject({
  v: z.literal(1),
  trustDomain: z.string(),
  root: Certificate,
  rootProtection: Protection,
  /** which of the derived keys issues */
  generation: z.int().min(1),
  issuing: Certificate,
  log: Certificate,
})
type Kept = z.infer<typeof Kept>

const Recorded = z.strictObject({ v: z.literal(1), digest: z.string() })

type AuthorityLeaf = Extract<LeafInput, { type: 'identity.authority' }>

export type AuthorityOptions = {
  /** below the keyholder's state */
  dir: string
  keys: Keys
  now: () => Date
  /** `external`: the root's key is another process's */
  root: 'derived' | 'external'
  /** what the root stands for, or is to; absent: a name made of the master key */
  trustDomain?: string | undefined
  /** verifier keys of the log */
  vkeys: readonly string[]
}

/**
 * Root, issuing authority and the log's certificate (RFC 5280): who signs for this platform. With
 * the provider `derived` the root is a key of the master key's and everything is made here; else
 * the root's process certifies what is asked of it, and nothing is issued before it has.
 */
export class Authority {
  readonly #options: AuthorityOptions
  readonly #path: string
  #kept: Kept | undefined
  #issuingEndsAtMs = 0
  readonly #waiting: (() => void)[] = []
  /** what was asked of an external root; the answer is checked against it */
  #asked: RootRequest[] = []
  #issuingKey: { generation: number; key: KeyObject; issuer: Issuer } | undefined
  #reason: AuthorityLeaf['reason'] = 'first'

  /** @throws SekishoError CONFIG_INVALID, LOG_UNWRITABLE */
  constructor(options: AuthorityOptions) {
    this.#options = options
    this.#path = join(options.dir, 'authority.json')
    const kept = readOwnFile(this.#path, Kept)
    if (kept !== undefined) {
      refuseAnother(kept, options)
      this.#reason = 'schedule'
      this.#keep(kept)
    }
    this.renew()
  }

  get trustDomain(): string {
    const { trustDomain, keys } = this.#options
    return this.#kept?.trustDomain ?? trustDomain ?? ownTrustDomain(keys)
  }

  /** Whether there is a certificate to issue by. */
  get isReady(): boolean {
    return this.#issuingEndsAtMs > this.#nowMs
  }

  /** base64 DER; null before a root has been heard of */
  get certificates(): { root: string; issuing: string; log: string } | null {
    if (this.#kept === undefined) return null
    const { root, issuing, log } = this.#kept
    return { root, issuing, log }
  }

  /** Resolves once there is a certificate to issue by. */
  whenReady(): Promise<void> {
    if (this.isReady) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Where the root's key is; undefined before it has been heard of. */
  get rootProtection(): Protection | undefined {
    return this.#kept?.rootProtection
  }

  get generation(): number {
    return this.#kept?.generation ?? 1
  }

  /** Unix ms; issued certificates end no later */
  get issuingEndsAtMs(): number {
    return this.#issuingEndsAtMs
  }

  /** @throws SekishoError IDENTITY_UNAVAILABLE before there is an issuing certificate */
  get issuer(): Issuer {
    return this.#issuing(this.generation).issuer
  }

  /** Certificates or lists of an issuing authority. @param generation the one in force if absent */
  sign(body: Buffer, generation = this.generation): Buffer {
    if (!this.isReady) throw unavailable()
    return withSignature(body, sign('sha256', body, this.#issuing(generation).key))
  }

  issuerOf(generation: number): Issuer {
    return this.#issuing(generation).issuer
  }

  /**
   * Makes what is missing or past half its life, where the root is here.
   *
   * @throws SekishoError LOG_UNWRITABLE
   */
  renew(): void {
    if (this.#options.root !== 'derived') return
    const requests = this.#due()
    if (requests.length === 0) return
    const root = this.#options.keys.rootAuthority()
    const spki = spkiOf(root)
    const certificates = requests.map((request) =>
      certify(requestedBody(request, spki), root).toString('base64'),
    )
    const certificate = this.#kept?.root ?? this.#selfSigned(root).toString('base64')
    this.#take(requests, {
      root: certificate,
      rootProtection: { class: 'derived', emulated: false },
      certificates,
    })
  }

  /** What an external root is to certify now; empty when all is well. */
  requests(): RootRequest[] {
    if (this.#options.root === 'derived') return []
    this.#asked = this.#due()
    return this.#asked
  }

  /**
   * @param made.certificates base64 DER, in the order of what was asked last
   * @throws SekishoError IDENTITY_REFUSED when they are not what was asked, or by another root than
   *   before
   */
  install(made: { root: string; rootProtection: Protection; certificates: string[] }): void {
    if (this.#options.root === 'derived') throw refused('the root is here, and nobody else’s')
    checkRoot(made.root, this.#kept)
    if (made.certificates.length !== this.#asked.length) throw refused('not what was asked')
    for (const [at, request] of this.#asked.entries()) {
      checkCertified(made.certificates[at] ?? '', request, made.root)
    }
    this.#take(this.#asked, made)
    this.#asked = []
  }

  /** The leaf that says so, unless the log has it. */
  get unrecorded(): AuthorityLeaf | undefined {
    const leaf = this.#leaf()
    if (leaf === undefined) return undefined
    const recorded = readOwnFile(this.#recordedPath, Recorded)
    return recorded?.digest === digestOf(leaf) ? undefined : leaf
  }

  /** That leaf is durable. */
  recorded(leaf: AuthorityLeaf): void {
    writeOwnFile(this.#recordedPath, { v: 1, digest: digestOf(leaf) })
  }

  get #recordedPath(): string {
    return join(this.#options.dir, 'recorded.json')
  }

  get #nowMs(): number {
    return this.#options.now().getTime()
  }

  #leaf(): AuthorityLeaf | undefined {
    const kept = this.#kept
    if (kept === undefined) return undefined
    return {
      type: 'identity.authority',
      trustDomain: kept.trustDomain,
      root: kept.root,
      rootProtection: kept.rootProtection,
      issuing: kept.issuing,
      log: { certificate: kept.log, vkeys: [...this.#options.vkeys] },
      reason: this.#reason,
    }
  }

  #issuing(generation: number): { key: KeyObject; issuer: Issuer } {
    if (this.#issuingKey?.generation === generation) return this.#issuingKey
    const key = this.#options.keys.issuingAuthority(generation)
    const made = { generation, key, issuer: issuingIssuer(this.trustDomain, spkiOf(key)) }
    if (generation === this.generation) this.#issuingKey = made
    return made
  }

  #due(): RootRequest[] {
    const kept = this.#kept
    const common = {
      trustDomain: this.trustDomain,
      protection: { class: 'derived', emulated: false },
      notBefore: wholeSecond(this.#nowMs - BACKDATE_MS),
    } as const
    const due: RootRequest[] = []
    if (kept === undefined || isPastHalf(kept.issuing, this.#nowMs)) {
      const spki = spkiOf(this.#options.keys.issuingAuthority(this.#nextGeneration))
      const notAfter = common.notBefore + ISSUING_MS
      due.push({ purpose: 'issuing', spki: spki.toString('base64'), ...common, notAfter })
    }
    if (kept === undefined || isPastHalf(kept.log, this.#nowMs)) {
      const spki = this.#options.keys.logSpki.toString('base64')
      due.push({ purpose: 'log', spki, ...common, notAfter: common.notBefore + LOG_MS })
    }
    return due
  }

  get #nextGeneration(): number {
    return this.#kept === undefined ? 1 : this.#kept.generation + 1
  }

  #take(
    requests: readonly RootRequest[],
    made: { root: string; rootProtection: Protection; certificates: readonly string[] },
  ): void {
    const certified = (purpose: RootRequest['purpose']): string | undefined =>
      made.certificates[requests.findIndex((request) => request.purpose === purpose)]
    const issuing = certified('issuing')
    const kept = Kept.parse({
      v: 1,
      trustDomain: this.trustDomain,
      root: made.root,
      rootProtection: made.rootProtection,
      generation: issuing === undefined ? this.generation : this.#nextGeneration,
      issuing: issuing ?? this.#kept?.issuing,
      log: certified('log') ?? this.#kept?.log,
    })
    writeOwnFile(this.#path, kept)
    this.#keep(kept)
  }

  #keep(kept: Kept): void {
    this.#kept = kept
    this.#issuingEndsAtMs = endOf(kept.issuing)
    this.#issuingKey = undefined
    if (this.isReady) for (const resume of this.#waiting.splice(0)) resume()
  }

  #selfSigned(root: KeyObject): Buffer {
    const notBefore = new Date(wholeSecond(this.#nowMs - BACKDATE_MS))
    const notAfter = new Date(notBefore.getTime() + ROOT_MS)
    const protection = { class: 'derived', emulated: false } as const
    const { trustDomain } = this
    return certify(
      rootBody({ trustDomain, spki: spkiOf(root), protection, notBefore, notAfter }),
      root,
    )
  }
}

function certify(body: Buffer, key: KeyObject): Buffer {
  return withSignature(body, sign('sha256', body, key))
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ format: 'der', type: 'spki' })
}

/** As unique as the log's own name, and of no domain that anybody can have (RFC 9476 aside, `internal`). */
function ownTrustDomain(keys: Keys): string {
  return `sekisho-${keys.logName.slice('sekisho/log/'.length)}.internal`
}

function wholeSecond(atMs: number): number {
  return Math.floor(atMs / 1000) * 1000
}

function read(certificate: string): X509Certificate {
  return new X509Certificate(Buffer.from(certificate, 'base64'))
}

function endOf(certificate: string): number {
  return read(certificate).validToDate.getTime()
}

function isPastHalf(certificate: string, nowMs: number): boolean {
  const { validFromDate, validToDate } = read(certificate)
  return nowMs >= (validFromDate.getTime() + validToDate.getTime()) / 2
}

function digestOf(leaf: AuthorityLeaf): string {
  return hash('sha256', canonicalJson({ ...leaf, reason: 'first' }))
}

/** One root for a log's whole life: names and certificates of two would stand side by side. */
function refuseAnother(kept: Kept, { root, trustDomain }: AuthorityOptions): void {
  const hint = 'put platform.yaml back as it was, or move the state directory away to begin anew'
  if ((kept.rootProtection.class === 'derived') !== (root === 'derived')) {
    const { class: before } = kept.rootProtection
    throw new SekishoError(
      'CONFIG_INVALID',
      `this platform's root is ${before}, and identity.root in platform.yaml says otherwise`,
      { hint },
    )
  }
  if (trustDomain === undefined || trustDomain === kept.trustDomain) return
  throw new SekishoError(
    'CONFIG_INVALID',
    `this platform's trust domain is ${kept.trustDomain}, not ${trustDomain}`,
    { hint },
  )
}

function checkRoot(certificate: string, kept: Kept | undefined): void {
  if (kept !== undefined && kept.root !== certificate) throw refused('by another root than before')
  const root = read(certificate)
  if (!root.ca || !root.verify(root.publicKey)) throw refused('the root is not signed by itself')
}

function checkCertified(certificate: string, request: RootRequest, root: string): void {
  const made = read(certificate)
  const spki = made.publicKey.export({ format: 'der', type: 'spki' }).toString('base64')
  const isAsked =
    spki === request.spki &&
    made.ca === (request.purpose === 'issuing') &&
    made.validToDate.getTime() <= request.notAfter
  if (!isAsked) throw refused(`the ${request.purpose} certificate is not what was asked for`)
  if (!made.verify(read(root).publicKey)) throw refused('not signed by that root')
}

function refused(message: string): SekishoError {
  return new SekishoError('IDENTITY_REFUSED', message, {
    hint: 'look at `sekisho identity list` and at the setting of the root',
  })
}

function unavailable(): SekishoError {
  return new SekishoError('IDENTITY_UNAVAILABLE', 'nothing certifies identities yet', {
    hint: 'unlock the root that the settings name; until then no session starts',
  })
}
