import { SekishoError } from '../../core/error.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Revocation } from '../../wire/keyholder.ts'
import type { Session } from '../session.ts'
import type { Identities } from './identities.ts'
import type { SessionLeaves } from './session-leaves.ts'
import { endorse } from './signing-key.ts'
import type { SessionIdentity } from './svids.ts'

type IssueReason = Extract<LeafInput, { type: 'identity.issued' }>['reason']

/** The keys of sessions while they run: another one in time, none after a revocation. */
export class KeyedSessions {
  readonly #identities: Identities
  readonly #leaves: SessionLeaves
  readonly #now: () => Date
  readonly #underWay = new Map<Session, Promise<void>>()

  constructor(parts: { identities: Identities; leaves: SessionLeaves; now: () => Date }) {
    this.#identities = parts.identities
    this.#leaves = parts.leaves
    this.#now = parts.now
  }

  /** The log is told of the key that a resumed session has. */
  async resumed(session: Session): Promise<void> {
    const { identity } = session.standing
    if (identity !== undefined) {
      await this.#leaves.append(session, issuedLeaf(session.id, identity, 'restart'))
    }
  }

  /**
   * Another key for each whose certificate is past half its life; the key before vouches for it.
   *
   * @throws SekishoError LOG_UNWRITABLE, IDENTITY_UNAVAILABLE: the keys stay as they were
   */
  async renewDue(sessions: Iterable<Session>): Promise<void> {
    const nowMs = this.#now().getTime()
    const due = [...sessions].filter(({ isClosing, standing }) => {
      const { identity } = standing
      return !isClosing && identity !== undefined && identity.renewAtMs <= nowMs
    })
    await Promise.all(due.map((session) => this.renew(session)))
  }

  /** Another key for one session, once however many ask meanwhile. @throws as {@link renewDue} */
  renew(session: Session): Promise<void> {
    const under = this.#underWay.get(session)
    if (under !== undefined) return under
    const renewal = this.#renew(session).finally(() => this.#underWay.delete(session))
    this.#underWay.set(session, renewal)
    return renewal
  }

  async #renew(session: Session): Promise<void> {
    await this.#leaves.settle(session) // which of its keys is the one in force
    if (session.isClosing || session.standing.isRevoked) return
    await this.#follow(session)
  }

  /** The key in force vouches for the next. */
  async #follow(session: Session): Promise<void> {
    const { standing } = session
    const { identity, state } = standing
    if (identity === undefined || state === undefined) return
    const next = this.#identities.certify(state)
    const endorsed = endorse(identity.signer, next.key)
    const recorded = this.#leaves.append(session, {
      ...issuedLeaf(session.id, next, 'schedule'),
      endorsed,
    })
    standing.adopt(next) // what is written after that leaf is signed by this one
    await recorded
    standing.confirm()
  }

  /**
   * Its key's last word is that it is taken back; resolves when that is durable. The key is refused
   * from this turn on.
   *
   * @returns the ids of the keys; none where it was revoked before
   * @throws SekishoError LOG_UNWRITABLE: it is refused all the same
   */
  async revoke(session: Session, revocation: Revocation): Promise<string[]> {
    const { standing } = session
    const { of, reason, detail, by } = revocation
    if (standing.isRevoked) return []
    standing.refuse()
    session.forgetSecrets()
    try {
      // its last word is signed by the key that the log knows
      if (standing.isUnsure) await this.#leaves.settle(session)
      await this.#followIfOver(session)
    } catch (error) {
      standing.forget()
      throw error
    }
    const { identity } = standing
    const keys = identity === undefined ? [] : [identity.key]
    const changed = this.#leaves.append(session, {
      type: 'session.state',
      session: session.id,
      trigger: 'revoke',
      detail: `${reason}: ${detail}`.slice(0, 4096),
      checks: [],
    })
    standing.revoke()
    const revoked = this.#leaves.append(session, {
      type: 'identity.revoked',
      of,
      keys,
      reason,
      detail,
      by,
    })
    await Promise.all([changed, revoked])
    if (identity !== undefined) this.#identities.revocations.add([identity], reason)
    return keys
  }

  /** A key that is over signs nothing that counts. Without another its last word is unsigned. */
  async #followIfOver(session: Session): Promise<void> {
    const { identity } = session.standing
    if (identity === undefined || identity.endsAtMs > this.#now().getTime()) return
    if (session.isClosing) return
    try {
      await this.#follow(session)
    } catch (error) {
      if (!isUnavailable(error)) throw error
    }
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof SekishoError && error.code === 'IDENTITY_UNAVAILABLE'
}

function issuedLeaf(
  session: string,
  { id, key, certificate }: SessionIdentity,
  reason: IssueReason,
): Extract<LeafInput, { type: 'identity.issued' }> {
  return {
    type: 'identity.issued',
    of: { kind: 'session', session },
    id,
    key,
    certificate: certificate.toString('base64'),
    reason,
    endorsed: null,
  }
}

export function revokedError(what: string): SekishoError {
  return new SekishoError('IDENTITY_REVOKED', `the identity of ${what} was revoked`, {
    hint: 'see `sekisho identity list`',
  })
}
