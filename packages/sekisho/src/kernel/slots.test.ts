import { expect, test } from 'vitest'
import { createSlots } from './slots.ts'

test('a full set lets nobody on until one is released', async () => {
  const slots = createSlots(2)
  slots.take()
  await slots.whenFree()
  slots.take()
  expect(slots.free()).toBe(0)
  const woken: string[] = []
  const waiting = slots.whenFree().then(() => woken.push('waiter'))
  await Promise.resolve()
  expect(woken).toEqual([])
  slots.release()
  await waiting
  expect({ woken, free: slots.free() }).toEqual({ woken: ['waiter'], free: 1 })
})
