import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import { INVARIANTS } from './compiled.ts'
import { INVARIANT_TEXTS } from './texts.ts'

test('what the gate has of the invariants is what their texts say', () => {
  const parsed = Object.entries(INVARIANT_TEXTS).map(([id, text]) => {
    const answer = cedar.policyToJson(text)
    return { id, policy: answer.type === 'success' ? answer.json : answer.errors }
  })
  expect(INVARIANTS).toEqual(parsed)
})

test('each of them is a forbid with a name of its own', () => {
  const seen = INVARIANTS.map(({ id, policy }) => `${policy.effect} ${id}`)
  expect(seen).toEqual(Object.keys(INVARIANT_TEXTS).map((id) => `forbid ${id}`))
  expect(seen.every((name) => name.startsWith('forbid invariant.'))).toBe(true)
})
