import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LogSize } from './log-size.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A log whose files change as often as the test says, and who is asked when. */
function openSize(sizeAt: (ms: number) => number) {
  const begunMs = Date.now()
  const asked: number[] = []
  const grown: number[] = []
  let changed: (() => void) | undefined
  const size = new LogSize({
    dir: '/nowhere',
    ask: () => {
      asked.push(Date.now() - begunMs)
      return Promise.resolve(sizeAt(Date.now() - begunMs))
    },
    grown: (to) => void grown.push(to),
    watchFiles: (_dir, tell) => {
      changed = tell
      return { close: () => (changed = undefined) }
    },
  })
  size.start()
  return { size, asked, grown, change: () => changed?.(), isWatched: () => changed !== undefined }
}

/** One write a millisecond. */
async function write(log: ReturnType<typeof openSize>, forMs: number): Promise<void> {
  for (let ms = 0; ms < forMs; ms += 1) {
    log.change()
    await vi.advanceTimersByTimeAsync(1)
  }
}

test('a log that grows without a rest is asked about less and less, and not watched', async () => {
  const log = openSize((ms) => 1 + ms)
  await write(log, 1500)
  expect(log.asked).toEqual([0, 25, 75, 175, 375, 575, 775, 975, 1175, 1375])
  expect(log.isWatched()).toBe(false)
  log.size.stop()
})

test('once it rests it is watched again, and the next write is asked about at once', async () => {
  let length = 1
  const log = openSize((ms) => (ms < 600 ? ms : 600) + length)
  await write(log, 600)
  expect(log.isWatched()).toBe(false)
  await vi.advanceTimersByTimeAsync(450)
  expect({ watched: log.isWatched(), size: log.size.known }).toEqual({ watched: true, size: 601 })
  length = 2
  log.change()
  await vi.advanceTimersByTimeAsync(0)
  expect(log.grown.at(-1)).toBe(602)
  log.size.stop()
})

test('what is stopped asks nobody, not even for an answer that was under way', async () => {
  const log = openSize((ms) => 1 + ms)
  log.change()
  log.size.stop()
  await vi.advanceTimersByTimeAsync(5000)
  expect(log.asked).toEqual([0])
})

test('where nothing can be watched the poll is enough', async () => {
  const asked: number[] = []
  const size = new LogSize({
    dir: '/nowhere',
    ask: () => Promise.resolve(asked.push(0)),
    grown: () => undefined,
    watchFiles: () => {
      throw new Error('no watches left')
    },
  })
  size.start()
  await vi.advanceTimersByTimeAsync(3010)
  size.stop()
  expect(asked.length).toBe(4)
})
