import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Keys } from './keys.ts'
import { makePlaceholder } from './placeholder.ts'

const keys = new Keys(Buffer.alloc(32, 7))

test.for([
  ['a GitHub token', `ghp_${'aB3'.repeat(12)}`, /^ghp_(?:[a-z][A-Z]\d){12}$/],
  [
    'a fine-grained GitHub token',
    `github_pat_11ABCDEFG0_${'aB3'.repeat(10)}`,
    /^github_pat_\d\d[A-Z]{7}\d_(?:[a-z][A-Z]\d){10}$/,
  ],
  [
    'an Anthropic key',
    `sk-ant-api03-${'xY-9_'.repeat(8)}AA`,
    /^sk-ant-api03-(?:[a-z][A-Z]-\d_){8}[A-Z]{2}$/,
  ],
  [
    'an OpenAI project key',
    `sk-proj-${'abcXYZ123'.repeat(4)}`,
    /^sk-proj-(?:[a-z]{3}[A-Z]{3}\d{3}){4}$/,
  ],
  ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE', /^AKIA[A-Z]{8}\d[A-Z]{7}$/],
  ['a Slack token', 'xoxb-123456789012-abcdefABCDEF', /^xoxb-\d{12}-[a-z]{6}[A-Z]{6}$/],
  [
    'a UUID',
    '01234567-89ab-cdef-0123-456789abcdef',
    /^[0-9]{8}-\d\d[a-z]{2}-[a-z]{4}-\d{4}-\d{6}[a-z]{6}$/,
  ],
  ['base64', 'dGhpcyBpcyBhIHNlY3JldCB2YWx1ZQ==', /^[A-Za-z0-9]{30}==$/],
  ['a short password', 'hunter2', /^[a-z]{24}$/],
  ['a short token with a prefix', 'hf_short', /^hf_[a-z]{21}$/],
  ['nothing but a prefix', 'sk-ant-api03-', /^sk-ant-api03-[a-z]{16}$/],
  ['nothing to vary', '-'.repeat(40), /^[a-z]{24}$/],
] as const)('%s keeps its shape', ([, value, shape]) => {
  const made = placeholderFor(value)
  expect(made).toMatch(shape)
  expect(made).not.toBe(value)
  expect(made.length).toBeGreaterThanOrEqual(Math.min(24, value.length))
})

test('it is the same after a restart, and another for each session and each name', () => {
  const value = 'ghp_0123456789abcdefghijABCDEFGHIJ'
  expect(placeholderFor(value)).toBe(placeholderFor(value))
  expect(placeholderFor(value, 's-b')).not.toBe(placeholderFor(value))
  expect(placeholderFor(value, 's-a', 'OTHER')).not.toBe(placeholderFor(value))
})

test('it is never the value, not even where the bytes spell it', () => {
  const value = 'abcdefghijklmnopqrst'
  const bytes = Buffer.from(Array.from(value, (_, i) => i))
  expect(makePlaceholder(value, () => bytes)).toBe('bcdefghijklmnopqrstu')
})

test('whatever the value, a header can carry it and nobody meets it by chance', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 9000 }), (value) => {
      const made = placeholderFor(value)
      expect(made).toMatch(/^[\x20-\x7e]{16,4096}$/)
      expect(made).not.toBe(value)
      expect(value).not.toContain(made)
    }),
  )
})

function placeholderFor(value: string, session = 's-a', name = 'TOKEN'): string {
  return makePlaceholder(value, (count) => keys.placeholderBytes([session, name], count))
}
