import { sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { approvalBytes, type ApprovalRefusal, type SignedApproval } from '../../wire/approval.ts'
import { OTHER } from '../testing/leaves.ts'
import type { Closed, Consent, Hold } from './hold.ts'
import { inForce } from './hold.ts'
import { judgeAnswer } from './judge-answer.ts'
import {
  AIKO,
  APPROVERS,
  approver,
  at,
  BEN,
  CLEO,
  digest,
  heldLeaf,
  NOW,
  person,
  policySet,
  signed,
  STRANGER,
  statement,
  UDO,
  UMA,
} from './testing/people.ts'

const DAY_MS = 24 * 3_600_000
const INTENT_TOO = { needs: ['initiator', 'approver'] as const }

function hold(fields: Parameters<typeof heldLeaf>[0] = {}, more: Partial<Hold> = {}): Hold {
  const leaf = heldLeaf(fields)
  const expiresAtMs = Date.parse(leaf.expiresAt)
  return { leaf, initiator: 1000, expiresAtMs, consents: [], closed: null, ...more }
}

function consent(by: { name: string }, fields: Partial<Consent> = {}): Consent {
  const key = statement(AIKO).key
  return { kind: 'approver', key, name: by.name, expiresAtMs: NOW + 1000, ...fields }
}

function judge(
  answer: SignedApproval,
  of: Hold | undefined = hold(),
  policy = policySet(),
): ReturnType<typeof judgeAnswer> {
  return judgeAnswer({ signed: answer, hold: of, policy: inForce(policy), nowMs: NOW })
}

describe('counts', () => {
  test('one operator’s yes where one is asked for', () => {
    expect(judge(signed(AIKO))).toEqual({ result: 'approved', signer: 'aiko', needs: [] })
  })

  test('the user’s own, of whom it is asked', () => {
    const asked = hold({ needs: ['initiator'] })
    expect(judge(signed(UMA, { kind: 'initiator' }), asked)).toEqual({
      result: 'approved',
      signer: 'uma',
      needs: [],
    })
  })

  test('one of two, with the other still awaited', () => {
    const both = hold({ needs: [...INTENT_TOO.needs] })
    expect(judge(signed(AIKO), both)).toEqual({
      result: 'waiting',
      signer: 'aiko',
      needs: ['initiator'],
    })
  })

  test('a no, with others still awaited', () => {
    const both = hold({ needs: [...INTENT_TOO.needs] })
    expect(judge(signed(AIKO, { answer: 'deny' }), both)).toEqual({
      result: 'denied',
      signer: 'aiko',
    })
  })

  test('an operator’s yes to their own session, where the user is not asked beside them', () => {
    const own = hold({}, { initiator: 1002 })
    expect(judge(signed(CLEO), own)).toMatchObject({ result: 'approved' })
  })

  test('a second operator’s yes after the first one’s has expired leaves one still awaited', () => {
    const two = hold(
      { needs: ['approver', 'second-approver'] },
      { consents: [consent(AIKO, { expiresAtMs: NOW })] },
    )
    expect(judge(signed(BEN, { kind: 'second-approver' }), two)).toEqual({
      result: 'waiting',
      signer: 'ben',
      needs: ['approver'],
    })
  })

  test('whoever’s yes has expired may give it anew', () => {
    const late = hold({}, { consents: [consent(AIKO, { expiresAtMs: NOW })] })
    expect(judge(signed(AIKO), late)).toMatchObject({ result: 'approved' })
  })
})

const closed = (as: Closed): Hold => hold({}, { closed: as })
const disabled = (...names: string[]): ReturnType<typeof policySet> =>
  policySet({
    approvers: APPROVERS.map((one) => ({ ...one, enabled: !names.includes(one.name) })),
    users: policySet().users.map((one) => ({ ...one, enabled: !names.includes(one.name) })),
  })

type Row = readonly [
  string,
  ApprovalRefusal,
  SignedApproval,
  { of?: Hold; policy?: ReturnType<typeof policySet> }?,
]

const twice = hold({ needs: ['approver', 'second-approver'] }, { consents: [consent(AIKO)] })
const both = hold({ needs: [...INTENT_TOO.needs] })

const REFUSED: readonly Row[] = [
  ['a key that stands nowhere', 'unknown-key', signed(STRANGER)],
  ['a user’s key as an operator’s', 'unknown-key', signed(UDO)],
  [
    'a stranger who gives an operator’s key as their own',
    'bad-signature',
    signed(STRANGER, { key: statement(AIKO).key }),
  ],
  [
    'a statement changed after it was signed: no to yes',
    'bad-signature',
    { ...signed(AIKO, { answer: 'deny' }), statement: statement(AIKO) },
  ],
  [
    'an expiry put off after it was signed',
    'bad-signature',
    { ...signed(AIKO, { expiresAt: at(1000) }), statement: statement(AIKO) },
  ],
  [
    'a signature over the bare statement, without its domain',
    'bad-signature',
    {
      statement: statement(AIKO),
      signature: sign(null, approvalBytes(statement(AIKO)).slice(20), AIKO.secret).toString(
        'base64',
      ),
    },
  ],
  ['a statement about another session', 'other-session', signed(AIKO, { session: OTHER })],
  ['a statement about other bytes', 'other-action', signed(AIKO, { digest: digest('e') })],
  [
    'one asked under another policy',
    'policy-changed',
    signed(AIKO),
    { of: hold({ policy: digest('b') }) },
  ],
  [
    'one asked before the policy changed',
    'policy-changed',
    signed(AIKO),
    { policy: policySet({ digest: digest('b') }) },
  ],
  [
    'a statement that names another policy',
    'policy-changed',
    signed(AIKO, { policy: digest('b') }),
  ],
  ['an expired signature', 'expired', signed(AIKO, { expiresAt: at(0) })],
  ['a signature that outlives the question', 'expired', signed(AIKO, { expiresAt: at(600_001) })],
  ['a signature from the future', 'expired', signed(AIKO, { signedAt: at(300_001) })],
  [
    'a signature for more than a day',
    'expired',
    signed(AIKO, { signedAt: at(-DAY_MS), expiresAt: at(1) }),
  ],
  [
    'an expired question',
    'expired',
    signed(AIKO, { expiresAt: at(1) }),
    { of: hold({ expiresAt: at(0) }) },
  ],
  ['a question that ended so', 'expired', signed(AIKO), { of: closed('expired') }],
  ['what was approved and done', 'already-answered', signed(AIKO), { of: closed('used') }],
  ['what was denied', 'already-answered', signed(AIKO), { of: closed('denied') }],
  ['what nobody waits for', 'already-answered', signed(AIKO), { of: closed('withdrawn') }],
  ['the same operator again', 'already-answered', signed(AIKO), { of: twice }],
  [
    'the same operator as two',
    'already-answered',
    signed(AIKO, { kind: 'second-approver' }),
    { of: twice },
  ],
  ['a kind that is not asked for', 'not-asked-for', signed(UMA, { kind: 'initiator' })],
  [
    'another user as the initiator',
    'not-the-initiator',
    signed(UDO, { kind: 'initiator' }),
    { of: both },
  ],
  [
    'an operator as the initiator',
    'not-the-initiator',
    signed(AIKO, { kind: 'initiator' }),
    { of: both },
  ],
  [
    'the user as the approver of their own',
    'self-approval',
    signed(CLEO),
    { of: hold({ needs: [...INTENT_TOO.needs] }, { initiator: 1002 }) },
  ],
  [
    'the approver as the initiator after that',
    'self-approval',
    signed(CLEO, { kind: 'initiator' }),
    {
      of: hold(
        { needs: [...INTENT_TOO.needs] },
        { initiator: 1002, consents: [consent(CLEO, { key: statement(CLEO).key })] },
      ),
    },
  ],
  ['a disabled operator', 'user-disabled', signed(AIKO), { policy: disabled('aiko') }],
  [
    'a disabled user',
    'user-disabled',
    signed(UMA, { kind: 'initiator' }),
    { of: both, policy: disabled('uma') },
  ],
  ['an operator for a disabled user', 'user-disabled', signed(AIKO), { policy: disabled('uma') }],
  [
    'an operator for a disabled user, after the change that disabled them',
    'user-disabled',
    signed(AIKO),
    { of: closed('policy-changed'), policy: { ...disabled('uma'), digest: digest('b') } },
  ],
  [
    'what belongs to a session that is over',
    'session-ended',
    signed(AIKO),
    { of: closed('session-ended') },
  ],
]

describe('counts for nothing', () => {
  test.for(REFUSED)('%s: %s', ([, why, answer, { of, policy } = {}]) => {
    expect(judge(answer, of, policy)).toMatchObject({ result: 'refused', why })
  })

  test('a hold that nobody knows', () => {
    expect(
      judgeAnswer({
        signed: signed(AIKO),
        hold: undefined,
        policy: inForce(policySet()),
        nowMs: NOW,
      }),
    ).toEqual({
      result: 'refused',
      why: 'unknown-hold',
      message: 'nothing of the id h-00000000000000000000 waits',
      signer: 'aiko',
    })
  })

  test('anything, before a policy is in force', () => {
    expect(
      judgeAnswer({ signed: signed(AIKO), hold: hold(), policy: undefined, nowMs: NOW }),
    ).toMatchObject({ result: 'refused', why: 'unknown-key', signer: null })
  })

  test('a no of a stranger no more than a yes', () => {
    expect(judge(signed(STRANGER, { answer: 'deny' }))).toMatchObject({ why: 'unknown-key' })
  })

  test('every reason there is', () => {
    const tried = new Set([...REFUSED.map(([, why]) => why), 'unknown-hold'])
    expect(tried.size).toBe(13)
  })
})

test('an operator with a new key is who they are by that key', () => {
  const anew = person('aiko')
  const policy = policySet({ approvers: [approver(anew, 'operator')] })
  expect(judge(signed(AIKO), hold(), policy)).toMatchObject({ why: 'unknown-key' })
  expect(judge(signed(anew), hold(), policy)).toMatchObject({ result: 'approved' })
})
