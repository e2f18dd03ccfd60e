import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LeafInput } from '../../wire/leaves.ts'
import { SESSION } from '../testing/leaves.ts'
import { allowed, Bench, idOf } from './testing/bench.ts'
import {
  AIKO,
  BEN,
  CLEO,
  digest,
  heldLeaf,
  policySet,
  signed,
  STRANGER,
  UDO,
  UMA,
} from './testing/people.ts'

const RIGHT = { initiator: UMA, approver: AIKO, 'second-approver': BEN } as const
const KINDS = ['initiator', 'approver', 'second-approver'] as const

const mostly = <T>(usual: T, ...rest: T[]): fc.Arbitrary<T> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...rest) },
  )

const openStep = fc.record({
  do: fc.constant('open' as const),
  id: fc.nat(1),
  needs: fc.subarray([...KINDS], { minLength: 1 }),
})
const answerStep = fc.record({
  do: fc.constant('answer' as const),
  id: fc.nat(1),
  kind: fc.constantFrom(...KINDS),
  /** null: whom it asks */
  by: mostly(null, AIKO, BEN, CLEO, UMA, UDO, STRANGER),
  answer: mostly<'approve' | 'deny'>('approve', 'deny'),
  digest: mostly('d', 'e'),
  policy: mostly('a', 'b'),
  lastsMs: fc.constantFrom(50_000, 400_000),
})
const useStep = fc.record({
  do: fc.constant('use' as const),
  id: fc.nat(1),
  digest: mostly('d', 'e'),
})
const otherStep = fc.oneof(
  fc.record({ do: fc.constant('policy' as const), policy: mostly('a', 'b') }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(100_000) }),
  fc.record({ do: fc.constant('end' as const), id: fc.nat(1) }),
)
const anyStep = fc.oneof(
  { weight: 3, arbitrary: openStep },
  { weight: 8, arbitrary: answerStep },
  { weight: 4, arbitrary: useStep },
  { weight: 1, arbitrary: otherStep },
)
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never

/** A bench, and what was let through on it. */
class World extends Bench {
  policy = 'a'
  readonly used: string[] = []

  async do(step: Step): Promise<void> {
    switch (step.do) {
      case 'open':
        return this.#open(step)
      case 'answer':
        return this.#answer(step)
      case 'use':
        return this.#use(step)
      case 'policy':
        this.policy = step.policy
        return this.approvals.setPolicy(policySet({ digest: digest(step.policy) }))
      case 'wait':
        this.nowMs += step.ms
        return
      case 'end': {
        const end = { type: 'approval.ended' as const, session: SESSION, hold: idOf(step.id) }
        await this.approvals.end({ ...end, why: 'withdrawn', detail: '' }).catch(refused)
      }
    }
  }

  async #open({ id, needs }: Extract<Step, { do: 'open' }>): Promise<void> {
    const expiresAt = this.#at(400_000)
    await this.open(heldLeaf({ id: idOf(id), needs, expiresAt })).catch(refused)
  }

  async #answer(step: Extract<Step, { do: 'answer' }>): Promise<void> {
    const { kind, answer, by } = step
    const statement = {
      kind,
      answer,
      hold: idOf(step.id),
      digest: digest(step.digest),
      policy: digest(step.policy),
      signedAt: this.#at(0),
      expiresAt: this.#at(step.lastsMs),
    }
    await this.approvals.answer(signed(by ?? RIGHT[kind], statement)).catch(refused)
  }

  #use(step: Extract<Step, { do: 'use' }>): void {
    const hold = { id: idOf(step.id), digest: digest(step.digest) }
    if (this.use(allowed([], hold)) !== undefined) return
    expect(this.used).not.toContain(hold.id)
    this.used.push(hold.id)
    expect([step.digest, this.policy]).toEqual(['d', 'a'])
    expectApproved(this.leaves, { id: hold.id, nowMs: this.nowMs })
  }

  #at(ms: number): string {
    return new Date(this.nowMs + ms).toISOString()
  }
}

const refused = (): undefined => undefined

/** The record alone says whether an action was approved: what is let through must follow from it. */
test('whatever happens in whatever order, nothing passes that the log does not show as approved', async () => {
  let passed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 8, maxLength: 40 }), async (steps) => {
      const world = new World()
      await world.approvals.setPolicy(policySet())
      for (const step of steps) await world.do(step)
      passed += world.used.length
    }),
    { numRuns: 400 },
  )
  expect(passed).toBeGreaterThan(20) // or the property says nothing
})

function expectApproved(
  leaves: readonly LeafInput[],
  { id, nowMs }: { id: string; nowMs: number },
): void {
  const held = leaves.findLast((leaf) => leaf.type === 'action.held' && leaf.id === id)
  const needs = held?.type === 'action.held' ? held.needs : []
  expect(needs.length).toBeGreaterThan(0)
  const after = leaves.slice(held === undefined ? 0 : leaves.indexOf(held))
  expect(after.some((leaf) => leaf.type === 'approval.ended' && leaf.hold === id)).toBe(false)
  const answers = after.flatMap((leaf) =>
    leaf.type === 'approval.answer' && leaf.signed.statement.hold === id ? [leaf] : [],
  )
  expect(answers.some(({ result }) => result === 'denied')).toBe(false)
  const counted = answers.filter(
    ({ result, signed: { statement } }) =>
      (result === 'approved' || result === 'waiting') &&
      statement.digest === digest('d') &&
      Date.parse(statement.expiresAt) > nowMs,
  )
  expect([...new Set(counted.map(({ signed: { statement } }) => statement.kind))].sort()).toEqual(
    [...needs].sort(),
  )
  expect(new Set(counted.map(({ signed: { statement } }) => statement.key)).size).toBe(needs.length)
  const who = counted.map(({ signer, signed: { statement } }) => [statement.kind, signer] as const)
  for (const [kind, signer] of who) {
    expect(kind === 'initiator' ? ['uma'] : ['aiko', 'ben', 'cleo']).toContain(signer)
  }
}
