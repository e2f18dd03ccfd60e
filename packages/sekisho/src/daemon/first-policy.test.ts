import { expect, test } from 'vitest'
import { FirstPolicy } from './first-policy.ts'

const DIRECTORY = '/srv/sekisho/policy'
const LATE_MS = 60_000

test('of a bundle that came into force there is nothing to say', async () => {
  const first = new FirstPolicy()
  first.cameIntoForce()
  first.wasRefused({ reason: 'a later change', hint: null })
  expect(await first.describeRefusal(DIRECTORY, LATE_MS)).toEqual([])
})

test('a refused one is said with its reason and what to do, before anybody waits for it or after', async () => {
  const lines = [
    '  REFUSED   policy     /srv/sekisho/policy: agents/a.yaml:2:7: no such key',
    '                       agents/b.yaml:1:1: no name?[2J',
    '                       hint: write `name`',
  ]
  const refused = {
    reason: 'agents/a.yaml:2:7: no such key\nagents/b.yaml:1:1: no name\u001b[2J',
    hint: 'write `name`',
  }
  const [early, late] = [new FirstPolicy(), new FirstPolicy()]
  early.wasRefused(refused)
  expect(await early.describeRefusal(DIRECTORY, LATE_MS)).toEqual(lines)
  const waiting = late.describeRefusal(DIRECTORY, LATE_MS)
  late.wasRefused(refused)
  expect(await waiting).toEqual(lines)
})

test('one of which nothing is known in time is not said to be in force', async () => {
  expect(await new FirstPolicy().describeRefusal(DIRECTORY, 1)).toEqual([
    '  WAITING   policy     /srv/sekisho/policy: no generation is in force yet; until one is, no session begins',
    '                       hint: see `sekisho policy status`',
  ])
})
