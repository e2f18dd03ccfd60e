import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('who asks gets through in order', async () => {
  const turns = new Turns()
  const through: number[] = []
  const ask = async (index: number): Promise<void> => {
    await turns.next(index === 0 ? 110 : 0)
    through.push(index)
  }
  await Promise.all([0, 1, 2, 3].map(ask))
  expect(through).toEqual([0, 1, 2, 3])
})

test('what a burst does not hold is paid for with three times its time', async () => {
  const turns = new Turns()
  await turns.next(100)
  const startedMs = performance.now()
  await turns.next(20)
  // a timer may fire a fraction of a millisecond early
  expect(performance.now() - startedMs).toBeGreaterThan(70)
})

test('a session that rests may go on at once', async () => {
  let nowMs = 0
  const turns = new Turns(() => nowMs)
  await turns.next(100)
  nowMs = 400
  const startedMs = performance.now()
  for (let piece = 0; piece < 100; piece++) await turns.next(1)
  expect(performance.now() - startedMs).toBeLessThan(300) // 400 ms would be owed otherwise
})
