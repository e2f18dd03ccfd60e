import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Mandate } from '../../wire/decision.ts'
import { MandateUses } from './mandate-uses.ts'
import { digest, NOW } from './testing/people.ts'

const mandate: Mandate = {
  id: 'm',
  kinds: ['approver'],
  agent: null,
  user: null,
  operations: [],
  rules: ['r'],
  counterparties: [],
  maxAmount: null,
  maxUses: 2,
  expiresAtMs: NOW + 1000,
  digest: digest('f'),
}

let dir = ''
let path = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-mandates-'))
  path = join(dir, 'uses.sqlite')
})
afterEach(() => rmSync(dir, { recursive: true }))

const open = (nowMs = NOW): MandateUses => new MandateUses(path, new Date(nowMs))

test('a mandate is used as often as it says, and another one by itself', () => {
  const uses = open()
  expect([1, 2, 3].map(() => uses.take(mandate))).toEqual([true, true, false])
  expect(uses.take({ ...mandate, digest: digest('e') })).toBe(true)
  uses.close()
})

test('a restart forgets no use', () => {
  const first = open()
  first.take(mandate)
  first.close()
  const second = open()
  expect([second.take(mandate), second.take(mandate)]).toEqual([true, false])
  second.close()
})

test('what was used up and then widened has the uses that were added', () => {
  const uses = open()
  expect([1, 2].map(() => uses.take(mandate))).toEqual([true, true])
  expect([1, 2].map(() => uses.take({ ...mandate, maxUses: 3 }))).toEqual([true, false])
  uses.close()
})

test('an expired one is forgotten: it grants nothing any more', () => {
  const first = open()
  first.take(mandate)
  first.close()
  const second = open(NOW + 1000)
  expect([1, 2, 3].map(() => second.take(mandate))).toEqual([true, true, false])
  second.close()
})

test('a count that cannot be read is not taken for none', () => {
  writeFileSync(path, 'no database at all, and long enough to be none: '.repeat(100))
  expect(() => open()).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
})
