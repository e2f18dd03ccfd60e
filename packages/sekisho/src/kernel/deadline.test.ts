import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { within } from './deadline.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('work in time passes through and leaves no timer', async () => {
  await expect(within(100, 'the work', Promise.resolve(7))).resolves.toBe(7)
  expect(vi.getTimerCount()).toBe(0)
})

test('work that fails in time fails with its own error', async () => {
  await expect(within(100, 'the work', Promise.reject(new Error('mine')))).rejects.toThrow('mine')
})

test('work that takes longer is given up', async () => {
  const given = expect(within(100, 'the work', new Promise(() => {}))).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: 'the work took more than 100 ms',
  })
  await vi.advanceTimersByTimeAsync(100)
  await given
})
