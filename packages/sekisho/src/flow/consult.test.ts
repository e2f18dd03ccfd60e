import { expect, test } from 'vitest'
import { CLEAN } from '../core/label.ts'
import { deny, type Verdict } from '../core/verdict.ts'
import { passRequest } from './checkpoint.ts'
import type { Clear, Stopped } from './ports.ts'
import { deciding } from './testing/deciding.ts'
import { action, done, fakes, noWrites, type Fakes } from './testing/fakes.ts'

const FINDING = { detector: 'else.bad', place: 'user', count: 1, did: 'recorded' } as const
const HOLD = { kind: 'hold', rules: ['ask'], reason: 'rule ask', needs: ['approver'] } as const

/** Checkpoint whose exchange has others asked, who say this. */
function asking(
  say: (clear: Clear) => Clear | Stopped,
  over: Parameters<typeof fakes>[0] = {},
): Fakes {
  const made = fakes(over)
  made.exchange.consult = (clear) => {
    made.log.push('consult')
    return Promise.resolve(say(clear))
  }
  return made
}

test('others are asked when it is allowed, and before it is on record', async () => {
  const { ports, exchange, log } = asking((clear) => clear)
  expect(await passRequest(action, exchange, ports)).toEqual(done)
  expect(log).toEqual([
    'decide',
    'inspect',
    'decide',
    'consult',
    'intent',
    'pin',
    'perform',
    'outcome',
  ])
})

test.for<[what: string, verdict: Verdict]>([
  ['denied', noWrites],
  ['to be held', HOLD],
])('of what is %s others hear nothing', async ([, verdict]) => {
  const { ports, exchange, log } = asking(
    (clear) => clear,
    deciding(() => verdict),
  )
  expect(await passRequest(action, exchange, ports)).toMatchObject({ kind: 'deny' })
  expect(log).not.toContain('consult')
})

test('of what nobody can pay for others hear nothing', async () => {
  const over = deny('budget.day', 'it is spent')
  const sums = deciding(() => ({ kind: 'allow', rules: ['r'] }), { amountsFor: () => ({ day: 1 }) })
  const ledger = { reserve: () => Promise.resolve(over), release: () => undefined }
  const first = asking((clear) => clear, { ...sums, ledger })
  expect(await passRequest(action, first.exchange, first.ports)).toEqual(over)
  const second = asking((clear) => clear)
  second.exchange.prepare = () => Promise.resolve(over)
  expect(await passRequest(action, second.exchange, second.ports)).toEqual(over)
  expect([...first.log, ...second.log]).not.toContain('consult')
})

test('what others refuse is on record as they said it, and what was counted is given back', async () => {
  const released: string[] = []
  const sums = deciding(() => ({ kind: 'allow', rules: ['r'] }), { amountsFor: () => ({ day: 1 }) })
  const ledger = {
    reserve: () => Promise.resolve(undefined),
    release: (id: string) => void released.push(id),
  }
  const refusal = deny('filter.else', 'it is bad')
  const { ports, exchange, log, intents } = asking(
    () => ({ kind: 'stopped', verdict: refusal, findings: [FINDING] }),
    { ...sums, ledger },
  )
  expect(await passRequest(action, exchange, ports)).toEqual(refusal)
  expect(log).not.toContain('perform')
  expect(intents).toMatchObject([
    { id: 'i1', verdict: refusal, credentials: [], findings: [FINDING] },
  ])
  expect(released).toEqual(['i1'])
})

test('what others have found is decided with, and they are not asked twice', async () => {
  const found = deny('no-bad', 'rule no-bad')
  const { ports, exchange, log, intents } = asking(
    (clear) => ({ ...clear, findings: [FINDING] }),
    deciding((_, facts) => {
      return facts?.findings.includes('else.bad') === true ? found : { kind: 'allow', rules: ['r'] }
    }),
  )
  expect(await passRequest(action, exchange, ports)).toEqual(found)
  expect(log.filter((step) => step === 'consult')).toHaveLength(1)
  expect(intents).toMatchObject([{ verdict: found, findings: [FINDING] }])
})

test('a label that others have raised is decided by', async () => {
  const raised = { ...CLEAN, integrity: 'untrusted' } as const
  const rules = deciding((_, facts) =>
    facts?.label.integrity === 'untrusted' ? noWrites : { kind: 'allow', rules: ['r'] },
  )
  const { ports, exchange } = asking((clear) => {
    Object.assign(rules.labels, { label: raised })
    return clear
  }, rules)
  expect(await passRequest(action, exchange, ports)).toEqual(noWrites)
})

test('people who have said yes before others were asked are asked again, knowing what they found', async () => {
  const questions: unknown[] = []
  const desk: Fakes['ports']['desk'] = {
    ask: ({ findings, rules }) => {
      questions.push({ findings, rules })
      return Promise.resolve({ kind: 'denied', why: 'denied', reason: 'no' })
    },
  }
  const { ports, exchange, log } = asking(
    (clear) => ({ ...clear, findings: [FINDING], hold: { ...HOLD, rules: ['filter.else'] } }),
    { ...deciding(() => ({ kind: 'allow', rules: ['r'] })), desk },
  )
  expect(await passRequest(action, exchange, ports)).toMatchObject({
    kind: 'deny',
    rules: ['filter.else'],
  })
  expect(questions).toEqual([{ findings: [FINDING], rules: ['filter.else'] }])
  expect(log).toEqual(['inspect', 'consult', 'intent'])
})

test('what breaks while others are asked leaves nothing counted and nothing sent', async () => {
  const released: string[] = []
  const sums = deciding(() => ({ kind: 'allow', rules: ['r'] }), { amountsFor: () => ({ day: 1 }) })
  const ledger = {
    reserve: () => Promise.resolve(undefined),
    release: (id: string) => void released.push(id),
  }
  const { ports, exchange, log } = fakes({ ...sums, ledger })
  const broken = new Error('gone')
  exchange.consult = () => Promise.reject(broken)
  await expect(passRequest(action, exchange, ports)).rejects.toBe(broken)
  expect(log).not.toContain('intent')
  expect(released).toEqual(['i1'])
})
