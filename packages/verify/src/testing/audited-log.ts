import { generateKeyPairSync, sign } from 'node:crypto'
import { canonicalForm, isObject, parseObject } from '../canonical.ts'
import { type ReplayedState, startedState, stateAfter, stateHash } from '../audit/states.ts'
import { type NoteCosigner, noteCosigner, type NoteSigner, noteSigner } from '../note-signer.ts'
import { type Leaf, LogBuilder } from './build-log.ts'
import { certificate, type CertificateFields, type KeyPair, newKey, toPem } from './certificates.ts'

/** A platform in small, which writes leaves as the real one does: certified, signed, claimed. */

const T0 = Date.parse('2026-01-02T03:00:00.000Z')
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
export const DOMAIN = 'test.internal'
export const CONFIGURATION = `sha256:${'c'.repeat(64)}`

const SOFTWARE = { class: 'software', emulated: false }

type Issued = { key: KeyPair; uri: string; certificate: string }

type Open = {
  start: Leaf
  state: ReplayedState
  key: KeyPair
  uri: string
  counters: Map<string, number>
  isRevoked: boolean
}

export class AuditedLog {
  readonly log: LogBuilder
  readonly rootKey: KeyPair
  readonly logKey: KeyPair
  readonly gateKey: KeyPair = newKey()
  /** of sessions and gates, by their names */
  readonly keys = new Map<string, KeyPair>()
  /** of the log, beside its Ed25519 key */
  readonly postQuantum: NoteCosigner = newPostQuantum()
  #issuing: KeyPair = newKey()
  readonly #rootCertificate: string
  readonly #sessions = new Map<string, Open>()
  #atMs = T0

  constructor({ rootKey = newKey(), logKey = newKey('ed25519') } = {}) {
    this.rootKey = rootKey
    this.logKey = logKey
    const signer: NoteSigner = noteSigner('sekisho/log/test', logKey.key)
    this.log = new LogBuilder(signer).segment()
    this.#rootCertificate = this.certify(rootKey, 'root', {
      issuer: 'root',
      uri: `spiffe://${DOMAIN}`,
      pathLength: 1,
      notAfter: T0 + 3650 * DAY_MS,
    })
  }

  get rootPem(): string {
    return toPem(this.#rootCertificate)
  }

  get vkey(): string {
    return this.log.signer.vkey
  }

  /** Writes one leaf and the checkpoint that seals it, as time goes on by a second. */
  write(leaf: Leaf): Leaf {
    const whole = { v: 2, at: this.now(), ...leaf }
    this.log.batch(whole)
    return whole
  }

  now(): string {
    this.#atMs += 1000
    return new Date(this.#atMs).toISOString()
  }

  later(byMs: number): this {
    this.#atMs += byMs
    return this
  }

  /** @param by the root unless said otherwise */
  certify(
    key: KeyPair,
    subject: string,
    fields: Partial<CertificateFields> & { by?: KeyPair } = {},
  ): string {
    const { by = this.rootKey, ...given } = fields
    return certificate(
      {
        subject,
        issuer: by === this.rootKey ? 'root' : 'issuing',
        uri: null,
        spki: key.spki,
        notBefore: this.#atMs - MINUTE_MS,
        notAfter: this.#atMs + 60 * MINUTE_MS,
        pathLength: null,
        protection: SOFTWARE,
        extensions: [],
        ...given,
      },
      by.key,
    )
  }

  authority(overrides: Leaf = {}): this {
    this.#issuing = newKey()
    this.write({
      type: 'identity.authority',
      trustDomain: DOMAIN,
      root: this.#rootCertificate,
      rootProtection: SOFTWARE,
      issuing: this.certify(this.#issuing, 'issuing', {
        uri: `spiffe://${DOMAIN}`,
        pathLength: 0,
        notAfter: this.#atMs + 89 * DAY_MS,
      }),
      log: {
        certificate: this.certify(this.logKey, 'log', {
          uri: `spiffe://${DOMAIN}/log/test`,
          notAfter: this.#atMs + 364 * DAY_MS,
        }),
        vkeys: [this.vkey, this.postQuantum.vkey],
      },
      reason: 'first',
      ...overrides,
    })
    return this
  }

  /** A certificate of the issuing authority's. */
  issue(
    uri: string,
    { key = newKey(), ...fields }: Partial<CertificateFields> & { key?: KeyPair } = {},
  ): Issued {
    this.keys.set(key.id, key)
    return {
      key,
      uri,
      certificate: this.certify(key, 'svid', { by: this.#issuing, uri, ...fields }),
    }
  }

  gate(gate = 0, overrides: Leaf = {}, key: KeyPair = this.gateKey): this {
    const issued = this.issue(`spiffe://${DOMAIN}/gate/${gate}/${key.id.slice(0, 16)}`, { key })
    this.write({
      type: 'identity.issued',
      of: { kind: 'gate', gate },
      id: issued.uri,
      key: key.id,
      certificate: issued.certificate,
      reason: 'start',
      endorsed: null,
      ...overrides,
    })
    return this
  }

  start(session: string, overrides: Leaf = {}): this {
    const { key, uri, certificate } = this.issueSession(session)
    const leaf = {
      type: 'session.start',
      session,
      agent: 'claude',
      configuration: CONFIGURATION,
      argv: ['true'],
      identity: { id: uri, key: key.id, certificate, protection: SOFTWARE },
      ...overrides,
    }
    const state = startedState(leaf)
    const counters = new Map<string, number>()
    this.#sessions.set(session, { start: leaf, state, key, uri, counters, isRevoked: false })
    this.signed(session, { ...leaf, state: { seq: 0, from: null, to: stateHash(state) } })
    return this
  }

  issueSession(session: string, configuration: string = CONFIGURATION): Issued {
    const uri = `spiffe://${DOMAIN}/tenant/default/agent/claude/session/${session}`
    return this.issue(uri, { protection: { ...SOFTWARE, configuration } })
  }

  /** A leaf with its session's signature. */
  signed(session: string, leaf: Leaf): this {
    const { key } = this.of(session)
    const whole = { v: 2, at: this.now(), ...leaf }
    this.#count(session, leaf)
    const value = signatureOf('sekisho/leaf/v2\n', whole, key)
    this.write({ ...whole, sig: { by: key.id, value } })
    return this
  }

  /** A leaf of a session that nobody signs. */
  unsigned(session: string, leaf: Leaf): this {
    this.#count(session, leaf)
    this.write(leaf)
    return this
  }

  /** An allowed action and its outcome, claimed by the gate. */
  action(session: string, id: string, { credentials = [] }: { credentials?: string[] } = {}): this {
    return this.intent(session, id, { credentials }).outcome(session, id)
  }

  intent(session: string, id: string, overrides: Leaf = {}): this {
    return this.signed(session, {
      type: 'action.intent',
      session,
      id,
      action: { kind: 'http.request', scheme: 'https', host: 'a.example', port: 443 },
      verdict: { kind: 'allow', rules: ['r'] },
      credentials: [],
      repeated: 0,
      ...overrides,
    })
  }

  outcome(session: string, id: string, overrides: Leaf = {}): this {
    const key = this.gateKey
    const done = { status: 200, address: '192.0.2.1', bytesOut: 10, bytesIn: 20, scrubbed: 0 }
    const handed = {
      type: 'action.outcome',
      session,
      id,
      outcome: { kind: 'performed', ...done },
    }
    const claim = { by: key.id, value: signatureOf('sekisho/claim/v2\n', handed, key) }
    return this.signed(session, { ...handed, claim, ...overrides })
  }

  exec(session: string, id: string, overrides: Leaf = {}): this {
    const { counters } = this.of(session)
    counters.set('exec.total', (counters.get('exec.total') ?? 0) + 1)
    const verdict = { kind: 'allow', rules: [] }
    const leaf = { type: 'process.exec', session, id, path: '/bin/true', written: false, verdict }
    return this.signed(session, { ...leaf, repeated: 0, ...overrides })
  }

  /** A leaf that changes the session's state, with the stamp of it. */
  change(session: string, leaf: Leaf): this {
    const open = this.of(session)
    const next = stateAfter(open.state, leaf)
    if (next === undefined || typeof next === 'string') throw new Error(`no change: ${next}`)
    const stamp = { seq: next.seq, from: stateHash(open.state), to: stateHash(next) }
    open.state = next
    const isStated = leaf['type'] === 'session.state' || leaf['type'] === 'session.end'
    const isSigned = isStated && !open.isRevoked
    const stamped = { ...leaf, state: stamp }
    return isSigned ? this.signed(session, stamped) : this.unsigned(session, stamped)
  }

  rekey(session: string, reason: string, overrides: Leaf = {}): this {
    const open = this.of(session)
    const { key, uri, certificate } = this.issueSession(session)
    const bytes = Buffer.from(`sekisho/rotation/v1\n${open.key.id}\n${key.id}\n`)
    const endorsed = { by: open.key.id, value: p1363(bytes, open.key) }
    this.change(session, {
      type: 'identity.issued',
      of: { kind: 'session', session },
      id: uri,
      key: key.id,
      certificate,
      reason,
      endorsed: reason === 'schedule' ? endorsed : null,
      ...overrides,
    })
    open.key = key
    return this
  }

  /** From here on nobody signs for it. */
  revoked(session: string): this {
    this.of(session).isRevoked = true
    return this
  }

  /** Its own authority leaf, in another log. */
  copyAuthorityTo(other: AuditedLog): void {
    this.authority()
    const line = this.log.segments[0]?.find((text) => text.startsWith('{')) ?? '{}'
    const leaf = parseObject(Buffer.from(line)) ?? {}
    other.write({ ...leaf, at: other.now() })
  }

  end(session: string, counters: Readonly<Record<string, number>> = {}): this {
    const own = Object.fromEntries(this.of(session).counters)
    const end = { type: 'session.end', session, exitCode: 0, reason: 'exit' }
    this.change(session, { ...end, counters: { ...own, ...counters } })
    this.#sessions.delete(session)
    return this
  }

  of(session: string): Open {
    const open = this.#sessions.get(session)
    if (open === undefined) throw new Error(`no session ${session}`)
    return open
  }

  #count(session: string, leaf: Leaf): void {
    const { counters } = this.of(session)
    const add = (name: string, by: number): void =>
      void counters.set(name, (counters.get(name) ?? 0) + by)
    if (leaf['type'] !== 'session.end') add(`keyholder.leaves.${String(leaf['type'])}`, 1)
    const { credentials, outcome } = leaf
    if (Array.isArray(credentials) && credentials.length > 0) {
      add('keyholder.credentials', credentials.length)
    }
    if (isObject(outcome)) {
      for (const figure of ['bytesOut', 'bytesIn', 'scrubbed']) add(figure, Number(outcome[figure]))
    }
  }
}

export function newPostQuantum(): NoteCosigner {
  return noteCosigner('sekisho/log/test', generateKeyPairSync('ml-dsa-44').privateKey)
}

export function signatureOf(context: string, leaf: Leaf, key: KeyPair): string {
  return p1363(Buffer.from(`${context}${canonicalForm(leaf)}`), key)
}

function p1363(bytes: Buffer, { key }: KeyPair): string {
  return sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }).toString('base64')
}

/** One session that does something of everything. */
export function auditedSample(): AuditedLog {
  const [first, second] = ['s-00000000000000000000', 's-11111111111111111111']
  const log = new AuditedLog().authority().gate()
  log.write({ type: 'platform.start', version: '1', degraded: [] })
  log.start(first).action(first, 'a').exec(first, 'e1')
  log.start(second).action(second, 'b', { credentials: ['token'] })
  log.change(first, { type: 'session.state', session: first, trigger: 'freeze', detail: '' })
  log.change(first, { type: 'session.state', session: first, trigger: 'thaw', detail: '' })
  log.rekey(first, 'schedule').exec(first, 'e2')
  log.intent(second, 'c', { verdict: { kind: 'deny', rules: ['d'], reason: 'no' } })
  return log.end(first).end(second)
}
