import type { LeafInput } from '../../wire/leaves.ts'
import type { Log } from '../log/open-log.ts'
import type { Session } from '../session.ts'
import type { SessionState } from '../../lifecycle/session-state.ts'

export type SessionLeavesParts = {
  log: Pick<Log, 'append'>
  /** as the log has it, what was turned away and is there all the same included */
  readState: (session: string) => Promise<SessionState | undefined>
  now: () => Date
  /** @throws SekishoError IDENTITY_UNAVAILABLE, LOG_UNWRITABLE */
  renew: (session: Session) => Promise<void>
}

/** Leaves of sessions on their way into the log: stamped with their state, to be signed by their key. */
export class SessionLeaves {
  readonly #parts: SessionLeavesParts

  constructor(parts: SessionLeavesParts) {
    this.#parts = parts
  }

  /** As {@link write}, counted with what the session's end says of it. */
  async append(session: Session, leaf: LeafInput): Promise<number> {
    const writing = this.write(session, leaf)
    session.underWay.add(writing)
    try {
      const index = await writing
      session.count(`leaves.${leaf.type}`)
      return index
    } finally {
      session.underWay.delete(writing)
    }
  }

  /**
   * Resolves when what was handed over is counted, or was turned away. Nobody waits for an outcome: a
   * gate that died, or is somebody else's, may have told one just before its session's end, and a count
   * without it would say that the log was tampered with.
   */
  async counted({ underWay }: Session): Promise<void> {
    while (underWay.size > 0) await Promise.allSettled(underWay)
  }

  /**
   * Stamped and queued in this turn, unless the session's state is in doubt: what is written
   * in one order is in the log in that order.
   *
   * @throws SekishoError as {@link Log.append}; PROTOCOL_VIOLATION for a change of state that cannot be
   */
  async write(session: Session, leaf: LeafInput): Promise<number> {
    const { standing } = session
    if (this.#isOver(session) && leaf.type !== 'identity.issued') await this.#renew(session, leaf)
    if (standing.isUnsure) await this.settle(session)
    const { leaf: stamped, signer, state } = standing.stamp(scrubbed(leaf, session))
    try {
      const index = await this.#parts.log.append(stamped, signer)
      if (state !== undefined) standing.recorded(state)
      return index
    } catch (error) {
      if (state !== undefined) standing.doubt()
      throw error
    }
  }

  /** The clock can have gone on by hours at once, as when a machine wakes up. */
  #isOver({ standing }: Session): boolean {
    const { identity } = standing
    return identity !== undefined && identity.endsAtMs <= this.#parts.now().getTime()
  }

  /** Where there is no other certificate, nothing is begun any more; what was begun has its end. */
  async #renew(session: Session, leaf: LeafInput): Promise<void> {
    try {
      await this.#parts.renew(session)
    } catch (error) {
      if (leaf.type === 'action.intent') throw error
    }
  }

  /** Looks up what the log says where a change was turned away. @throws SekishoError LOG_BROKEN */
  async settle(session: Session): Promise<void> {
    if (!session.standing.isUnsure) return
    const state = await this.#parts.readState(session.id)
    if (state !== undefined && session.standing.isUnsure) session.standing.correct(state)
  }
}

/** What a gate has signed is not what is recorded once something was taken out of it. */
function scrubbed(leaf: LeafInput, { scrubber }: Session): LeafInput {
  const clean = scrubber.scrub(leaf)
  if (clean === leaf || clean.type !== 'action.outcome') return clean
  const { claim: _, ...unclaimed } = clean
  return unclaimed
}
