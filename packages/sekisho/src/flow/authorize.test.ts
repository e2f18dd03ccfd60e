import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { CLEAN } from '../core/label.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { passRequest } from './checkpoint.ts'
import type { CheckpointPorts, Decide, Decider } from './ports.ts'
import { deciding } from './testing/deciding.ts'
import { action, done, type Fakes, fakes, noWrites } from './testing/fakes.ts'

const HOLD: Verdict = { kind: 'hold', rules: ['ask'], reason: 'rule ask', needs: ['approver'] }

/** Holds until somebody has said yes; `house` is a mandate that says it. */
function asking(): Partial<CheckpointPorts> {
  return deciding(
    (_action, facts) =>
      facts?.approvals.includes('approver') === true ? { kind: 'allow', rules: ['r'] } : HOLD,
    {
      mandateFor: () => 'house',
      describe: (_action, { label, mandate }) => ({ user: 'u', label, mandate }),
    },
  )
}

test('a mandate stands for a yes, and is named in the record', async () => {
  const { ports, exchange, intents } = fakes(asking())
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(intents.map(({ facts }) => facts?.mandate)).toEqual(['house'])
})

test('a mandate that is used up leaves people to be asked', async () => {
  const { ports, exchange, intents } = fakes({
    ...asking(),
    desk: {
      ask: ({ needs }) =>
        Promise.resolve({ kind: 'approved', by: needs, hold: { id: 'h-1', digest: 'sha256:1' } }),
    },
  })
  const { recorder } = ports
  const record = recorder.intent.bind(recorder)
  ports.recorder.intent = (intent) =>
    intent.facts?.mandate === undefined
      ? record(intent)
      : Promise.reject(new SekishoError('APPROVAL_REFUSED', 'used 12 times'))
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(intents.map(({ id, hold }) => [id, hold?.id])).toEqual([['i2', 'h-1']])
})

test('an approval that the keyholder does not know is a denial', async () => {
  const { ports, exchange, log } = fakes({
    ...asking(),
    ...deciding((_action, facts) =>
      facts?.approvals.length === 0 ? HOLD : { kind: 'allow', rules: ['r'] },
    ),
    desk: {
      ask: ({ needs }) =>
        Promise.resolve({ kind: 'approved', by: needs, hold: { id: 'h-1', digest: 'sha256:1' } }),
    },
  })
  exchange.outgoing = () => ({ fields: [], body: null })
  ports.recorder.intent = () => Promise.reject(new SekishoError('APPROVAL_REFUSED', 'used before'))
  const denied = { kind: 'deny', rules: ['invariant.unapproved'], reason: 'used before' }
  expect(await passRequest(action, exchange, ports)).toEqual(denied)
  expect(log).not.toContain('perform')
})

test('what waited is decided anew where the policy has changed meanwhile', async () => {
  const { ports, exchange, intents } = fakes(asking())
  const before = ports.current()
  const now = { ...before, generation: 2 }
  let asked = 0
  ports.current = () => (asked === 0 ? before : now)
  ports.desk = {
    ask: ({ needs }) => {
      asked += 1
      return Promise.resolve({
        kind: 'approved',
        by: needs,
        hold: { id: 'h-1', digest: 'sha256:1' },
      })
    },
  }
  exchange.outgoing = () => ({ fields: [], body: null })
  before.mandateFor = () => undefined
  const result = await passRequest(action, exchange, ports)
  expect(result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed', 'ask'] })
  expect(intents.map(({ generation }) => generation)).toEqual([2])
})

/** Ports whose rules are other ones from the given step on. */
function changing(
  step: 'inspect' | 'pin',
  next: Partial<Decider>,
): Fakes & { result: Promise<unknown> } {
  const made = fakes(deciding(() => ({ kind: 'allow', rules: ['r'] })))
  const { ports, exchange } = made
  const before = ports.current()
  let isChanged = false
  ports.current = () => (isChanged ? { ...before, generation: 2, ...next } : before)
  const inspect = exchange.inspect.bind(exchange)
  const { resolver } = ports
  const pin = resolver.pin.bind(resolver)
  exchange.inspect = (allowed) => {
    isChanged ||= step === 'inspect'
    return inspect(allowed)
  }
  ports.resolver = {
    pin: (host, port) => {
      isChanged ||= step === 'pin'
      return pin(host, port)
    },
  }
  return { ...made, result: passRequest(action, exchange, ports) }
}

test('what was begun under one generation and said under another is decided by the other', async () => {
  const denied = changing('inspect', { decide: () => noWrites })
  expect(await denied.result).toEqual(noWrites)
  expect([denied.intents.map(({ generation }) => generation), denied.log]).toEqual([
    [2],
    ['inspect', 'intent'],
  ])
  const allowed = changing('inspect', {})
  expect(await allowed.result).toEqual(done)
  expect(allowed.intents.map(({ generation }) => generation)).toEqual([2])
})

test('what another generation would look at otherwise is to be sent again', async () => {
  const { result, log } = changing('inspect', { optionsFor: () => ({ maxBodyBytes: 1 }) })
  expect(await result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed'] })
  expect(log).not.toContain('perform')
})

test('what another generation forbids just before it leaves does not leave', async () => {
  const { result, log, outcomes } = changing('pin', { decide: () => noWrites })
  expect(await result).toMatchObject({ kind: 'deny', rules: ['invariant.policy-changed'] })
  expect(log).not.toContain('perform')
  expect(outcomes.map(([, { kind }]) => kind)).toEqual(['refused'])
})

test('a stream is asked about once more before it opens, with what has come in meanwhile', async () => {
  const isTainted: Decide = (_action, facts) =>
    facts?.label.integrity === 'untrusted' ? noWrites : { kind: 'allow', rules: ['r'] }
  const { ports, exchange, log } = fakes(deciding(isTainted))
  exchange.isOpenEnded = () => true
  let reads = 0
  ports.labels = {
    ...ports.labels,
    after: () => ({ ...CLEAN, integrity: reads++ === 0 ? 'user' : 'untrusted' }),
  }
  expect(await passRequest(action, exchange, ports)).toMatchObject({ kind: 'deny' })
  expect(log).not.toContain('perform')
})

test('whoever is asked is shown what will be sent, and where nobody can say it is denied', async () => {
  const { ports, exchange, log } = fakes({ ...asking() })
  ports.current().mandateFor = () => undefined
  ports.desk = { ask: () => Promise.reject(new Error('not asked')) }
  const why = deny('invariant.unshowable', 'a stream')
  exchange.outgoing = () => why
  const reason = 'rule ask; a stream'
  expect(await passRequest(action, exchange, ports)).toEqual({
    kind: 'deny',
    rules: ['ask'],
    reason,
  })
  expect(log).not.toContain('perform')
})
