import { SESSION_END } from '@sekisho/verify'
import { SekishoError } from '../core/error.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import { toPem } from '../x509/certificate.ts'
import type { Began } from './approvals/approvals.ts'
import type { Conflict } from './identity/gate-channel.ts'
import type { Identities } from './identity/identities.ts'
import { type KeyedSessions, revokedError } from './identity/keyed-sessions.ts'
import type { SessionLeaves } from './identity/session-leaves.ts'
import type { Standing } from './identity/standing.ts'
import type { Keys } from './keys.ts'
import type { Log } from './log/open-log.ts'
import { makePlaceholder } from './placeholder.ts'
import { printSecrets } from './print-secrets.ts'
import { Session, type SessionSecret, violation } from './session.ts'

export type SessionOpening = {
  secrets: readonly SessionSecret[]
  /** null resumes a session that this keyholder's predecessor had open */
  leaf: LeafInput | null
  /** which gate speaks for it; null for none */
  gate: number | null
  /** of a session that is resumed */
  began?: Began | undefined
  /** base64; null makes no prints */
  printKey: string | null
}

export type OpenedSession = {
  prints: SecretPrints[]
  index: number | null
  caPem: string
  placeholders: Record<string, string>
}

export type OpenSessionsParts = {
  log: Pick<Log, 'isOpen' | 'append'>
  keys: Keys
  now: () => Date
  identities: Identities
  leaves: SessionLeaves
  keyed: KeyedSessions
  /** what waits for people in a session is over with it */
  endHolds: (session: string) => Promise<void>
  /** records it; resolves with what the caller is refused with */
  conflict: (conflict: Conflict) => Promise<SekishoError>
}

type StartLeaf = Extract<LeafInput, { type: 'session.start' }>

/** The sessions that the keyholder has open, from their start leaf to their end leaf. */
export class OpenSessions {
  readonly #parts: OpenSessionsParts
  readonly #sessions = new Map<string, Session>()
  /** those whose state is being read from the log */
  readonly #resuming = new Set<string>()

  constructor(parts: OpenSessionsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#sessions.size
  }

  all(): Session[] {
    return [...this.#sessions.values()]
  }

  find(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  /** @throws SekishoError SESSION_UNKNOWN, of one that is ending too; IDENTITY_REVOKED */
  running(id: string): Session {
    const session = this.present(id)
    if (session.standing.isRevoked) throw revokedError(id)
    return session
  }

  /** As {@link running}, but one that is revoked is told of to its end. */
  present(id: string): Session {
    const session = this.#sessions.get(id)
    if (session === undefined || session.isClosing) throw unknownSession(id)
    return session
  }

  /**
   * An id begins once, and is resumed once by each keyholder: a second time is a conflict.
   *
   * @throws SekishoError IDENTITY_CONFLICT, IDENTITY_UNAVAILABLE, SESSION_UNKNOWN, LOG_UNWRITABLE,
   *   CONFIG_INVALID
   */
  async open(id: string, opening: SessionOpening): Promise<OpenedSession> {
    const { secrets, leaf, printKey } = opening
    if (leaf !== null && !(leaf.type === 'session.start' && leaf.session === id)) {
      throw violation('a session begins with its own start leaf')
    }
    const twice = this.#openedTwice(id, leaf)
    if (twice !== undefined) throw await this.#parts.conflict(twice)
    const { session, index } =
      leaf === null ? await this.#resume(id, opening) : await this.#begin(id, leaf, opening)
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

  #openedTwice(id: string, leaf: LeafInput | null): Conflict | undefined {
    const of = { kind: 'session', session: id } as const
    const kind = 'second-open'
    if (this.#sessions.has(id) || this.#resuming.has(id)) {
      return { of, kind, detail: `${id} is open, and was ${leaf ? 'begun' : 'resumed'} once more` }
    }
    if (leaf === null || !this.#parts.identities.used.has(id)) return undefined
    return { of, kind, detail: `${id} has been a session before, and was begun once more` }
  }

  async #begin(
    id: string,
    leaf: StartLeaf,
    opening: SessionOpening,
  ): Promise<{ session: Session; index: number }> {
    const { identities, leaves } = this.#parts
    identities.used.makeRoom() // a session whose start is in the log is not refused for this
    const session = this.#make(id, opening, identities.begin(leaf))
    session.began = { agent: leaf.agent, uid: leaf.initiator.uid }
    session.restores = leaf.restores ?? null
    this.#sessions.set(id, session)
    try {
      const index = await leaves.append(session, leaf)
      identities.used.add(id)
      return { session, index }
    } catch (error) {
      this.#sessions.delete(id)
      throw error
    }
  }

  async #resume(id: string, opening: SessionOpening): Promise<{ session: Session; index: null }> {
    this.#resuming.add(id)
    try {
      const standing = await this.#parts.identities.resume(id)
      const session = this.#make(id, opening, standing)
      session.began = opening.began
      session.count('resumed') // what it counts is then a part of the session's
      this.#sessions.set(id, session)
      await this.#parts.keyed.resumed(session)
      return { session, index: null }
    } catch (error) {
      this.#sessions.delete(id)
      throw error
    } finally {
      this.#resuming.delete(id)
    }
  }

  #make(id: string, { secrets, gate, leaf }: SessionOpening, standing: Standing): Session {
    const { keys, now } = this.#parts
    const key = keys.sessionAuthority(id)
    return new Session(id, { key, secrets, standing, gate, isResumed: leaf === null }, now())
  }

  #placeholder(session: string, name: string, value: string): string {
    const { keys } = this.#parts
    return makePlaceholder(value, (count) => keys.placeholderBytes([session, name], count))
  }

  /**
   * Its secrets are gone at once, its key once the end is in the log. When the log cannot be written
   * it can be closed again: what was turned away may be on the disk all the same, and is not written
   * twice.
   *
   * @returns null when the log has its end already
   * @throws SekishoError SESSION_UNKNOWN, LOG_UNWRITABLE
   */
  async close(id: string, leaf: LeafInput): Promise<number | null> {
    if (leaf.type !== 'session.end' || leaf.session !== id) {
      throw violation('a session ends with its own end leaf')
    }
    const { log, identities, leaves, endHolds } = this.#parts
    const session = this.#sessions.get(id)
    const isOpen = (): boolean => log.isOpen({ session: id, id: SESSION_END })
    if (session === undefined) {
      if (identities.used.has(id) && !isOpen()) return null
      throw unknownSession(id)
    }
    session.isClosing = true
    session.forgetSecrets()
    await endHolds(id)
    await Promise.all(session.openIntents.map((intent) => this.#closeByGap(session, intent)))
    await leaves.counted(session)
    const counters = { ...leaf.counters, ...session.counters }
    const index = isOpen() ? await leaves.write(session, { ...leaf, counters }) : null
    session.standing.forget()
    this.#sessions.delete(id)
    return index
  }

  async #closeByGap(session: Session, id: string): Promise<void> {
    const { log, leaves } = this.#parts
    const reason = 'the session ended before its outcome was recorded'
    if (log.isOpen({ session: session.id, id })) {
      await leaves.append(session, { type: 'gap', session: session.id, id, reason })
    }
    session.forgetIntent(id)
  }
}

export function unknownSession(id: string): SekishoError {
  return new SekishoError('SESSION_UNKNOWN', `no session ${id} is open here`, {
    hint: '`sekisho ps` shows those that run; of one that has ended, `sekisho log show --session`',
  })
}
