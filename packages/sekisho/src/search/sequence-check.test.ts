import { expect, test } from 'vitest'
import { SequenceCheck } from './sequence-check.ts'

const GATE = '0123456789abcdef'
const verdict = { kind: 'allow' }

type Leaf = Record<string, unknown>

function found(leaves: readonly Leaf[], isWhole = true): string[] {
  const check = new SequenceCheck()
  for (const [index, leaf] of leaves.entries()) {
    check.add({ index, leaf: { at: `2026-01-02T03:04:0${index % 10}.000Z`, ...leaf } })
  }
  return check.findings(isWhole).map(({ kind, index, text }) => `${kind} ${index ?? '-'} ${text}`)
}

const whole: readonly Leaf[] = [
  { type: 'session.start', state: { seq: 0, from: null, to: 'A' } },
  { type: 'process.exec', id: 'x1' },
  { type: 'action.intent', id: `${GATE}-0`, verdict },
  { type: 'process.exec', id: 'x2' },
  { type: 'action.outcome', id: `${GATE}-0` },
  { type: 'session.state', state: { seq: 1, from: 'A', to: 'B' } },
  {
    type: 'session.end',
    state: { seq: 2, from: 'B', to: 'C' },
    counters: { 'keyholder.leaves.action.intent': 1, other: 7 },
  },
]

test('a whole session has nothing to find', () => {
  expect(found(whole)).toEqual([])
})

test.for([
  ['a program', 1, ['gap - x1 has no leaf']],
  [
    'an intent',
    2,
    [
      `duplicate 3 ${GATE}-0 ends and was not open`,
      'gap 5 1 leaves action.intent were counted, 0 are here',
    ],
  ],
  ['an outcome', 4, [`gap 2 ${GATE}-0 has neither an outcome nor a gap yet`]],
  ['a change of state', 5, ['gap 5 state 2 follows state 0']],
] as const)('%s that was taken out is missed', ([, removed, expected]) => {
  expect(found(whole.filter((_, index) => index !== removed))).toEqual(expected)
})

test.for<[string, number, string[]]>([
  ['a program', 1, ['duplicate 2 x1 again']],
  [
    'an intent',
    2,
    [
      `duplicate 3 ${GATE}-0 begins again`,
      `duplicate 3 ${GATE}-0 again`,
      'duplicate 7 1 leaves action.intent were counted, 2 are here',
    ],
  ],
  ['an outcome', 4, [`duplicate 5 ${GATE}-0 ends and was not open`]],
  ['a change of state', 5, ['duplicate 6 state 1 again']],
])('%s that is there twice is found', ([, twice, expected]) => {
  const leaves = whole.flatMap((leaf, index) => (index === twice ? [leaf, leaf] : [leaf]))
  expect(found(leaves)).toEqual(expected)
})

test.for<[string, Leaf[], string[]]>([
  [
    'a time that goes back',
    [{ at: '2026-01-02T03:04:05.000Z' }, { at: '2026-01-02T03:04:04.500Z' }],
    ['clock 1 the time goes back 500 ms'],
  ],
  [
    'a time that was held',
    [{ clock: 'held' }],
    ['clock 0 the clock had gone back; the time of the leaf before was held'],
  ],
  ['no time', [{ at: 7 }], ['clock 0 a leaf without a time']],
  [
    'a signer whose clock is ahead',
    [{ signed: { statement: { signedAt: '2026-01-02T03:04:09.000Z' } } }],
    ['clock 0 signed 9000 ms after it was recorded: a signer’s clock is ahead'],
  ],
  [
    'a state that does not go on from the one before',
    [{ state: { seq: 0, to: 'A' } }, { state: { seq: 1, from: 'X', to: 'B' } }],
    ['gap 1 state 1 does not go on from the state before'],
  ],
  [
    'records in another order than their numbers',
    [
      { type: 'process.exec', id: 'x2' },
      { type: 'process.exec', id: 'x1' },
    ],
    ['note 1 x1 was recorded after a later one'],
  ],
  [
    'attempts without a leaf',
    [{ repeated: 3 }],
    ['note - 3 attempts were counted and have no leaf of their own'],
  ],
  [
    'what is not known',
    [
      { type: 'action.intent', id: 'a', verdict },
      { type: 'gap', id: 'a', reason: 'lost' },
    ],
    ['gap 1 what came of a is not known: lost'],
  ],
])('%s is found', ([, leaves, expected]) => {
  expect(found(leaves)).toEqual(expected)
})

test('numbers that a gate gave out between two of a session are named, to be looked for', () => {
  const check = new SequenceCheck()
  for (const [index, number] of ['a', 'c', '10'].entries()) {
    const leaf = { type: 'action.intent', id: `${GATE}-${number}`, at: '2026-01-02T03:04:05.000Z' }
    check.add({ index, leaf })
  }
  expect(check.sources).toEqual([GATE])
  expect(check.missingOf(GATE).map((number) => number.toString(36))).toEqual(
    Array.from('bdefghijklmnopqrstuvwxyz'),
  )
  expect(check.findings(true)).toEqual([])
})

test('of one action alone nothing is missing', () => {
  expect(found([{ type: 'process.exec', id: 'x7' }], false)).toEqual([])
})

test('a number far away does not fill memory', () => {
  const check = new SequenceCheck()
  check.add({ index: 0, leaf: { type: 'process.exec', id: 'x999999999' } })
  expect(check.missingOf('x')).toHaveLength(1000)
})
