import { expect, test } from 'vitest'
import type { LeafInput } from '../../wire/leaves.ts'
import { type Breach, Breaches } from './breaches.ts'

const SESSION = 's-0123456789abcdefghij'

function counting(isWritable = true): { breaches: Breaches; observed: number[] } {
  const observed: number[] = []
  const breaches = new Breaches(SESSION, async (leaf: LeafInput) => {
    if (!isWritable) throw new Error('the log is full')
    if (leaf.type === 'limit.breach') observed.push(leaf.observed)
  })
  return { breaches, observed }
}

const pids = (observed: number): Breach => ({
  limit: 'pids',
  configured: 512,
  observed,
  did: 'refused',
})

test('a counted limit is told of at its first hit and with each tenfold', () => {
  const { breaches, observed } = counting()
  for (const count of [0, 1, 1, 2, 9, 10, 11, 99, 100, 5000, 9999, 10_000]) {
    breaches.counted(pids(count))
  }
  expect(observed).toEqual([1, 10, 100, 5000, 10_000])
})

test('below what is normal nothing is told', () => {
  const { breaches, observed } = counting()
  for (const count of [1, 9, 10, 50, 100]) breaches.counted({ ...pids(count), limit: 'cpu' }, 10)
  expect(observed).toEqual([10, 100])
})

test('each limit is told of by itself', () => {
  const { breaches, observed } = counting()
  breaches.once({ ...pids(7), limit: 'memory' })
  breaches.once({ ...pids(8), limit: 'memory' })
  breaches.counted(pids(3))
  expect(observed).toEqual([7, 3])
})

test('the leaf names its session', async () => {
  const leaves: LeafInput[] = []
  const breaches = new Breaches(SESSION, async (leaf) => leaves.push(leaf))
  breaches.counted(pids(1))
  expect(leaves).toEqual([{ type: 'limit.breach', session: SESSION, ...pids(1) }])
})

test('a breach that the log would not take is counted', async () => {
  const { breaches } = counting(false)
  breaches.once({ ...pids(7), limit: 'memory' })
  await breaches.settled()
  expect(breaches.unrecorded).toBe(1)
})
