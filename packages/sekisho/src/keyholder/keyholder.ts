import { SESSION_END } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { Secret } from '../core/secret.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log/open-log.ts'
import { makePlaceholder } from './placeholder.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import { Approvals, type Began } from './approvals/approvals.ts'
import type { MandateUses } from './approvals/mandate-uses.ts'
import { printSecrets } from './print-secrets.ts'
import { Session, type SessionSecret, violation } from './session.ts'
import { toPem } from '../x509/certificate.ts'
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
] as const
type Fact = Leaf<(typeof FACTS)[number]>

/** What the supervisor saw: such a leaf opens nothing in the log, and closes nothing. */
export function isFact(leaf: LeafInput): leaf is Fact {
  return FACTS.some((type) => type === leaf.type)
}

type Leaf<Type extends LeafInput['type']> = Extract<LeafInput, { type: Type }>
type Intent = Leaf<'action.intent'>
type Outcome = Leaf<'action.outcome'>

export type SessionOpening = {
  secrets: readonly SessionSecret[]
  leaf: LeafInput | null
  /** of a session that is resumed */
  began?: Began | undefined
  printKey: string | null
}

export type OpenedSession = {
  prints: SecretPrints[]
  index: number | null
  caPem: string
  placeholders: Record<string, string>
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
  readonly #keys: Keys
  readonly #now: () => Date
  readonly #sessions = new Map<string, Session>()

  constructor(parts: { log: Log; keys: Keys; now: () => Date; uses: Pick<MandateUses, 'take'> }) {
    const { log, keys, now, uses } = parts
    this.log = log
    this.approvals = new Approvals({ uses, now, append: (leaf) => this.#appendCounted(leaf) })
    this.#keys = keys
    this.#now = now
  }

  get sessions(): number {
    return this.#sessions.size
  }

  /**
   * @param leaf null resumes a session that this keyholder's predecessor had open
   * @param printKey base64; null makes no prints
   */
  async open(
    id: string,
    { secrets, leaf, printKey, began }: SessionOpening,
  ): Promise<OpenedSession> {
    if (leaf !== null && !(leaf.type === 'session.start' && leaf.session === id)) {
      throw violation('a session begins with its own start leaf')
    }
    if (this.#sessions.has(id)) throw violation(`session ${id} is open already`)
    const session = new Session(id, { key: this.#keys.sessionAuthority(id), secrets }, this.#now())
    session.began = leaf === null ? began : { agent: leaf.agent, uid: leaf.initiator.uid }
    this.#sessions.set(id, session)
    const index = await this.#begin(session, leaf)
    return {
      index,
      prints: printSecrets(secrets, printKey),
      caPem: toPem(session.authority.certificate),
      placeholders: Object.fromEntries(
        secrets.map(({ binding, value }) => [
          binding.name,
          this.#placeholder(id, binding.name, value),
        ]),
      ),
    }
  }

  async #begin(session: Session, leaf: LeafInput | null): Promise<number | null> {
    if (leaf === null) {
      session.count('resumed') // what it counts is then a part of the session's
      return null
    }
    session.restores = leaf.type === 'session.start' ? (leaf.restores ?? null) : null
    try {
      return await this.#append(session, leaf)
    } catch (error) {
      this.#sessions.delete(session.id)
      throw error
    }
  }

  #placeholder(session: string, name: string, value: string): string {
    return makePlaceholder(value, (count) => this.#keys.placeholderBytes([session, name], count))
  }

  /**
   * Its secrets are gone at once. When the log cannot be written it can be closed again: what was
   * turned away may be on the disk all the same, and is not written twice.
   *
   * @returns null when the log has its end already
   */
  async close(id: string, leaf: LeafInput): Promise<number | null> {
    if (leaf.type !== 'session.end' || leaf.session !== id) {
      throw violation('a session ends with its own end leaf')
    }
    const session = this.#sessions.get(id)
    if (session === undefined) throw unknownSession(id)
    session.isClosing = true
    session.forgetSecrets()
    await this.approvals.endSession(id)
    await Promise.all(session.openIntents.map((intent) => this.#closeByGap(session, intent)))
    const isOpen = this.log.isOpen({ session: id, id: SESSION_END })
    const counters = { ...leaf.counters, ...session.counters }
    const index = isOpen ? await this.log.append({ ...leaf, counters }) : null
    this.#sessions.delete(id)
    return index
  }

  async #closeByGap(session: Session, id: string): Promise<void> {
    const reason = 'the session ended before its outcome was recorded'
    if (this.log.isOpen({ session: session.id, id })) {
      await this.#append(session, { type: 'gap', session: session.id, id, reason })
    }
    session.forgetIntent(id)
  }

  /** A leaf of the platform itself, or a gap in one that it vouches for. */
  recordPlatform(leaf: Leaf<'platform.start' | 'platform.stop' | 'gap'>): Promise<number> {
    if (leaf.type === 'platform.start') return this.#beginPlatform(leaf)
    if (leaf.type !== 'gap' || leaf.session === null) return this.log.append(leaf)
    const session = this.running(leaf.session)
    return this.#closing(session, leaf.id, () => this.#append(session, leaf))
  }

  /** What the supervisor saw and no outcome follows: it opens nothing in the log, closes nothing. */
  recordFact(leaf: Fact): Promise<number> {
    return this.log.append(leaf)
  }

  /**
   * A limit that a gate holds, its alarm, or what it has kept; of a session that runs, and counted
   * with its leaves.
   */
  recordOfSession(
    leaf: Leaf<'limit.breach' | 'alert' | 'action.preimage' | 'session.state'>,
  ): Promise<number> {
    return this.#append(this.running(leaf.session), leaf)
  }

  /**
   * The supervisor records its start once: whatever session the log has open then, and nobody has
   * resumed here, ran under a supervisor that was killed. Each gets a gap in place of its end.
   */
  async #beginPlatform(leaf: Leaf<'platform.start'>): Promise<number> {
    const dead = this.log.openSessions.filter((session) => !this.#sessions.has(session))
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
    const session = this.running(leaf.session)
    if (leaf.verdict.kind !== 'allow') {
      return { index: await this.#append(session, leaf), credentials: new Map() }
    }
    if (!isSameSet(names, leaf.credentials))
      throw violation('credentials that the leaf does not name')
    const released = session.release(names, leaf.action)
    if (released.kind === 'deny') return this.#refuseRelease(session, leaf, released)
    const unapproved = this.approvals.admit(leaf, session.began)
    if (unapproved !== undefined) return this.#refuseUnapproved(session, leaf, unapproved)
    session.openIntent(leaf.id)
    const index = await this.#append(session, leaf).catch((error: unknown) => {
      session.forgetIntent(leaf.id)
      throw error
    })
    // it ended meanwhile: the gap leaf that its end wrote says that nothing came of this
    if (session.isClosing) throw unknownSession(session.id)
    for (const _ of names) session.count('credentials')
    return { index, credentials: released.values }
  }

  recordOutcome(leaf: Outcome): Promise<number> {
    const session = this.running(leaf.session)
    return this.#closing(session, leaf.id, () => this.#append(session, leaf))
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
    const session = id === null ? undefined : this.#sessions.get(id)
    return session === undefined ? this.log.append(leaf) : this.#append(session, leaf)
  }

  async #append(session: Session, leaf: LeafInput): Promise<number> {
    const index = await this.log.append(leaf)
    session.count(`leaves.${leaf.type}`)
    return index
  }

  /** @throws SekishoError SESSION_UNKNOWN, of one that is ending too */
  running(id: string): Session {
    const session = this.#sessions.get(id)
    if (session === undefined || session.isClosing) throw unknownSession(id)
    return session
  }
}

function unknownSession(id: string): SekishoError {
  return new SekishoError('SESSION_UNKNOWN', `no session ${id} is open here`)
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  const left = new Set(a)
  return a.length === b.length && left.size === a.length && b.every((name) => left.has(name))
}
