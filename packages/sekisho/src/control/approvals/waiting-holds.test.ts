import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ApprovalResult, HeldAction, SignedApproval } from '../../wire/approval.ts'
import { subjectOf } from '../../policy/approval-text/subject.ts'
import { WaitingHolds } from './waiting-holds.ts'

const POLICY = `sha256:${'a'.repeat(64)}`
const GATE = {}
const idOf = (i: number): string => `h-${String(i).padStart(20, '0')}`

function held(fields: Partial<HeldAction> = {}): HeldAction {
  return {
    id: idOf(0),
    session: 's-00000000000000000000',
    agent: 'a',
    user: 'uma',
    action: { kind: 'dns.resolve', name: 'a.example', type: 'A' },
    fields: [],
    body: null,
    operation: null,
    credentials: [],
    label: { integrity: 'user', confidentiality: 'public' },
    sources: [],
    unconfirmed: [],
    findings: [],
    needs: ['initiator', 'approver'],
    rules: [],
    reason: 'r',
    generation: 1,
    policy: POLICY,
    openedAt: new Date(Date.now()).toISOString(),
    expiresAt: new Date(Date.now() + 10_000).toISOString(),
    ...fields,
  }
}

function answerTo(hold: string, note = ''): SignedApproval {
  const expiresAt = new Date(Date.now() + 10_000).toISOString()
  return {
    statement: {
      hold,
      digest: POLICY,
      kind: 'approver',
      answer: 'approve',
      session: 's-00000000000000000000',
      policy: POLICY,
      key: POLICY,
      signedAt: expiresAt,
      expiresAt,
      note,
    },
    signature: 'A'.repeat(88),
  }
}

let said: ApprovalResult
let policy: string | undefined
let holds: WaitingHolds
let announced: string[]
beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-03-01T12:00:00Z') })
  said = { kind: 'approved' }
  policy = POLICY
  announced = []
  holds = new WaitingHolds({
    answer: async () => said,
    announce: (line) => announced.push(line),
    policy: () => policy,
    now: () => Date.now(),
  })
})
afterEach(() => vi.useRealTimers())

test('what waits is listed and shown, and resolved by what the keyholder says', async () => {
  const waiting = holds.wait(held(), GATE)
  expect(holds.list()).toEqual([
    expect.objectContaining({ id: idOf(0), agent: 'a', needs: ['initiator', 'approver'] }),
  ])
  said = { kind: 'waiting', needs: ['initiator'] }
  expect(await holds.answer(answerTo(idOf(0)))).toEqual(said)
  expect(holds.find(idOf(0))).toEqual({ held: held(), needs: ['initiator'] })
  said = { kind: 'approved' }
  await holds.answer(answerTo(idOf(0)))
  expect(await waiting).toEqual({ kind: 'approved', by: ['initiator', 'approver'] })
  expect(holds.list()).toEqual([])
  expect(() => holds.find(idOf(0))).toThrow(expect.objectContaining({ code: 'HOLD_UNKNOWN' }))
})

test('whoever looks at the daemon is told of each, in one line that says what to do', () => {
  const one = held()
  void holds.wait(one, GATE)
  expect(announced).toEqual([
    `${one.session} waits for ${one.needs.join(' and ')}: ${subjectOf(one)}; see \`sekisho approvals show ${one.id}\``,
  ])
})

test('a refused answer resolves nothing', async () => {
  const waiting = holds.wait(held(), GATE)
  said = { kind: 'refused', why: 'bad-signature', message: 'm' }
  expect(await holds.answer(answerTo(idOf(0)))).toEqual(said)
  expect(holds.list()).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await waiting).toEqual({ kind: 'expired' })
})

describe('it ends', () => {
  test.for<readonly [string, () => unknown, object]>([
    [
      'with a denial',
      () => ((said = { kind: 'denied' }), holds.answer(answerTo(idOf(0), 'no'))),
      { kind: 'denied', reason: 'it was denied: no' },
    ],
    ['in time', () => vi.advanceTimersByTimeAsync(10_000), { kind: 'expired' }],
    [
      'with its session',
      () => holds.sessionEnded(held().session),
      { kind: 'denied', reason: 'its session has ended' },
    ],
    ['with its gate', () => holds.gateGone(GATE), { kind: 'denied', reason: 'its gate is gone' }],
    [
      'when its gate says so',
      () => holds.withdraw(idOf(0), GATE),
      { kind: 'denied', reason: 'nobody waits for it any more' },
    ],
    ['with its generation', () => holds.policyInstalled('sha256:b'), { kind: 'policy-changed' }],
  ])('%s', async ([, end, result]) => {
    const waiting = holds.wait(held(), GATE)
    await end()
    expect(await waiting).toEqual(result)
    expect(holds.list()).toEqual([])
  })

  test('but not because another gate, another session or the same generation does', async () => {
    void holds.wait(held(), GATE)
    holds.withdraw(idOf(0), {})
    holds.gateGone({})
    holds.sessionEnded('s-11111111111111111111')
    holds.policyInstalled(POLICY)
    expect(holds.list()).toHaveLength(1)
  })
})

test.for<readonly [string, Partial<HeldAction>, object]>([
  ['of another generation', { policy: `sha256:${'b'.repeat(64)}` }, { kind: 'policy-changed' }],
  ['that has expired', { expiresAt: '2026-03-01T12:00:00.000Z' }, { kind: 'expired' }],
])('one %s does not wait', async ([, fields, result]) => {
  expect(await holds.wait(held(fields), GATE)).toEqual(result)
})

test('more than can be looked at, in number or in bytes, does not wait', async () => {
  for (let i = 0; i < 1024; i += 1) void holds.wait(held({ id: idOf(i) }), GATE)
  expect(await holds.wait(held({ id: idOf(1024) }), GATE)).toMatchObject({ kind: 'denied' })
  holds.gateGone(GATE)
  const body = { bytes: 1024 * 1024, digest: POLICY, content: '' }
  for (let i = 0; i < 64; i += 1) void holds.wait(held({ id: idOf(i), body }), GATE)
  expect(await holds.wait(held({ id: idOf(64), body }), GATE)).toMatchObject({ kind: 'denied' })
  holds.withdraw(idOf(0), GATE)
  void holds.wait(held({ id: idOf(65), body }), GATE)
  expect(holds.list()).toHaveLength(64)
})

test('one that waits already is no other', () => {
  void holds.wait(held(), GATE)
  expect(() => holds.wait(held(), GATE)).toThrow(
    expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
  )
})
