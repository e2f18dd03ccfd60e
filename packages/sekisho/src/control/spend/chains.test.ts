import { expect, test } from 'vitest'
import { SekishoError } from '../../core/error.ts'
import { Chains } from './chains.ts'

test('a session without a snapshot is its own chain, and a fork is asked about once', async () => {
  const asked: string[] = []
  const chains = new Chains({
    snapshotOf: (session) => (session === 's-fork' ? 'w-1' : null),
    rootOf: (snapshot) => {
      asked.push(snapshot)
      return Promise.resolve('s-root')
    },
  })
  expect(await chains.chainOf('s-root')).toBe('s-root')
  expect(await Promise.all([chains.chainOf('s-fork'), chains.chainOf('s-fork')])).toEqual([
    's-root',
    's-root',
  ])
  expect(asked).toEqual(['w-1'])
  chains.sessionEnded('s-fork')
  await chains.chainOf('s-fork')
  expect(asked).toEqual(['w-1', 'w-1'])
})

test('what nobody can tell is an error, and asked again', async () => {
  let isDown = true
  const chains = new Chains({
    snapshotOf: () => 'w-1',
    rootOf: () =>
      isDown
        ? Promise.reject(new SekishoError('PEER_UNAVAILABLE', 'not now'))
        : Promise.resolve('s-root'),
  })
  await expect(chains.chainOf('s-fork')).rejects.toThrow('not now')
  isDown = false
  expect(await chains.chainOf('s-fork')).toBe('s-root')
})
