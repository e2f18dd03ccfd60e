import { expect, test } from 'vitest'
import { IdleConnections } from './idle-connections.ts'

function scene(max: number) {
  const connections = new IdleConnections(max)
  const closed: string[] = []
  const add = (owner: object, name: string, isIdle = true): (() => void) =>
    connections.add(owner, { isIdle: () => isIdle, close: () => void closed.push(name) })
  return { add, closed }
}

test('below the number nothing is closed', () => {
  const { add, closed } = scene(3)
  const owner = {}
  for (const name of ['1', '2', '3']) add(owner, name)
  expect(closed).toEqual([])
})

test('above it the oldest idle one of whoever holds most goes', () => {
  const { add, closed } = scene(4)
  const [quiet, loud] = [{}, {}]
  add(quiet, 'quiet 1')
  for (const name of ['1', '2', '3', '4', '5']) add(loud, `loud ${name}`)
  expect(closed).toEqual(['loud 1', 'loud 2'])
})

test('one on which something is asked stays, whoever holds it', () => {
  const { add, closed } = scene(2)
  const [busy, other] = [{}, {}]
  for (const name of ['1', '2']) add(busy, `busy ${name}`, false)
  add(other, 'other 1')
  expect(closed).toEqual(['other 1'])
  add(busy, 'busy 3', false)
  expect(closed).toEqual(['other 1'])
})

test('one that is gone counts no more, however often that is said', () => {
  const { add, closed } = scene(2)
  const owner = {}
  const gone = add(owner, '1')
  gone()
  gone()
  add(owner, '2')
  add(owner, '3')
  expect(closed).toEqual([])
  add(owner, '4')
  expect(closed).toEqual(['2'])
})
