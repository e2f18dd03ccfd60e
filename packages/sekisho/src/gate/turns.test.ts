import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

test('who asks gets through in order, no two within a millisecond', async () => {
  const turns = new Turns()
  const through: { index: number; atMs: number }[] = []
  const ask = async (index: number): Promise<void> => {
    await turns.next()
    through.push({ index, atMs: performance.now() })
  }
  await Promise.all([0, 1, 2, 3].map(ask))
  expect(through.map(({ index }) => index)).toEqual([0, 1, 2, 3])
  const [first, last] = [through.at(0)?.atMs ?? 0, through.at(-1)?.atMs ?? 0]
  // a timer of a millisecond may fire a fraction of one early
  expect(last - first).toBeGreaterThan(2)
})
