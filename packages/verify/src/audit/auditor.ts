import { parseObject } from '../canonical.ts'
import type { LogFollower, SealedHead, SealedLeaves } from '../verify-log.ts'
import type { CertifiedKey } from '../x509/certificate.ts'
import { isValidAt } from '../x509/chain.ts'
import { SKEW_MS } from './authorities.ts'
import { type Leaf, member, text } from './fields.ts'
import { Findings } from './findings.ts'
import { Identities, type IssuedKey } from './identities.ts'
import { readSignature } from './leaf-signature.ts'
import { isKnownType } from './leaf-types.ts'
import { isLate, whyNotOutside } from './outside-sessions.ts'
import { PostQuantumHeads } from './post-quantum.ts'
import { type Books, type Placed, SessionAudit, type SessionReport } from './session-audit.ts'
import { claimedBytes } from './signed-bytes.ts'
import { type SignatureChecker, SignatureQueue } from './signature-queue.ts'

/** A place where the record of something is missing, and the log says so itself. */
export type Gap = { index: number; session: string | null; id: string; reason: string }

const MAX_GAPS = 1000
/** Sessions whose figures are given one by one; of further ones only findings are. */
const MAX_REPORTS = 10_000

export type AuditedLeaves = {
  /** `tree`: no root was given, so nothing was asked of what stands in the leaves */
  depth: 'tree' | 'all'
  /** in the order of their ends; those that are open come last */
  sessions: SessionReport[]
  gaps: readonly Gap[]
  /** signatures that were checked, of sessions, gates and rotations; each leaf's own is one */
  signatures: number
  /** keys that were certified */
  identities: number
  /** leaves by version of the format */
  versions: Record<string, number>
  /** leaves of sessions that had ended, which nobody signs any more */
  late: number
  /**
   * leaves under the newest checkpoint with a good signature by the log's ML-DSA-44 key; null where
   * there is none, or nobody was trusted to say which key that is
   */
  lastPostQuantum: number | null
}

export type AuditorOptions = {
  /** none: the leaves are not looked into */
  roots: readonly CertifiedKey[]
  /** that the checkpoints are verified with */
  vkey: string
  /** the log's ML-DSA-44 key, as its first authority says */
  postQuantum: string | undefined
  checker: SignatureChecker
}

/**
 * Follows the leaves of a log, oldest first, and holds against each other what stands in them:
 * certificates, signatures, claims, states, counters. Holds what is open, and identities.
 */
export class Auditor implements LogFollower {
  readonly findings = new Findings()
  readonly #options: AuditorOptions
  readonly #queue: SignatureQueue
  readonly #books: Books
  readonly #heads: PostQuantumHeads
  readonly #open = new Map<string, SessionAudit>()
  readonly #ended = new Set<string>()
  readonly #reports: SessionReport[] = []
  readonly #gaps: Gap[] = []
  readonly #versions = new Map<number, number>()
  #late = 0
  #isLogCertified = true

  constructor(options: AuditorOptions) {
    this.#options = options
    this.#heads = new PostQuantumHeads(options.postQuantum)
    this.#queue = new SignatureQueue(options.checker, this.findings)
    const identities = new Identities(options.roots, this.#queue, this.findings)
    this.#books = { identities, queue: this.#queue, findings: this.findings }
  }

  report(): AuditedLeaves {
    const open = [...this.#open.values()].map((session) => session.report())
    return {
      depth: this.#options.roots.length === 0 ? 'tree' : 'all',
      sessions: [...this.#reports, ...open].slice(0, MAX_REPORTS),
      gaps: this.#gaps,
      signatures: this.#queue.checked,
      identities: this.#books.identities.size,
      versions: Object.fromEntries(this.#versions),
      late: this.#late,
      lastPostQuantum: this.#heads.last,
    }
  }

  onSealed({ index, bytes }: SealedLeaves): void {
    for (const [offset, line] of bytes.entries()) this.take(index + offset, line)
  }

  onHead(head: SealedHead): string | undefined {
    // without a root nobody says which key it is
    return this.#options.roots.length === 0 ? undefined : this.#heads.take(head)
  }

  drain(): Promise<void> {
    return this.#queue.drain()
  }

  /** Resolves once every signature is checked. */
  settle(): Promise<void> {
    return this.#queue.settle()
  }

  /** @param bytes a leaf that the log's rules have been checked of */
  take(index: number, bytes: Buffer): void {
    const leaf = parseObject(bytes)
    if (leaf === undefined) return this.#find(index, 'version', 'not a leaf')
    const version = leaf['v'] === 2 ? 2 : 1
    this.#versions.set(version, (this.#versions.get(version) ?? 0) + 1)
    if (leaf['type'] === 'gap') this.#gap(index, leaf)
    if (this.#options.roots.length === 0) return // the tree alone is asked about
    if (version === 1) return this.#takeOld(index, leaf)
    const type = text(leaf, 'type') ?? ''
    if (!isKnownType(type)) {
      return this.#find(
        index,
        'version',
        `a leaf of type ${type}, which this program does not know`,
      )
    }
    this.#takeOne({ index, leaf, bytes }, type)
  }

  /** Leaves from before there were identities: the checkpoints alone cover them. */
  #takeOld(index: number, leaf: Leaf): void {
    // what has an identity has a version 2: nobody may take the signatures away by an older number
    if (leaf['type'] === 'session.start') this.#ended.add(text(leaf, 'session') ?? '')
    const isBehind = this.#versions.has(2) || text(leaf, 'type')?.startsWith('identity.') === true
    if (isBehind) this.#find(index, 'version', 'a leaf of version 1 where there are identities')
  }

  #takeOne(placed: Placed, type: string): void {
    const { index, leaf } = placed
    const { identities } = this.#books
    if (type === 'identity.authority') this.#authority(index, leaf)
    if (type === 'identity.revoked') identities.revoked(index, leaf)
    const of = member(leaf, 'of')
    if (type === 'identity.issued' && of?.['kind'] === 'gate') identities.gateIssued(index, leaf)
    this.#logKey(index, leaf)
    // the session’s signature alone covers what something was taken out of
    if (type === 'action.outcome' && !isScrubbed(leaf)) this.#claim(placed)
    const id = text(leaf, 'session') ?? text(of, 'session')
    if (id === undefined) this.#outside(placed, type)
    else this.#ofSession(id, placed, type)
  }

  #authority(index: number, leaf: Leaf): void {
    const authority = this.#books.identities.authority(index, leaf, this.#options.vkey)
    if (authority === undefined) return
    const reason = this.#heads.name(authority.vkeys[1])
    if (reason !== undefined) {
      this.findings.add({ index, kind: 'authority', session: null, reason })
    }
  }

  /** The root vouches for the log's key for so long and no longer; said once until it does again. */
  #logKey(index: number, leaf: Leaf): void {
    const isCertified = this.#books.identities.isLogCertified(Date.parse(text(leaf, 'at') ?? ''))
    if (!isCertified && this.#isLogCertified) {
      const reason = 'written when the log’s certificate was not valid any more'
      this.findings.add({ index, kind: 'authority', session: null, reason })
    }
    this.#isLogCertified = isCertified
  }

  /** @param id of a session that is not open; none where the leaf is of no session */
  #outside({ index, leaf }: Placed, type: string, id?: string): void {
    const known = id !== undefined && this.#ended.has(id) ? 'ended' : 'never'
    const outside = { leaf, type, session: id === undefined ? null : known } as const
    if (isLate(outside)) this.#late += 1
    const wrong = whyNotOutside(outside)
    if (wrong !== undefined) this.findings.add({ index, session: id ?? null, ...wrong })
  }

  #ofSession(id: string, placed: Placed, type: string): void {
    const session = this.#open.get(id)
    if (type === 'session.start') return this.#start(id, placed)
    if (session === undefined) return this.#outside(placed, type, id)
    if (session.take(placed)) {
      this.#open.delete(id)
      this.#ended.add(id)
      if (this.#reports.length < MAX_REPORTS) this.#reports.push(session.report())
    }
  }

  #start(id: string, placed: Placed): void {
    if (this.#open.has(id) || this.#ended.has(id)) {
      this.#find(placed.index, 'identity', `session ${id} was there before`)
    }
    this.#open.set(id, new SessionAudit(placed, this.#books))
  }

  #claim({ index, leaf }: Placed): void {
    const session = text(leaf, 'session') ?? null
    const claim = member(leaf, 'claim')
    const key = this.#books.identities.gate(text(claim, 'by') ?? '')
    const wrong = whyNotClaimed({ index, leaf, key })
    const signed = readSignature(claim, claimedBytes(leaf))
    if (key === undefined || signed === undefined || wrong !== undefined) {
      const reason = wrong ?? 'the gate’s signature is none'
      return this.findings.add({ index, kind: 'claim', session, reason })
    }
    const reason = 'the gate’s signature does not fit: the outcome is not what the gate said'
    this.#queue.push({ point: key.point, ...signed }, { index, kind: 'claim', session, reason })
  }

  #gap(index: number, leaf: Leaf): void {
    if (this.#gaps.length >= MAX_GAPS) return
    const [id = '', reason = ''] = [text(leaf, 'id'), text(leaf, 'reason')]
    this.#gaps.push({ index, session: text(leaf, 'session') ?? null, id, reason })
  }

  #find(index: number, kind: 'version' | 'identity', reason: string): void {
    this.findings.add({ index, kind, session: null, reason })
  }
}

function whyNotClaimed({
  index,
  leaf,
  key,
}: {
  index: number
  leaf: Leaf
  key: IssuedKey | undefined
}): string | undefined {
  const by = text(member(leaf, 'claim'), 'by')
  if (by === undefined) return 'no gate has signed this outcome'
  if (key === undefined) return `claimed by ${by}, which is no gate’s key`
  if (key.revokedAt !== null && key.revokedAt < index) {
    return `claimed by a key that leaf ${key.revokedAt} took back`
  }
  const at = Date.parse(text(leaf, 'at') ?? '')
  return isValidAt(key.certificate, at, SKEW_MS) ? undefined : 'claimed by a key that is not valid'
}

/**
 * A secret of the session was taken out of what the gate had signed, and the claim with it: stars
 * stand in its place, as many as it had characters, and no secret is shorter than eight.
 */
function isScrubbed(leaf: Leaf): boolean {
  if (leaf['claim'] !== undefined) return false
  return Object.values(member(leaf, 'outcome') ?? {}).some(
    (value) => typeof value === 'string' && value.includes('********'),
  )
}
