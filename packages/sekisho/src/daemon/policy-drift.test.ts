import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { digest, install, PolicyPlace } from './testing/policy-place.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-policy-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

let place: PolicyPlace
beforeEach(async () => {
  place = new PolicyPlace(directory, { gates: 2 })
  await place.installer.install(install(1, 'a'))
  place.leaves = []
})

test('processes that decide by what is in force are left alone', async () => {
  await place.drift.check()
  expect([place.leaves, place.killed, place.drift.alerts]).toEqual([[], [], []])
})

test('a gate that decides by another policy is ended, recorded and told', async () => {
  place.running['gate-1'] = [digest('a'), digest('e')]
  await place.drift.check()
  expect(place.leaves).toEqual([
    { type: 'policy.drift', approved: digest('a'), running: digest('e'), where: 'gate-1' },
  ])
  expect([place.killed, place.drift.alerts]).toEqual([
    [1],
    [`policy-drift: gate-1 had ${digest('e')} at 1970-01-01T00:00:00.000Z, not ${digest('a')}`],
  ])
})

test('a gate that has forgotten its policy is ended too', async () => {
  place.running['gate-0'] = []
  await place.drift.check()
  expect([place.killed, place.leaves]).toEqual([
    [0],
    [{ type: 'policy.drift', approved: digest('a'), running: null, where: 'gate-0' }],
  ])
})

test('a gate that does not answer is ended: nobody knows what it decides by', async () => {
  place.gateFails['gate-1'] = new SekishoError('TIMEOUT', 'no answer')
  await place.drift.check()
  expect([place.killed, place.leaves]).toEqual([
    [1],
    [{ type: 'policy.drift', approved: digest('a'), running: null, where: 'gate-1' }],
  ])
})

test('a keyholder that checks by another policy is recorded, and told again', async () => {
  place.running['keyholder'] = [digest('e')]
  place.order = []
  await place.drift.check()
  expect([place.leaves, place.order]).toEqual([
    [{ type: 'policy.drift', approved: digest('a'), running: digest('e'), where: 'keyholder' }],
    ['log: policy.drift', 'keyholder takes 1'],
  ])
})

test('it is looked for again and again, without anybody asking', async () => {
  place.running['gate-0'] = [digest('e')]
  place.drift.start(5)
  await expect.poll(() => place.killed.length).toBeGreaterThan(1)
  place.drift.close()
})

test('before the first generation there is nothing to differ from', async () => {
  const fresh = new PolicyPlace(directory)
  await fresh.drift.check()
  expect([place.leaves, fresh.killed]).toEqual([[], []])
})
