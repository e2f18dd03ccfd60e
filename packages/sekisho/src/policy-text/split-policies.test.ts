import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_WEIGHT, offsetOfByte, positionIn, splitPolicies } from './split-policies.ts'

const piece = fc.constantFrom(
  'permit(principal, action, resource);',
  'forbid(principal, action, resource) when { "a;b" == "\\"; //" };',
  '@id("é;日本")\npermit(principal, action, resource) unless { context.x like "*;//" };',
  'permit(principal, action, resource) // ; in a comment\n when { true };',
)
const between = fc.constantFrom('', ' ', '\n', '// a ; "comment\n', '\r\n', '\t// é\n\n')

test('policies are cut where Cedar’s own reader cuts them', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(between, piece), { maxLength: 6 }), between, (parts, end) => {
      const text = parts.map(([gap, policy]) => gap + policy).join('') + end
      const own = splitPolicies('x.cedar', text).map((policy) => policy.text)
      const theirs = cedar.policySetTextToParts(text)
      expect(theirs.type === 'success' ? [...theirs.policies].sort() : theirs).toEqual(own.sort())
    }),
  )
})

test('whatever the text, every character but space and comments is in some policy', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const bare = text.replace(/\/\/[^\n\r]*/g, '').replace(/\s/g, '')
      fc.pre(!text.includes('"') && !/\/\//.test(text))
      const kept = splitPolicies('x.cedar', text).map((policy) => policy.text.replace(/\s/g, ''))
      expect(kept.join('')).toBe(bare)
    }),
  )
})

test('a place in a policy is a place in its file, in columns of UTF-16', () => {
  const text = '// é😀\n  permit(principal, action,\n   resource) when { "😀é" == context.x };'
  const [policy] = splitPolicies('x.cedar', text)
  if (policy === undefined) throw new TypeError('no policy')
  expect(policy.start).toEqual({ line: 2, column: 3 })
  const offset = policy.text.indexOf('context')
  const bytes = Buffer.byteLength(policy.text.slice(0, offset))
  expect(offsetOfByte(policy.text, bytes)).toBe(offset)
  expect(positionIn(policy, offset)).toEqual({ line: 3, column: 30 })
  expect(text.split('\n')[2]?.slice(29)).toMatch(/^context/)
})

const nests = (depth: number): string =>
  `permit(principal,action,resource) when { ${'('.repeat(depth)}true${')'.repeat(depth)} };`
const chains = (length: number): string =>
  `permit(principal,action,resource) when { ${'true || '.repeat(length)}true };`

test.for([
  ['an ordinary policy', chains(5), true],
  ['forty brackets', nests(40), true],
  ['a hundred brackets', nests(100), false],
  ['five hundred alternatives', chains(500), true],
  ['two thousand', chains(2000), false],
] as const)('%s: within what the library can read is %o', ([, text, expected]) => {
  expect((splitPolicies('x', text)[0]?.weight ?? 0) <= MAX_WEIGHT).toBe(expected)
})

const wraps: readonly ((inner: string) => string)[] = [
  (inner) => `(${inner})`,
  (inner) => `[${inner}] == [true]`,
  (inner) => `{a:${inner}}.a`,
  (inner) => `if true then ${inner} else true`,
  (inner) => `if ${inner} then true else true`,
  (inner) => `${inner} && true`,
  (inner) => `!(${inner})`,
]

test('what weighs little enough never breaks Cedar’s library', () => {
  const schema =
    'entity E; action a appliesTo { principal: E, resource: E, context: { a: Set<Long> } };'
  fc.assert(
    fc.property(fc.array(fc.nat(wraps.length - 1), { minLength: 1, maxLength: 3 }), (kinds) => {
      let [heaviest, inner] = ['', 'true']
      for (let i = 0; ; i += 1) {
        inner = wraps[kinds[i % kinds.length] ?? 0]?.(inner) ?? inner
        const text = `permit(principal,action,resource) when { ${inner} };`
        if ((splitPolicies('x', text)[0]?.weight ?? 0) > MAX_WEIGHT) break
        heaviest = text
      }
      expect(cedar.policyToJson(heaviest).type).toBe('success')
      cedar.validate({ schema, policies: { staticPolicies: { heaviest } } })
    }),
    { numRuns: 12 },
  )
})
