import { expect, test } from 'vitest'
import type { Treatments } from '../../wire/policy.ts'
import { denyElsewhere, isTokenized, wantsToken, withoutTokens } from './personal.ts'

test.each<[string, Treatments, boolean]>([
  ['the class', { 'personal-data': 'tokenize' }, true],
  ['its own id', { 'personal-data': 'record', 'pii.email': 'tokenize' }, true],
  ['its beginning', { 'pii.em*': 'tokenize' }, true],
  ['its own id, against the class', { 'personal-data': 'tokenize', 'pii.email': 'record' }, false],
  ['its own id, against its beginning', { 'pii.*': 'tokenize', 'pii.email': 'redact' }, false],
  ['another', { 'pii.phone': 'tokenize' }, false],
  ['nothing', {}, false],
])('an address of mail by %s', (_, treatments, wants) => {
  expect(wantsToken('pii.email', treatments)).toBe(wants)
})

test('whoever looks into it notes what has a token, and no more', () => {
  const treatments: Treatments = { 'personal-data': 'tokenize', 'secret-format': 'redact' }
  expect([isTokenized(treatments), isTokenized({ 'pii.email': 'redact' })]).toEqual([true, false])
  expect(withoutTokens(treatments)).toEqual({
    'personal-data': 'record',
    'secret-format': 'redact',
  })
})

test('what is no personal data has no token, and is no reason to refuse a call', () => {
  const found = (detector: string): Parameters<typeof denyElsewhere>[0] => [
    { detector, place: 'body (base64)', count: 1, did: 'recorded' },
  ]
  const treatments: Treatments = { 'personal-data': 'tokenize' }
  expect(denyElsewhere(found('entropy.blob'), treatments)).toBeUndefined()
  expect(denyElsewhere(found('pii.card'), treatments)?.rules).toEqual(['llm.personal-data'])
})
