import type { ApprovalKind } from '../../core/label.ts'
import { isSignedBy } from '../../policy/signing-key.ts'
import { type ApprovalRefusal, approvalBytes, type SignedApproval } from '../../wire/approval.ts'
import type { Approver } from '../../wire/decision.ts'
import { type Closed, type Hold, type InForce, isDisabled, missing, standing } from './hold.ts'

/** A signature that waits longer than this is to be thought over again. */
const MAX_CONSENT_MS = 24 * 3_600_000
/** What a signer's clock may be ahead of ours. */
const CLOCK_SKEW_MS = 5 * 60_000

type Refused = { result: 'refused'; why: ApprovalRefusal; message: string; signer: string | null }
export type Judgement =
  | Refused
  | { result: 'denied'; signer: string }
  | { result: 'approved' | 'waiting'; signer: string; needs: readonly ApprovalKind[] }

type Asked = {
  signed: SignedApproval
  /** undefined: there is none of that id */
  hold: Hold | undefined
  /** undefined: none is in force here yet */
  policy: InForce | undefined
  nowMs: number
}

/** What an answer comes to. Changes nothing: it counts once it is in the log. */
export function judgeAnswer(asked: Asked): Judgement {
  const { signed, policy, nowMs } = asked
  const { statement } = signed
  const entries = policy?.approvers.get(statement.key) ?? []
  const [known] = entries
  if (policy === undefined || known === undefined) {
    const message = 'this key is neither an operator’s nor a user’s'
    return { result: 'refused', why: 'unknown-key', message, signer: null }
  }
  const refuse = (why: ApprovalRefusal, message: string): Refused => ({
    result: 'refused',
    why,
    message,
    signer: known.name,
  })
  const key = Buffer.from(known.key, 'base64')
  if (!isSignedBy(key, { bytes: approvalBytes(statement), signature: signed.signature })) {
    return refuse('bad-signature', 'the signature is not over this statement')
  }
  const { hold } = asked
  if (hold === undefined) return refuse('unknown-hold', `nothing of the id ${statement.hold} waits`)
  const facts: Facts = { statement, hold, policy, entries, nowMs }
  for (const check of CHECKS) {
    const objection = check(facts)
    if (objection !== undefined) return refuse(...objection)
  }
  return agree(facts, known.name)
}

function agree({ statement, hold, nowMs }: Facts, signer: string): Judgement {
  if (statement.answer === 'deny') return { result: 'denied', signer }
  const needs = missing(hold, nowMs).filter((kind) => kind !== statement.kind)
  return { result: needs.length === 0 ? 'approved' : 'waiting', signer, needs }
}

type Facts = {
  statement: SignedApproval['statement']
  hold: Hold
  policy: InForce
  /** whose key it is; one at least */
  entries: readonly Approver[]
  nowMs: number
}
type Objection = readonly [ApprovalRefusal, string] | undefined

/** In this order: what it is about, who says it, and whether it still can be said. */
const CHECKS: readonly ((facts: Facts) => Objection)[] = [
  checkSubject,
  checkOpen,
  checkAsked,
  checkSigner,
  checkEnabled,
  checkPolicy,
  checkExpiry,
  checkFirst,
  checkApart,
]

function checkSubject({ statement, hold: { leaf } }: Facts): Objection {
  if (statement.session !== leaf.session) {
    return ['other-session', `the statement is about ${statement.session}, not ${leaf.session}`]
  }
  if (statement.digest === leaf.digest) return undefined
  return ['other-action', 'the statement is about other bytes than those that wait']
}

/** Ends that say nothing of the policy or the time; see {@link checkPolicy}, {@link checkExpiry}. */
const OVER: Readonly<Partial<Record<Closed, Objection>>> = {
  'session-ended': ['session-ended', 'its session has ended'],
  used: ['already-answered', 'it was approved and has been done'],
  denied: ['already-answered', 'somebody has denied it'],
  withdrawn: ['already-answered', 'nobody waits for it any more'],
}

function checkOpen({ hold: { closed } }: Facts): Objection {
  return closed === null ? undefined : OVER[closed]
}

function checkAsked({ statement: { kind }, hold: { leaf } }: Facts): Objection {
  if (leaf.needs.includes(kind)) return undefined
  return ['not-asked-for', `it waits for ${leaf.needs.join(' and ')}, not for ${kind}`]
}

function checkSigner(facts: Facts): Objection {
  if (asWhom(facts) !== undefined) return undefined
  if (facts.statement.kind === 'initiator') {
    return ['not-the-initiator', 'this key is not of the user who began the session']
  }
  return ['unknown-key', 'this key is a user’s, not an operator’s']
}

function asWhom({ statement: { kind }, hold, entries }: Facts): Approver | undefined {
  if (kind !== 'initiator') return entries.find(({ as }) => as === 'operator')
  return entries.find(({ as, uid }) => as === 'user' && uid === hold.initiator)
}

function checkEnabled(facts: Facts): Objection {
  const signer = asWhom(facts)
  if (signer?.enabled === false) return ['user-disabled', `${signer.name} is disabled`]
  if (!isDisabled(facts.policy, facts.hold.initiator)) return undefined
  return ['user-disabled', 'the user who began the session is disabled']
}

function checkPolicy({ statement, hold: { leaf }, policy }: Facts): Objection {
  if (leaf.policy !== policy.digest) {
    return ['policy-changed', 'the policy has changed since it was asked']
  }
  if (statement.policy === policy.digest) return undefined
  return ['policy-changed', 'the statement names another policy than the one in force']
}

function checkExpiry({ statement, hold, nowMs }: Facts): Objection {
  if (hold.closed === 'expired' || hold.expiresAtMs <= nowMs) {
    return ['expired', `nobody answered until ${hold.leaf.expiresAt}`]
  }
  const expiresAtMs = Date.parse(statement.expiresAt)
  if (expiresAtMs <= nowMs) return ['expired', `the signature expired at ${statement.expiresAt}`]
  if (expiresAtMs > hold.expiresAtMs) {
    return ['expired', `the signature outlives the question, which ends at ${hold.leaf.expiresAt}`]
  }
  const signedAtMs = Date.parse(statement.signedAt)
  if (signedAtMs > nowMs + CLOCK_SKEW_MS) {
    return ['expired', `the signature is from the future: ${statement.signedAt}`]
  }
  if (expiresAtMs - signedAtMs <= MAX_CONSENT_MS) return undefined
  return ['expired', 'the signature is valid for more than a day']
}

function checkFirst({ statement: { kind, key }, hold, nowMs }: Facts): Objection {
  const given = standing(hold, nowMs)
  if (given.some((consent) => consent.kind === kind)) {
    return ['already-answered', `somebody has answered as ${kind}`]
  }
  const own = given.find((consent) => consent.key === key)
  if (own === undefined) return undefined
  if (own.kind === 'initiator' || kind === 'initiator') return SELF
  return ['already-answered', 'this operator has answered; it takes another one']
}

const SELF: Objection = [
  'self-approval',
  'who confirms the intent of an action may not approve it too',
]

/** Two kinds are two people: neither one key under two names, nor one user with two keys. */
function checkApart(facts: Facts): Objection {
  const { statement, hold, policy } = facts
  if (statement.kind === 'initiator' || !hold.leaf.needs.includes('initiator')) return undefined
  const isInitiator = (policy.approvers.get(statement.key) ?? []).some(
    ({ uid }) => uid === hold.initiator,
  )
  return isInitiator ? SELF : undefined
}
