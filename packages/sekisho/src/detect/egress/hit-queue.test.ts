import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Hit, HitQueue } from './hit-queue.ts'

const hit = fc.record({
  readyAt: fc.integer({ min: 0, max: 20 }),
  index: fc.integer({ min: 0, max: 3 }),
  start: fc.integer({ min: 0, max: 3 }),
  end: fc.constant(9),
})

test('hits come by readiness, then detector, then place, and none before it is ready', () => {
  fc.assert(
    fc.property(fc.array(hit), fc.integer({ min: 0, max: 20 }), (hits, until) => {
      const queue = new HitQueue()
      for (const one of hits) queue.add(one)
      const sorted = hits.toSorted(
        (a, b) => a.readyAt - b.readyAt || a.index - b.index || a.start - b.start,
      )
      expect(taken(queue, until)).toEqual(sorted.filter(({ readyAt }) => readyAt <= until))
      expect(taken(queue, 20)).toEqual(sorted.filter(({ readyAt }) => readyAt > until))
    }),
  )
})

function taken(queue: HitQueue, until: number): Hit[] {
  const hits: Hit[] = []
  for (let next = queue.take(until); next !== undefined; next = queue.take(until)) hits.push(next)
  return hits
}
