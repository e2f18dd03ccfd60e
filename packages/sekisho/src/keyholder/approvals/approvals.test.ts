import { beforeEach, describe, expect, test } from 'vitest'
import { intent, OTHER, SESSION } from '../testing/leaves.ts'
import type { HeldLeaf } from './hold.ts'
import type { Intent } from './holds.ts'
import { allowed, Bench, GATE, idOf } from './testing/bench.ts'
import {
  AIKO,
  at,
  BEN,
  digest,
  HOLD,
  heldLeaf,
  policySet,
  signed,
  STRANGER,
  UMA,
} from './testing/people.ts'

let bench: Bench
beforeEach(async () => {
  bench = new Bench()
  await bench.approvals.setPolicy(policySet())
})

describe('a hold', () => {
  test('is in the log before it can be answered, and each answer before it counts', async () => {
    expect(await bench.open()).toBe(0)
    expect(bench.use()).toBe(`the hold ${HOLD} has no yes as approver`)
    expect(await bench.approvals.answer(signed(AIKO))).toEqual({ kind: 'approved' })
    expect(bench.leaves).toEqual([
      heldLeaf(),
      {
        type: 'approval.answer',
        session: SESSION,
        signed: signed(AIKO),
        signer: 'aiko',
        result: 'approved',
        why: null,
      },
    ])
    expect(bench.use()).toBeUndefined()
  })

  test('is used once', async () => {
    await bench.open()
    await bench.approvals.answer(signed(AIKO))
    expect([bench.use(), bench.use()]).toEqual([undefined, `the hold ${HOLD} is over: used`])
    expect(await bench.approvals.answer(signed(AIKO))).toMatchObject({ why: 'already-answered' })
  })

  test('takes all whom it asks', async () => {
    await bench.open(heldLeaf({ needs: ['initiator', 'approver', 'second-approver'] }))
    const answers = [
      await bench.approvals.answer(signed(AIKO)),
      await bench.approvals.answer(signed(UMA, { kind: 'initiator' })),
      await bench.approvals.answer(signed(BEN, { kind: 'second-approver' })),
    ]
    expect(answers).toEqual([
      { kind: 'waiting', needs: ['initiator', 'second-approver'] },
      { kind: 'waiting', needs: ['second-approver'] },
      { kind: 'approved' },
    ])
    expect(bench.use(allowed(['initiator', 'approver', 'second-approver']))).toBeUndefined()
  })

  test('that one denies is over', async () => {
    await bench.open(heldLeaf({ needs: ['initiator', 'approver'] }))
    await bench.approvals.answer(signed(UMA, { kind: 'initiator' }))
    expect(await bench.approvals.answer(signed(AIKO, { answer: 'deny' }))).toEqual({
      kind: 'denied',
    })
    expect(bench.use()).toBe(`the hold ${HOLD} is over: denied`)
    expect(await bench.approvals.answer(signed(BEN))).toMatchObject({ why: 'already-answered' })
  })

  test('two answers of one key at once are one', async () => {
    await bench.open(heldLeaf({ needs: ['approver', 'second-approver'] }))
    const answers = await Promise.all([
      bench.approvals.answer(signed(AIKO)),
      bench.approvals.answer(signed(AIKO, { kind: 'second-approver' })),
    ])
    expect(answers).toMatchObject([{ kind: 'waiting' }, { why: 'already-answered' }])
  })

  test('no record, no question and no answer', async () => {
    bench.isLogUp = false
    await expect(bench.open()).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
    expect(bench.use()).toBe(`the hold ${HOLD} is over: withdrawn`)
    const again = heldLeaf({ id: 'h-00000000000000000001' })
    bench.isLogUp = true
    await bench.open(again)
    bench.isLogUp = false
    await expect(bench.approvals.answer(signed(AIKO, { hold: again.id }))).rejects.toMatchObject({
      code: 'LOG_UNWRITABLE',
    })
    expect(bench.use({ hold: { id: again.id, digest: again.digest } })).toContain('has no yes')
  })

  test.for<readonly [string, Partial<HeldLeaf>, string]>([
    ['that is known', {}, 'PROTOCOL_VIOLATION'],
    ['that has expired', { id: 'h-00000000000000000001', expiresAt: at(0) }, 'PROTOCOL_VIOLATION'],
    [
      'that waits for more than a day',
      { id: 'h-00000000000000000001', expiresAt: at(86_400_001) },
      'PROTOCOL_VIOLATION',
    ],
    [
      'that asks for one kind twice',
      { id: 'h-00000000000000000001', needs: ['approver', 'approver'] },
      'PROTOCOL_VIOLATION',
    ],
    [
      'under a policy that is not in force',
      { id: 'h-00000000000000000001', policy: digest('b') },
      'POLICY_CHANGED',
    ],
  ])('%s is not opened', async ([, fields, code]) => {
    await bench.open()
    await expect(bench.open(heldLeaf(fields))).rejects.toMatchObject({ code })
    expect(bench.leaves).toHaveLength(1)
  })

  test('more than a session’s share of them are refused', async () => {
    for (let i = 0; i < 64; i += 1) await bench.open(heldLeaf({ id: idOf(i) }))
    await expect(bench.open(heldLeaf({ id: idOf(64) }))).rejects.toMatchObject({
      code: 'PEER_UNAVAILABLE',
    })
    await bench.open(heldLeaf({ id: idOf(65), session: OTHER }))
  })
})

describe('an approval is for', () => {
  beforeEach(async () => {
    await bench.open()
    await bench.approvals.answer(signed(AIKO))
  })

  test.for<readonly [string, () => Partial<Intent>, string]>([
    ['these bytes', () => ({ hold: { id: HOLD, digest: digest('e') } }), 'is about other bytes'],
    ['this session', () => ({ session: OTHER }), 'is of another session'],
    [
      'this action',
      () => ({ action: intent('x', [], 'other.test').action }),
      'is about another action',
    ],
  ])('%s', ([, fields, why]) => {
    expect(bench.use(fields())).toBe(`the hold ${HOLD} ${why}`)
    expect(bench.use()).toBeUndefined() // not used up by that
  })

  test('what was approved, not for more', () => {
    expect(bench.use(allowed(['approver', 'initiator']))).toBe(
      'nobody has approved it as initiator',
    )
  })

  test('whoever names it: without one there is none', () => {
    expect(bench.use({ hold: undefined })).toBe('nobody has approved it as approver')
    expect(bench.use({ hold: { id: idOf(7), digest: digest('d') } })).toBe(
      `the hold ${idOf(7)} is not known`,
    )
  })

  test('this policy', async () => {
    await bench.approvals.setPolicy(policySet({ digest: digest('b'), generation: 2 }))
    expect(bench.use()).toBe(`the hold ${HOLD} is over: policy-changed`)
    expect(bench.types().at(-1)).toBe('approval.ended policy-changed')
  })

  test('this time', () => {
    bench.nowMs += 600_000
    expect(bench.use()).toBe(`the hold ${HOLD} has expired`)
  })

  test('a session that goes on', async () => {
    await bench.approvals.endSession(SESSION)
    expect(bench.use()).toBe(`the hold ${HOLD} is over: session-ended`)
    expect(await bench.approvals.answer(signed(BEN))).toMatchObject({ why: 'session-ended' })
    expect(bench.types().slice(-2)).toEqual([
      'approval.ended withdrawn',
      'approval.answer session-ended',
    ])
  })

  test('an action that says it needs none, too: it is not taken along by chance', () => {
    expect(bench.use({ facts: undefined, hold: { id: HOLD, digest: digest('e') } })).toContain(
      'other bytes',
    )
  })
})

describe('an end', () => {
  const withdrawn = {
    type: 'approval.ended',
    session: SESSION,
    hold: HOLD,
    why: 'withdrawn',
    detail: 'the agent has gone away',
  } as const

  test('that the gate tells is recorded once, however often it is told', async () => {
    await bench.open()
    expect([await bench.approvals.end(withdrawn), await bench.approvals.end(withdrawn)]).toEqual([
      1, 1,
    ])
    expect(bench.leaves).toHaveLength(2)
  })

  test('that the gate tells of what is denied already is the denial', async () => {
    await bench.open()
    await bench.approvals.answer(signed(AIKO, { answer: 'deny' }))
    expect(await bench.approvals.end(withdrawn)).toBe(1)
    expect(bench.leaves).toHaveLength(2)
  })

  test('of another session’s hold is nothing that a gate may tell', async () => {
    await bench.open()
    await expect(bench.approvals.end({ ...withdrawn, session: OTHER })).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    })
  })

  test('of a hold that a keyholder before this one knew is recorded', async () => {
    expect(await bench.approvals.end(withdrawn)).toBe(0)
  })

  test('comes to all that a gate had when it is gone, and to no other’s', async () => {
    await bench.open()
    await bench.open(heldLeaf({ id: idOf(1) }), {})
    await bench.approvals.openerGone(GATE)
    expect(bench.types().slice(2)).toEqual(['approval.ended withdrawn'])
    expect(await bench.approvals.answer(signed(AIKO, { hold: idOf(1) }))).toEqual({
      kind: 'approved',
    })
  })

  test('comes to what nobody answered, at the latest with the next question', async () => {
    await bench.open()
    bench.nowMs += 600_000
    await bench.open(heldLeaf({ id: idOf(1), expiresAt: at(700_000) }))
    expect(bench.types()).toEqual(['action.held', 'approval.ended expired', 'action.held'])
  })
})

test('refused answers are recorded, but fill no log', async () => {
  const answers: unknown[] = []
  for (let i = 0; i < 40; i += 1) {
    answers.push(await bench.approvals.answer(signed(STRANGER)).catch((error: unknown) => error))
  }
  expect(bench.leaves).toHaveLength(32)
  expect(answers.at(-1)).toMatchObject({ code: 'PERMISSION_REQUIRED' })
  await bench.open()
  expect(await bench.approvals.answer(signed(AIKO))).toEqual({ kind: 'approved' }) // what counts passes
})
