import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

const shared = (): boolean => true

test('who asks gets through in order', async () => {
  const turns = new Turns(shared)
  const through: number[] = []
  const ask = async (index: number): Promise<void> => {
    await turns.next(index === 0 ? 110 : 0)
    through.push(index)
  }
  await Promise.all([0, 1, 2, 3].map(ask))
  expect(through).toEqual([0, 1, 2, 3])
})

test('what a burst does not hold is paid for with three times its time', async () => {
  const turns = new Turns(shared, () => 0)
  await turns.next(100)
  const startedMs = performance.now()
  await turns.next(20)
  // a timer may fire a fraction of a millisecond early
  expect(performance.now() - startedMs).toBeGreaterThan(70)
})

test('a session that rests may go on at once', async () => {
  let nowMs = 0
  const turns = new Turns(shared, () => nowMs)
  const startedMs = performance.now()
  for (let burst = 0; burst < 50; burst++) {
    await turns.next(100)
    nowMs += 400
  }
  expect(performance.now() - startedMs).toBeLessThan(60_000) // 490 s would be owed otherwise
})

test('a session that is alone takes what nobody else wants, and owes none of it when somebody comes', async () => {
  let isShared = false
  const turns = new Turns(
    () => isShared,
    () => 0,
  )
  const startedMs = performance.now()
  for (let piece = 0; piece < 100; piece++) await turns.next(1000)
  isShared = true
  await turns.next(1)
  // the last one alone would be 4 ms, and a debt of the others 400 s
  expect(performance.now() - startedMs).toBeLessThan(60_000)
})
