import { describe, expect, test } from 'vitest'
import { faultsOf } from './faults.ts'
import type { ScenarioId } from './scenarios.ts'

type Seen = Parameters<typeof faultsOf>[2]

const call = {
  method: 'POST',
  target: '/v1/messages',
  serverName: '',
  headers: {},
  body: '',
  status: 200,
}
const tool = (kind: string, ...rules: string[]): Seen['leaves'][number] => ({
  type: 'action.intent',
  action: { kind: 'llm.tool-call' },
  verdict: { kind, rules },
})
const recorded = { type: 'llm.call' }
const quiet = { connections: 0, bytes: 0 }
const heard = { connections: 1, bytes: 9 }

const ran = (stdout: string, code: number | null = 0): Seen['ran'] => ({ code, stdout, stderr: '' })
const went = {
  ran: ran('All is done.\n'),
  calls: [call, call],
  marked: true,
  canary: heard,
  answered: false,
  tookMs: 2000,
  leaves: [recorded, tool('allow', 'rest'), recorded],
}
const stopped = {
  ran: ran('[Sekisho] not carried out'),
  calls: [call],
  marked: false,
  canary: quiet,
  answered: false,
  tookMs: 2000,
  leaves: [tool('deny', 'forbidden'), recorded],
}
const spent = {
  ...stopped,
  ran: ran('402', 1),
  leaves: [
    recorded,
    {
      type: 'action.intent',
      action: { kind: 'llm.generate' },
      verdict: { kind: 'deny', rules: ['budget.exhausted'] },
    },
  ],
}
const GOOD: Readonly<Record<ScenarioId, Seen>> = {
  allowed: went,
  denied: stopped,
  approved: {
    ...went,
    answered: true,
    tookMs: 60_500,
    leaves: [recorded, tool('allow', 'rest', 'weighty'), recorded],
  },
  refused: {
    ...stopped,
    answered: true,
    tookMs: 7000,
    leaves: [tool('deny', 'consequence'), recorded],
  },
  exhausted: spent,
}
const of = (id: ScenarioId, change: Partial<Seen> = {}): string[] =>
  faultsOf({ sideCalls: 0 }, id, { ...GOOD[id], ...change })

test.for(['allowed', 'denied', 'approved', 'refused', 'exhausted'] as const)(
  'of %s as it should be nothing is told',
  (id) => expect(of(id)).toEqual([]),
)

describe('a fault is', () => {
  test.for<[string, ScenarioId, Partial<Seen>, string]>([
    ['a denied tool that ran', 'denied', { marked: true }, 'the tool ran'],
    ['a byte at the canary', 'denied', { canary: heard }, '9 bytes at the canary'],
    ['an allowed tool that did not run', 'allowed', { marked: false }, 'the tool did not run'],
    ['a canary that never sees', 'allowed', { canary: quiet }, 'the canary saw nothing'],
    ['a client that crashes', 'denied', { ran: ran('[Sekisho]', 1) }, 'it ended with 1'],
    ['a client that hangs', 'exhausted', { ran: ran('', null) }, 'it ended with null'],
    ['a retry', 'denied', { calls: [call, call] }, '2 calls of the model, want at most 1'],
    ['a call that is not on record', 'allowed', { leaves: [] }, '0 calls on record of 2'],
    ['a hold that nobody answered', 'approved', { answered: false }, 'nobody was asked'],
    ['a hold that did not hold', 'approved', { tookMs: 900 }, 'it did not wait'],
    ['a denial by nobody knows what', 'denied', { leaves: [recorded] }, 'recorded nothing'],
    ['a call that a budget let pass', 'exhausted', { leaves: [recorded] }, '0 calls refused'],
  ])('%s', ([, id, change, told]) => {
    expect(of(id, change).join('; ')).toContain(told)
  })
})
