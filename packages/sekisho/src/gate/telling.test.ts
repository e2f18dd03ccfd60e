import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { MAX_TOLD } from '../wire/tell.ts'
import { type Told, Telling } from './telling.ts'

type Sent = { ids: string[]; mayWaitMs: number }

let sent: Sent[]
let telling: Telling
beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  telling = new Telling(async (leaves, mayWaitMs) => {
    sent.push({ ids: leaves.map(({ id }) => id), mayWaitMs })
    return []
  })
})
afterEach(() => void vi.useRealTimers())

test('what comes within a millisecond leaves together, and may wait one more for an intent', () => {
  void telling.add(outcome('a'))
  void telling.add(outcome('b'))
  vi.advanceTimersByTime(0.9)
  expect(sent).toEqual([])
  vi.advanceTimersByTime(0.2)
  void telling.add(outcome('c'))
  vi.advanceTimersByTime(1)
  expect(sent).toEqual([
    { ids: ['a', 'b'], mayWaitMs: 1 },
    { ids: ['c'], mayWaitMs: 1 },
  ])
})

test('no more gather than one message takes', () => {
  for (let i = 0; i <= MAX_TOLD; i++) void telling.add(outcome(String(i)))
  expect(sent.map(({ ids }) => ids.length)).toEqual([MAX_TOLD])
  telling.flush()
  expect(sent.map(({ ids }) => ids.length)).toEqual([MAX_TOLD, 1])
})

test('the end of a session waits for nothing, and nothing is told twice', () => {
  void telling.add(outcome('a'))
  telling.flush()
  telling.flush()
  vi.advanceTimersByTime(10)
  expect(sent).toEqual([{ ids: ['a'], mayWaitMs: 0 }])
})

test('each is refused with its own reason, or all with that of the channel', async () => {
  const refusal = new SekishoError('SESSION_UNKNOWN', 'it is over')
  const some = new Telling(async () => [undefined, refusal])
  const ends = Promise.allSettled([some.add(outcome('a')), some.add(outcome('b'))])
  some.flush()
  expect(await ends).toEqual([
    { status: 'fulfilled', value: undefined },
    { status: 'rejected', reason: refusal },
  ])
  const gone = new SekishoError('PEER_UNAVAILABLE', 'keyholder is not there')
  const none = new Telling(() => Promise.reject(gone))
  const lost = Promise.allSettled([none.add(outcome('a')), none.add(outcome('b'))])
  none.flush()
  expect(await lost).toEqual([
    { status: 'rejected', reason: gone },
    { status: 'rejected', reason: gone },
  ])
})

function outcome(id: string): Told {
  return {
    type: 'action.outcome',
    session: `s-${'0'.repeat(20)}`,
    id,
    outcome: { kind: 'failed', code: 'x', message: 'x' },
  }
}
