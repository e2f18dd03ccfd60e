import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import type { RestoreItem, RestoreOutcome } from '../wire/restore.ts'
import { restoreEach } from './restore-each.ts'

const items: RestoreItem[] = ['3', '2', '1'].map((id) => ({
  id,
  recipe: `sha256:${'0'.repeat(64)}`,
  left: { isAbsent: true, content: null, etag: null },
}))
const restored = async ({ id }: RestoreItem): Promise<RestoreOutcome> => ({
  id,
  did: 'restored',
  detail: '',
})
const inTime = new AbortController().signal

test('each is tried in the order given', async () => {
  const tried: string[] = []
  const outcomes = await restoreEach(
    items,
    (item) => {
      tried.push(item.id)
      return restored(item)
    },
    inTime,
  )
  expect(tried).toEqual(['3', '2', '1'])
  expect(outcomes.map(({ did }) => did)).toEqual(['restored', 'restored', 'restored'])
})

test('a failure of one keeps no other from being tried', async () => {
  const outcomes = await restoreEach(
    items,
    async (item) => ({ ...(await restored(item)), did: item.id === '3' ? 'failed' : 'restored' }),
    inTime,
  )
  expect(outcomes.map(({ did }) => did)).toEqual(['failed', 'restored', 'restored'])
})

test('when the gate has gone, nothing more is asked of it', async () => {
  const tried: string[] = []
  const outcomes = await restoreEach(
    items,
    async (item) => {
      tried.push(item.id)
      if (item.id === '2') throw new SekishoError('PEER_UNAVAILABLE', 'the gate is gone')
      return restored(item)
    },
    inTime,
  )
  expect(tried).toEqual(['3', '2'])
  expect(outcomes.slice(1)).toEqual([
    { id: '2', did: 'failed', detail: 'the gate is gone' },
    { id: '1', did: 'failed', detail: 'it was not tried: the gate is gone' },
  ])
})

test('when time is up, the rest is left for another time', async () => {
  const time = new AbortController()
  const outcomes = await restoreEach(
    items,
    (item) => {
      time.abort()
      return restored(item)
    },
    time.signal,
  )
  expect(outcomes.map(({ did, detail }) => [did, detail])).toEqual([
    ['restored', ''],
    ['failed', 'it was not tried in time'],
    ['failed', 'it was not tried in time'],
  ])
})
