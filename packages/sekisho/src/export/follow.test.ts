import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { DivergedError, LogFollower, type Position } from './follow.ts'
import { leafLine, stops, TestLog } from './testing/test-log.ts'

let log: TestLog
beforeEach(() => {
  log = new TestLog()
})
afterEach(() => log.remove())

const ALL = { leaves: 1000, bytes: 1024 * 1024 }

test('an empty log gives nothing, and what comes later is given once', async () => {
  const follower = new LogFollower(log.dir, null)
  expect(await follower.take(0, ALL)).toEqual([])
  log.batch(...stops('a', 'b'))
  expect(await reasons(follower)).toEqual(['a', 'b'])
  expect(await follower.take(log.size, ALL)).toEqual([])
  log.batch(...stops('c'))
  log.batch(...stops('d', 'e'))
  expect(await reasons(follower)).toEqual(['c', 'd', 'e'])
})

test('both bounds are kept, and one leaf always comes', async () => {
  log.batch(...stops('a', 'b', 'c'))
  const follower = new LogFollower(log.dir, null)
  const take = async (bounds: typeof ALL): Promise<number> =>
    (await follower.take(log.size, bounds)).length
  expect(await take({ leaves: 2, bytes: 10_000 })).toBe(2)
  expect(await take({ leaves: 2, bytes: 1 })).toBe(1)
})

test('nothing is given that the writer has not acknowledged, though it stands in the file', async () => {
  log.batch(...stops('a'))
  log.batch(...stops('b', 'c'))
  const follower = new LogFollower(log.dir, null)
  expect(await follower.take(0, ALL)).toEqual([])
  expect(await reasons(follower, 2)).toEqual(['a', 'b'])
  expect(await reasons(follower, 3)).toEqual(['c'])
})

test('it goes on in the next segment, over a torn end and over one that seals nothing', async () => {
  log.batch(...stops('a'))
  const follower = new LogFollower(log.dir, null)
  expect(await reasons(follower)).toEqual(['a'])
  log.tear(`${leafLine({ type: 'platform.stop', reason: 'never sealed' })}\n{"half`)
  log.turn()
  log.turn()
  log.batch(...stops('b'))
  expect(await reasons(follower)).toEqual(['b'])
})

test('a batch that a failed flush left, and that was written again, comes once', async () => {
  log.batch(...stops('a'))
  const before = log.saved()
  log.batch(...stops('b', 'c'))
  const follower = new LogFollower(log.dir, null)
  expect(await reasons(follower)).toEqual(['a', 'b', 'c'])
  log.turn(before)
  log.batch(...stops('b', 'c'))
  log.batch(...stops('d'))
  expect(await reasons(follower)).toEqual(['d'])
})

test('another history after such a batch is not followed', async () => {
  log.batch(...stops('a'))
  const before = log.saved()
  log.batch(...stops('b'))
  const follower = new LogFollower(log.dir, null)
  await follower.take(log.size, ALL)
  log.turn(before)
  log.batch(...stops('another'))
  log.batch(...stops('c'))
  await expect(follower.take(log.size, ALL)).rejects.toThrow('leaf 1 is not the one that was read')
})

test.for<[name: string, spoil: (position: Position) => void]>([
  ['is shorter than what was read', ({ offset }) => truncateSync(log.path, offset - 5)],
  ['has another leaf there', () => writeFileSync(log.path, edited())],
  ['is gone', () => rmSync(log.path)],
])('a log that %s is not gone on with', async ([, spoil]) => {
  log.batch(...stops('a', 'b'))
  const first = new LogFollower(log.dir, null)
  await first.take(log.size, ALL)
  const { position } = first
  if (position === null) throw new Error('nothing was read')
  spoil(position)
  const again = new LogFollower(log.dir, position)
  await expect(again.take(log.size, ALL)).rejects.toThrow(DivergedError)
})

test('a writer that has acknowledged less than was read has another log', async () => {
  log.batch(...stops('a', 'b'))
  const follower = new LogFollower(log.dir, null)
  await follower.take(2, ALL)
  await expect(follower.take(1, ALL)).rejects.toThrow('the log has 1 leaves; 2 were read from it')
})

test('a log whose beginning is gone is not taken for a whole one', async () => {
  log.batch(...stops('a'))
  const first = log.path
  log.turn()
  log.batch(...stops('b'))
  rmSync(first)
  const follower = new LogFollower(log.dir, null)
  await expect(follower.take(log.size, ALL)).rejects.toThrow('the log begins after 1 leaves')
})

test('a line that is no leaf and no checkpoint is an error', async () => {
  log.batch(...stops('a'))
  log.tear('neither\n')
  const follower = new LogFollower(log.dir, null)
  await expect(follower.take(log.size, ALL)).rejects.toThrow('neither a leaf nor a checkpoint')
})

test('however it is batched, torn, stopped and resumed: every leaf once, in order', async () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant('batch' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.constant({ does: 'turn' as const }),
    fc.constant({ does: 'tear' as const }),
    fc.constant({ does: 'resume' as const }),
    fc.record({ does: fc.constant('take' as const), leaves: fc.integer({ min: 1, max: 3 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
      const own = new TestLog()
      try {
        let follower = new LogFollower(own.dir, null)
        const seen: string[] = []
        let written = 0
        for (const what of steps) {
          if (what.does === 'batch') {
            own.batch(...stops(...Array.from({ length: what.count }, () => written++)))
          } else if (what.does === 'turn') own.turn()
          else if (what.does === 'tear') {
            own.tear('{"torn')
            own.turn()
          } else if (what.does === 'resume') follower = new LogFollower(own.dir, follower.position)
          else seen.push(...texts(await follower.take(own.size, { ...ALL, leaves: what.leaves })))
        }
        while (follower.index < own.size) seen.push(...texts(await follower.take(own.size, ALL)))
        expect(seen).toEqual(Array.from({ length: written }, (_, i) => String(i)))
      } finally {
        own.remove()
      }
    }),
    { numRuns: 60 },
  )
})

async function reasons(follower: LogFollower, durable = log.size): Promise<string[]> {
  return texts(await follower.take(durable, ALL))
}

function texts(leaves: readonly { line: string }[]): string[] {
  return leaves.map(({ line }) => /"reason":"([^"]*)"/.exec(line)?.[1] ?? '')
}

function edited(): string {
  return readFileSync(log.path, 'utf8').replace('"reason":"b"', '"reason":"x"')
}
