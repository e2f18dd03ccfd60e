import { beforeEach, describe, expect, test } from 'vitest'
import type { Mandate } from '../../wire/decision.ts'
import { intent } from '../testing/leaves.ts'
import type { Intent } from './holds.ts'
import { Bench, UMA_BEGAN } from './testing/bench.ts'
import { digest, NOW, policySet } from './testing/people.ts'

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})

describe('a mandate', () => {
  const mandate: Mandate = {
    id: 'small-mails',
    kinds: ['approver'],
    agent: 'a',
    user: 'uma',
    operations: ['mail.send'],
    rules: ['post-issues'],
    counterparties: [],
    maxAmount: null,
    maxUses: 2,
    expiresAtMs: NOW + 1000,
    digest: digest('f'),
  }
  const claim = (fields: Partial<NonNullable<Intent['facts']>> = {}): Intent => {
    const label = { integrity: 'untrusted', confidentiality: 'internal' } as const
    const facts = { user: 'uma', label, approvals: ['approver' as const], mandate: mandate.id }
    return {
      ...intent('a'),
      verdict: { kind: 'allow', rules: ['post-issues'] },
      facts: { ...facts, ...fields },
    }
  }

  beforeEach(() => bench.approvals.setPolicy(policySet({ mandates: [mandate] })))

  test('stands for an approval, as often as it says', () => {
    const admitted = [1, 2, 3].map(() => bench.approvals.admit(claim(), UMA_BEGAN))
    expect(admitted).toEqual([
      undefined,
      undefined,
      'the mandate small-mails has been used 2 times',
    ])
  })

  test.for<readonly [string, () => [Intent, { agent: string; uid: number } | undefined], string]>([
    [
      'of another agent',
      () => [claim(), { agent: 'b', uid: 1000 }],
      'the mandate small-mails is another’s',
    ],
    [
      'of another user',
      () => [claim(), { agent: 'a', uid: 1001 }],
      'the mandate small-mails is another’s',
    ],
    ['of nobody knows whom', () => [claim(), undefined], 'the mandate small-mails is another’s'],
    [
      'for another operation',
      () => [claim({ operation: 'bank.pay' }), UMA_BEGAN],
      'the mandate small-mails is for other actions',
    ],
    [
      'for another rule',
      () => [{ ...claim(), verdict: { kind: 'allow', rules: ['other'] } }, UMA_BEGAN],
      'the mandate small-mails is for other actions',
    ],
    [
      'for more than it is of',
      () => [claim({ approvals: ['approver', 'initiator'] }), UMA_BEGAN],
      'nobody has approved it as initiator',
    ],
    ['that is not there', () => [claim({ mandate: 'x' }), UMA_BEGAN], 'there is no mandate x'],
  ])('%s does not', ([, asked, why]) => {
    expect(bench.approvals.admit(...asked())).toBe(why)
    expect(bench.taken).toEqual([])
  })

  test('does not when it has expired, or when its user is disabled', async () => {
    const users = policySet().users.map((one) => ({ ...one, enabled: one.uid !== 1000 }))
    await bench.approvals.setPolicy(policySet({ mandates: [mandate], users }))
    expect(bench.approvals.admit(claim(), UMA_BEGAN)).toBe(
      'the user who began the session is disabled',
    )
    bench.nowMs += 1000
    expect(bench.approvals.admit(claim(), UMA_BEGAN)).toBe('the mandate small-mails has expired')
  })
})
