import { expect, test } from 'vitest'
import { HeldBytes } from './held-bytes.ts'

test('what turned out to be shorter makes room for others while it is held', async () => {
  const all = new HeldBytes(100)
  const own = new HeldBytes(80, all)
  const giveBack = await own.take(80)
  const next = all.take(60)
  giveBack(10)
  expect([own.held, all.held]).toEqual([10, 70])
  const others = await next
  giveBack(50) // grows no more
  expect([own.held, all.held]).toEqual([10, 70])
  giveBack()
  giveBack()
  expect([own.held, all.held]).toEqual([0, 60])
  others()
  expect(all.held).toBe(0)
})

test('more than the whole room takes the whole room, and gives all of it back', async () => {
  const room = new HeldBytes(100)
  const giveBack = await room.take(1_000)
  expect(room.held).toBe(100)
  giveBack(500)
  expect(room.held).toBe(100)
  giveBack()
  expect(room.held).toBe(0)
})
