import { SekishoError } from '../../core/error.ts'
import { OneAtATime } from '../../core/one-at-a-time.ts'
import type { ApprovalKind } from '../../core/label.ts'
import type { ApprovalResult, SignedApproval } from '../../wire/approval.ts'
import type { Mandate } from '../../wire/decision.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import {
  type EndedLeaf,
  type HeldLeaf,
  type Hold,
  type InForce,
  isDisabled,
  type PolicySet,
} from './hold.ts'
import { Holds, type Intent } from './holds.ts'
import type { Judgement } from './judge-answer.ts'
import type { MandateUses } from './mandate-uses.ts'
import { RefusedRate } from './refused-rate.ts'

export type ApprovalsOptions = {
  uses: Pick<MandateUses, 'take'>
  now: () => Date
  /** durable when it resolves */
  append: (leaf: LeafInput) => Promise<number>
}

/** What the keyholder knows of a running session by itself. */
export type Began = { agent: string; uid: number }

/** Ends of a hold that have a leaf of their own: the others are named by the leaf that made them. */
const ENDS = {
  expired: 'nobody answered in time',
  withdrawn: 'nobody waits for it any more',
  'policy-changed': 'the policy changed',
  'session-ended': 'its session ended',
} as const

/**
 * The authority on approvals: nothing that asks for people's consent leaves unless they have signed
 * exactly that, here and once. A gate or a control process that is taken over cannot make it up.
 */
export class Approvals {
  readonly #holds = new Holds()
  readonly #options: ApprovalsOptions
  readonly #refused: RefusedRate
  /** index of the leaf that says how a hold ended, for the gate that tells the same later */
  readonly #ends = new WeakMap<HeldLeaf, Promise<number>>()
  /** who opened it: when that gate is gone nobody waits any more */
  readonly #openers = new WeakMap<HeldLeaf, object>()
  readonly #line = new OneAtATime()

  constructor(options: ApprovalsOptions) {
    this.#options = options
    this.#refused = new RefusedRate(this.#nowMs)
  }

  get #nowMs(): number {
    return this.#options.now().getTime()
  }

  get policy(): InForce | undefined {
    return this.#holds.policy
  }

  /** Digest of the bundle that answers are checked by; null before the first. */
  get policyDigest(): string | null {
    return this.#holds.policy?.digest ?? null
  }

  /** What was asked under another policy is over, and recorded so. */
  async setPolicy(policy: PolicySet): Promise<void> {
    await this.#recordEnds(this.#holds.setPolicy(policy))
  }

  /**
   * @param opener the gate that waits
   * @throws SekishoError PROTOCOL_VIOLATION, POLICY_CHANGED, PEER_UNAVAILABLE, LOG_UNWRITABLE
   */
  async open(leaf: HeldLeaf, { uid, opener }: { uid: number; opener: object }): Promise<number> {
    await this.#recordEnds(this.#holds.closeExpired(this.#nowMs))
    this.#holds.open(leaf, { initiator: uid, nowMs: this.#nowMs })
    this.#openers.set(leaf, opener)
    try {
      return await this.#options.append(leaf)
    } catch (error) {
      this.#holds.close(leaf.id, 'withdrawn') // no record, no question
      throw error
    }
  }

  /** A gate says that a hold is over; what is over already is not recorded twice. */
  async end(leaf: EndedLeaf): Promise<number> {
    const hold = this.#holds.find(leaf.hold)
    // one that a keyholder before this one knew has its end recorded all the same
    if (hold === undefined) return this.#options.append(leaf)
    if (hold.leaf.session !== leaf.session) {
      throw new SekishoError('PROTOCOL_VIOLATION', 'the hold is of another session')
    }
    const closed = this.#holds.close(leaf.hold, leaf.why)
    const recorded =
      closed === undefined ? this.#ends.get(hold.leaf) : this.#recordEnd(closed, leaf)
    if (recorded !== undefined) return recorded
    throw new SekishoError('PROTOCOL_VIOLATION', `the hold is over already: ${hold.closed ?? ''}`)
  }

  async endSession(session: string): Promise<void> {
    await this.#recordEnds(this.#holds.closeSession(session))
  }

  async openerGone(opener: object): Promise<void> {
    const own = this.#holds.waiting.filter(({ leaf }) => this.#openers.get(leaf) === opener)
    await this.#recordEnds(own.flatMap(({ leaf }) => this.#holds.close(leaf.id, 'withdrawn') ?? []))
  }

  async #recordEnds(holds: readonly Hold[]): Promise<void> {
    await Promise.all(holds.map((hold) => this.#recordEnd(hold)))
  }

  #recordEnd({ leaf, closed }: Hold, said?: EndedLeaf): Promise<number> {
    const why = closed === null || closed === 'used' || closed === 'denied' ? 'withdrawn' : closed
    const recorded = this.#options.append(
      said ?? {
        type: 'approval.ended',
        session: leaf.session,
        hold: leaf.id,
        why: why === 'session-ended' ? 'withdrawn' : why,
        detail: ENDS[why],
      },
    )
    this.#ends.set(leaf, recorded)
    recorded.catch(() => this.#ends.delete(leaf)) // told to whoever asked for it
    return recorded
  }

  /**
   * One answer at a time: it is judged, then recorded, and counts from then on.
   *
   * @throws SekishoError LOG_UNWRITABLE, PERMISSION_REQUIRED when too much was refused to record it
   */
  answer(signed: SignedApproval): Promise<ApprovalResult> {
    return this.#line.run(() => this.#answer(signed))
  }

  async #answer(signed: SignedApproval): Promise<ApprovalResult> {
    const judgement = this.#holds.judge(signed, this.#nowMs)
    if (judgement.result === 'refused' && !this.#refused.take(this.#nowMs)) {
      throw new SekishoError('PERMISSION_REQUIRED', 'too many answers were refused', {
        hint: `wait a moment; this one is refused, too, and not recorded: ${judgement.message}`,
      })
    }
    const hold = this.#holds.find(signed.statement.hold)
    const recorded = this.#options.append({
      type: 'approval.answer',
      session: hold?.leaf.session ?? null,
      signed,
      signer: judgement.signer,
      result: judgement.result,
      why: judgement.result === 'refused' ? judgement.why : null,
    })
    if (judgement.result === 'denied' && hold !== undefined) this.#ends.set(hold.leaf, recorded)
    await recorded
    this.#holds.count(signed, judgement)
    return resultOf(judgement)
  }

  /**
   * Takes the consent that an allowed intent says it has.
   *
   * @returns why it has none; undefined when it asks for none, or has it
   * @throws SekishoError LOG_UNWRITABLE
   */
  admit(intent: Intent, began: Began | undefined): string | undefined {
    if (!claimsConsent(intent)) return undefined
    const mandate = this.#mandateFor(intent, began)
    if (typeof mandate === 'string') return mandate
    const given = this.#holds.use(intent, this.#nowMs)
    if ('refusal' in given) return given.refusal
    const bare = claimed(intent).filter(
      (kind) => ![...given, ...(mandate?.kinds ?? [])].includes(kind),
    )
    if (bare.length > 0) return `nobody has approved it as ${bare.join(' and ')}`
    if (mandate === undefined || this.#options.uses.take(mandate)) return undefined
    return `the mandate ${mandate.id} has been used ${mandate.maxUses} times`
  }

  /** @returns why the mandate that it names does not stand for it */
  #mandateFor(intent: Intent, began: Began | undefined): Mandate | string | undefined {
    const named = intent.facts?.mandate
    if (named === undefined) return undefined
    const mandate = this.#holds.policy?.mandates.find(({ id }) => id === named)
    if (mandate === undefined) return `there is no mandate ${named}`
    if (mandate.expiresAtMs <= this.#nowMs) return `the mandate ${named} has expired`
    if (this.#isDisabled(began)) return 'the user who began the session is disabled'
    if (!isOf(mandate, began, this.#nameOf(began?.uid))) return `the mandate ${named} is another’s`
    return speaksOf(mandate, intent) ? mandate : `the mandate ${named} is for other actions`
  }

  #isDisabled(began: Began | undefined): boolean {
    const { policy } = this.#holds
    return began !== undefined && policy !== undefined && isDisabled(policy, began.uid)
  }

  #nameOf(uid: number | undefined): string {
    const user = uid === undefined ? undefined : this.#holds.policy?.users.get(uid)
    return user?.name ?? `uid-${uid}`
  }
}

function claimed({ facts }: Intent): readonly ApprovalKind[] {
  return facts?.approvals ?? []
}

function claimsConsent(intent: Intent): boolean {
  const { facts, hold } = intent
  return hold !== undefined || facts?.mandate !== undefined || claimed(intent).length > 0
}

function isOf({ agent, user }: Mandate, began: Began | undefined, name: string): boolean {
  if (agent !== null && agent !== began?.agent) return false
  return user === null || (began !== undefined && user === name)
}

/** As far as the record tells: counterparties and amounts are the gate's to compare. */
function speaksOf({ operations, rules }: Mandate, { facts, verdict }: Intent): boolean {
  const operation = facts?.operation
  if (operation !== undefined) return operations.includes(operation)
  return verdict.rules.some((rule) => rules.includes(rule))
}

function resultOf(judgement: Judgement): ApprovalResult {
  switch (judgement.result) {
    case 'refused':
      return { kind: 'refused', why: judgement.why, message: judgement.message }
    case 'waiting':
      return { kind: 'waiting', needs: [...judgement.needs] }
    case 'approved':
    case 'denied':
      return { kind: judgement.result }
  }
}
