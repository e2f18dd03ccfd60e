import { canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'
import type { ApprovalKind } from '../../core/label.ts'
import type { SignedApproval } from '../../wire/approval.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import {
  type Closed,
  type HeldLeaf,
  type Hold,
  type InForce,
  inForce,
  isDisabled,
  missing,
  type PolicySet,
  standing,
} from './hold.ts'
import { type Judgement, judgeAnswer } from './judge-answer.ts'

/** Holds of one session that wait at once. */
const MAX_OF_SESSION = 64
/** Holds of all sessions that wait at once. */
const MAX_WAITING = 1024
/** Holds that are over, kept so that whoever answers late is told why it counts for nothing. */
const MAX_CLOSED = 4096
/** What waits longer has been forgotten by whoever was to answer. */
const MAX_WAIT_MS = 24 * 3_600_000

export type Intent = Extract<LeafInput, { type: 'action.intent' }>

/**
 * All actions that wait for people, and what has been answered: the one authority on whether an
 * action was approved. Knows no clock and writes nothing; see {@link Approvals}.
 */
export class Holds {
  /** oldest first */
  readonly #waiting = new Map<string, Hold>()
  readonly #closed = new Map<string, Hold>()
  #policy: InForce | undefined

  get waiting(): readonly Hold[] {
    return [...this.#waiting.values()]
  }

  get policy(): InForce | undefined {
    return this.#policy
  }

  find(id: string): Hold | undefined {
    return this.#waiting.get(id) ?? this.#closed.get(id)
  }

  /** @returns the holds that were asked under another policy: these are over */
  setPolicy(policy: PolicySet): Hold[] {
    this.#policy = inForce(policy)
    return this.#closeAll(({ leaf }) => leaf.policy !== policy.digest, 'policy-changed')
  }

  /**
   * @param initiator uid of who began the session
   * @throws SekishoError PROTOCOL_VIOLATION, POLICY_CHANGED, PEER_UNAVAILABLE
   */
  open(leaf: HeldLeaf, { initiator, nowMs }: { initiator: number; nowMs: number }): Hold {
    const expiresAtMs = Date.parse(leaf.expiresAt)
    this.#checkNew(leaf, expiresAtMs - nowMs)
    const hold = { leaf, initiator, expiresAtMs, consents: [], closed: null }
    this.#waiting.set(leaf.id, hold)
    return hold
  }

  #checkNew(leaf: HeldLeaf, waitMs: number): void {
    if (this.find(leaf.id) !== undefined) throw refused(`the hold ${leaf.id} is known already`)
    if (!(waitMs > 0 && waitMs <= MAX_WAIT_MS)) throw refused('a hold that waits for no sane time')
    if (new Set(leaf.needs).size !== leaf.needs.length) throw refused('one kind is asked for twice')
    if (this.#policy?.digest !== leaf.policy) {
      throw new SekishoError('POLICY_CHANGED', 'it was decided by a policy that is not in force')
    }
    const ofSession = this.waiting.filter((hold) => hold.leaf.session === leaf.session)
    if (this.#waiting.size < MAX_WAITING && ofSession.length < MAX_OF_SESSION) return
    throw new SekishoError('PEER_UNAVAILABLE', 'too many actions wait for people', {
      hint: 'run `sekisho approvals list` and answer some',
    })
  }

  judge(signed: SignedApproval, nowMs: number): Judgement {
    const hold = this.find(signed.statement.hold)
    return judgeAnswer({ signed, hold, policy: this.#policy, nowMs })
  }

  /**
   * The answer is in the log: it counts, unless the hold is over meanwhile.
   *
   * @param judgement of {@link judge}
   */
  count({ statement }: SignedApproval, judgement: Judgement): void {
    const hold = this.#waiting.get(statement.hold)
    if (hold === undefined || judgement.result === 'refused') return
    if (judgement.result === 'denied') {
      this.close(statement.hold, 'denied')
      return
    }
    const { kind, key } = statement
    const expiresAtMs = Date.parse(statement.expiresAt)
    const consent = { kind, key, name: judgement.signer, expiresAtMs }
    this.#waiting.set(statement.hold, { ...hold, consents: [...hold.consents, consent] })
  }

  /**
   * Takes the yes that an allowed intent names, so that nothing else can have it.
   *
   * @returns whose it was, or why it may not
   */
  use(intent: Intent, nowMs: number): readonly ApprovalKind[] | { refusal: string } {
    if (intent.hold === undefined) return []
    const { id, digest } = intent.hold
    const hold = this.#waiting.get(id)
    if (hold === undefined) return { refusal: `the hold ${id} ${howOver(this.#closed.get(id))}` }
    const refusal = mismatch(hold, intent, digest) ?? this.#unfit(hold, nowMs)
    if (refusal !== undefined) return { refusal: `the hold ${id} ${refusal}` }
    this.close(id, 'used')
    return standing(hold, nowMs).map(({ kind }) => kind)
  }

  #unfit(hold: Hold, nowMs: number): string | undefined {
    if (hold.leaf.policy !== this.#policy?.digest) return 'was asked under another policy'
    if (isDisabled(this.#policy, hold.initiator)) return 'is of a user who is disabled'
    if (hold.expiresAtMs <= nowMs) return 'has expired'
    const needs = missing(hold, nowMs)
    return needs.length === 0 ? undefined : `has no yes as ${needs.join(' and ')}`
  }

  /** @returns the hold as it is then; undefined when none of that id waits */
  close(id: string, as: Closed): Hold | undefined {
    const hold = this.#waiting.get(id)
    if (hold === undefined) return undefined
    this.#waiting.delete(id)
    const closed = { ...hold, closed: as }
    this.#closed.set(id, closed)
    const [oldest] = this.#closed.keys()
    if (this.#closed.size > MAX_CLOSED && oldest !== undefined) this.#closed.delete(oldest)
    return closed
  }

  closeSession(session: string): Hold[] {
    for (const [id, hold] of this.#closed) {
      // who answers from now on is told of the session's end, however the hold itself ended
      if (hold.leaf.session === session) this.#closed.set(id, { ...hold, closed: 'session-ended' })
    }
    return this.#closeAll(({ leaf }) => leaf.session === session, 'session-ended')
  }

  closeExpired(nowMs: number): Hold[] {
    return this.#closeAll(({ expiresAtMs }) => expiresAtMs <= nowMs, 'expired')
  }

  #closeAll(isOver: (hold: Hold) => boolean, as: Closed): Hold[] {
    return this.waiting.filter(isOver).flatMap(({ leaf }) => this.close(leaf.id, as) ?? [])
  }
}

function mismatch({ leaf }: Hold, intent: Intent, digest: string): string | undefined {
  if (leaf.session !== intent.session) return 'is of another session'
  if (leaf.digest !== digest) return 'is about other bytes'
  const isSame = canonicalJson(leaf.action) === canonicalJson(intent.action)
  return isSame ? undefined : 'is about another action'
}

function howOver(hold: Hold | undefined): string {
  return hold === undefined ? 'is not known' : `is over: ${hold.closed ?? ''}`
}

function refused(message: string): SekishoError {
  return new SekishoError('PROTOCOL_VIOLATION', message)
}
