import { SESSION_END } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Secret } from '../core/secret.ts'
import type { Revocation } from '../wire/keyholder.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { Approvals } from './approvals/approvals.ts'
import type { MandateUses } from './approvals/mandate-uses.ts'
import { Conflicts } from './identity/conflicts.ts'
import type { Conflict } from './identity/gate-channel.ts'
import type { Identities } from './identity/identities.ts'
import { KeyedSessions, revokedError } from './identity/keyed-sessions.ts'
import { SessionLeaves } from './identity/session-leaves.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log/open-log.ts'
import {
  type OpenedSession,
  OpenSessions,
  type SessionOpening,
  unknownSession,
} from './open-sessions.ts'
import { type Session, violation } from './session.ts'
import type { IssuedCertificate } from './x509.ts'

const FACTS = [
  'session.refused',
  'limit.breach',
  'process.exec',
  'alert',
  'session.contained',
  'quarantine.set',
  'quarantine.release',
  'workspace.snapshot',
  'image.import',
  'policy.generation',
  'policy.refused',
  'policy.drift',
  'log.read',
  'transcript.collected',
  'witness.refused',
  'platform.alert',
  'identity.revocation-heard',
  'budget.breaker',
] as const
type Fact = Leaf<(typeof FACTS)[number]>

/** What the supervisor saw: such a leaf opens nothing in the log, and closes nothing. */
export function isFact(leaf: LeafInput): leaf is Fact {
  return FACTS.some((type) => type === leaf.type)
}

type Leaf<Type extends LeafInput['type']> = Extract<LeafInput, { type: Type }>
type Intent = Leaf<'action.intent'>
type Outcome = Leaf<'action.outcome'>

export type KeyholderParts = {
  log: Log
  keys: Keys
  now: () => Date
  uses: Pick<MandateUses, 'take'>
  identities: Identities
  /** whoever can end what is in conflict; never rejects */
  tellConflict: (conflict: Conflict & { by: number | null }) => void
}

/** Rule of an allowed action whose approval nobody gave. */
const UNAPPROVED = 'keyholder.approval'

/** Leaves that one flush takes; the log refuses more than it can queue. */
const GAPS_AT_ONCE = 1024

export type Recorded = { index: number; credentials: ReadonlyMap<string, Secret> }

/** What the keyholder does, whoever asks; who may ask for what is `service.ts`'s to say. */
export class Keyholder {
  readonly log: Log
  readonly approvals: Approvals
  readonly identities: Identities
  readonly sessions: OpenSessions
  readonly #now: () => Date
  readonly #leaves: SessionLeaves
  readonly #keyed: KeyedSessions
  readonly #conflicts: Conflicts

  constructor(parts: KeyholderParts) {
    const { log, keys, now, uses, identities, tellConflict } = parts
    this.log = log
    this.approvals = new Approvals({ uses, now, append: (leaf) => this.#appendCounted(leaf) })
    this.#now = now
    this.identities = identities
    const leaves = new SessionLeaves({
      log,
      now,
      readState: (id) => identities.readState(id),
      renew: (session) => this.#keyed.renew(session),
    })
    this.#leaves = leaves
    this.#keyed = new KeyedSessions({ identities, leaves, now })
    this.#conflicts = new Conflicts({ append: (leaf) => log.append(leaf), tell: tellConflict })
    this.sessions = new OpenSessions({
      log,
      keys,
      now,
      identities,
      leaves,
      keyed: this.#keyed,
      endHolds: (id) => this.approvals.endSession(id),
      conflict: (conflict) => this.conflict(conflict, null),
    })
  }

  /** What is queued is written; then nothing is taken any more. */
  async shut(): Promise<void> {
    await this.log.close()
    this.identities.close()
  }

  /** As {@link OpenSessions.open}. */
  open(id: string, opening: SessionOpening): Promise<OpenedSession> {
    return this.sessions.open(id, opening)
  }

  /** As {@link OpenSessions.close}. */
  close(id: string, leaf: LeafInput): Promise<number | null> {
    return this.sessions.close(id, leaf)
  }

  /** As {@link OpenSessions.running}. */
  running(id: string): Session {
    return this.sessions.running(id)
  }

  /** As {@link Conflicts.raise}. */
  conflict(conflict: Conflict, by: number | null): Promise<SekishoError> {
    return this.#conflicts.raise(conflict, by)
  }

  /** As {@link KeyedSessions.revoke}. @throws SekishoError SESSION_UNKNOWN */
  revoke(id: string, revocation: Revocation): Promise<string[]> {
    return this.#keyed.revoke(this.sessions.present(id), revocation)
  }

  /** What is past half its life is made anew, authority first. @throws SekishoError LOG_UNWRITABLE */
  async renewDue(): Promise<void> {
    this.identities.authority.renew()
    await this.identities.recordAuthority()
    await this.#keyed.renewDue(this.sessions.all())
  }

  /** As {@link Identities.keepPlace}. */
  keepPlace(): Promise<void> {
    return this.identities.keepPlace(() => this.sessions.all().map(({ standing }) => standing))
  }

  /** A leaf of the platform itself, or a gap in one that it vouches for. */
  recordPlatform(leaf: Leaf<'platform.start' | 'platform.stop' | 'gap'>): Promise<number> {
    if (leaf.type === 'platform.start') return this.#beginPlatform(leaf)
    if (leaf.type !== 'gap' || leaf.session === null) return this.log.append(leaf)
    const session = this.sessions.present(leaf.session)
    return this.#closing(session, leaf.id, () => this.#append(session, leaf))
  }

  /** What the supervisor saw and no outcome follows: it opens nothing in the log, closes nothing. */
  recordFact(leaf: Fact): Promise<number> {
    const id = 'session' in leaf ? leaf.session : null
    const session = id === null ? undefined : this.sessions.find(id)
    if (session !== undefined) return this.#append(session, leaf)
    // what is of no session may name any session's secret: an operator has asked the log for it
    const clean = this.sessions.all().reduce((fact, { scrubber }) => scrubber.scrub(fact), leaf)
    return this.log.append(clean)
  }

  /**
   * A limit that a gate holds, its alarm, or what it has kept; of a session that runs, and counted
   * with its leaves.
   */
  recordOfSession(
    leaf: Leaf<'limit.breach' | 'alert' | 'action.preimage' | 'session.state'>,
  ): Promise<number> {
    return this.#append(this.sessions.present(leaf.session), leaf)
  }

  /**
   * The supervisor records its start once: whatever session the log has open then, and nobody has
   * resumed here, ran under a supervisor that was killed. Each gets a gap in place of its end.
   */
  async #beginPlatform(leaf: Leaf<'platform.start'>): Promise<number> {
    const dead = this.log.openSessions.filter((id) => this.sessions.find(id) === undefined)
    const reason = 'the platform was killed before its end was recorded'
    for (let at = 0; at < dead.length; at += GAPS_AT_ONCE) {
      const some = dead.slice(at, at + GAPS_AT_ONCE)
      await Promise.all(
        some.map((session) => this.log.append({ type: 'gap', session, id: SESSION_END, reason })),
      )
    }
    return this.log.append(leaf)
  }

  /** Releases nothing unless the intent is allowed and durable. */
  async recordIntent(leaf: Intent, names: readonly string[]): Promise<Recorded> {
    if (leaf.verdict.kind !== 'allow') {
      const index = await this.#append(this.sessions.present(leaf.session), leaf)
      return { index, credentials: new Map() }
    }
    const session = this.running(leaf.session)
    if (!isSameSet(names, leaf.credentials))
      throw violation('credentials that the leaf does not name')
    const released = session.release(names, leaf.action)
    if (released.kind === 'deny') return this.#refuseRelease(session, leaf, released)
    const unapproved = this.approvals.admit(leaf, session.began)
    if (unapproved !== undefined) return this.#refuseUnapproved(session, leaf, unapproved)
    session.openIntent(leaf.id, leaf.action)
    const index = await this.#append(session, leaf).catch((error: unknown) => {
      session.forgetIntent(leaf.id)
      throw error
    })
    session.released.intend(leaf)
    // it ended meanwhile: the gap leaf that its end wrote says that nothing came of this
    if (session.isClosing) throw unknownSession(session.id)
    if (session.standing.isRevoked) throw revokedError(session.id)
    for (const _ of names) session.count('credentials')
    return { index, credentials: released.values }
  }

  /** What a call of a model came to: once for its intent, and before its outcome. */
  recordCall(leaf: Leaf<'llm.call'>): Promise<number> {
    const session = this.sessions.present(leaf.session)
    session.tellCall(leaf)
    return this.#append(session, leaf)
  }

  recordOutcome(leaf: Outcome): Promise<number> {
    const session = this.sessions.present(leaf.session)
    const done = this.#closing(session, leaf.id, () => this.#append(session, leaf))
    session.released.close(leaf)
    return done
  }

  certify(id: string, host: string, spki: string): IssuedCertificate {
    return this.running(id).certify(host, spki, this.#now())
  }

  async #closing(session: Session, id: string, append: () => Promise<number>): Promise<number> {
    session.closeIntent(id)
    try {
      return await append()
    } catch (error) {
      session.reopenIntent(id)
      throw error
    }
  }

  /** An honest gate never asks for it: recorded as what it is, a credential out of place. */
  async #refuseRelease(
    session: Session,
    leaf: Intent,
    refused: { secret: string; rules: readonly string[]; reason: string },
  ): Promise<never> {
    const { secret, rules, reason } = refused
    const host = 'host' in leaf.action ? (leaf.action.host ?? '') : ''
    await this.#append(session, {
      ...leaf,
      action: { kind: 'secret.use', secret, host, where: 'release' },
      verdict: { kind: 'deny', rules: [...rules], reason },
      credentials: [],
    })
    throw new SekishoError('PROTOCOL_VIOLATION', `secret ${secret} is ${reason}`, {
      hint: 'bind the secret to this host in the agent file, or do not attach it there',
    })
  }

  /** As {@link #refuseRelease}: what it says of its approval is not so. */
  async #refuseUnapproved(session: Session, leaf: Intent, reason: string): Promise<never> {
    const verdict = { kind: 'deny' as const, rules: [UNAPPROVED], reason }
    await this.#append(session, { ...leaf, verdict, credentials: [] })
    throw new SekishoError('APPROVAL_REFUSED', reason, {
      hint: 'ask again; an approval is for exactly what was shown, and is used once',
    })
  }

  /** With the leaves of its session while that is open, else with nobody's. */
  #appendCounted(leaf: LeafInput): Promise<number> {
    const id = 'session' in leaf ? leaf.session : null
    const session = id === null ? undefined : this.sessions.find(id)
    return session === undefined ? this.log.append(leaf) : this.#append(session, leaf)
  }

  #append(session: Session, leaf: LeafInput): Promise<number> {
    return this.#leaves.append(session, leaf)
  }
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const left = new Set(a)
  return a.length === b.length && left.size === a.length && b.every((name) => left.has(name))
}
