import { createContext, Script } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startThreadClock } from '../../core/testing/thread-clock.ts'
import { readPattern } from './linear-pattern.ts'

const testOf = (pattern: string, text: string): boolean | undefined => {
  const read = readPattern(pattern)
  return 'value' in read ? read.value.test(text) : undefined
}

test.for([
  ['a literal is found anywhere', 'b', 'abc', true],
  ['anchors hold it to both ends', '^b$', 'abc', false],
  ['an anchor within a choice', '^a|b$', 'xb', true],
  ['a counted class', '^[a-z]{2,3}$', 'abcd', false],
  ['an open count', '^a{2,}$', 'aaaa', true],
  ['a count of none', '^a{0}b$', 'b', true],
  ['a negated class', '^[^0-9]+$', 'ab1', false],
  ['a hyphen at the end of a class', '^[a-]+$', 'a-a', true],
  ['a class in a class', String.raw`^[\w.]+$`, 'a_1.b', true],
  ['a character outside the basic plane is one', '^.$', '😀', true],
  ['a dot is no line end', '^.$', '\n', false],
  ['an end is the very end', '^a$', 'a\n', false],
  ['an empty pattern', '', 'anything', true],
  ['an empty alternative', '^(?:a|)$', '', true],
  ['an escaped bracket', String.raw`^\($`, '(', true],
] as const)('%s', ([, pattern, text, matches]) => {
  expect(testOf(pattern, text)).toBe(matches)
})

test.for([
  ['a reference back', String.raw`(a)\1`],
  ['a look ahead', '(?=a)b'],
  ['a look behind', '(?<!a)b'],
  ['a name', '(?<n>a)'],
  ['a property', String.raw`\p{L}`],
  ['a word boundary', String.raw`\bword\b`],
  ['a lazy repetition', 'a+?'],
  ['a repetition of a repetition', 'a**'],
  ['nothing to repeat', '^*'],
  ['a group that is open', '(a'],
  ['a bracket too many', 'a)'],
  ['a class that is open', '[a'],
  ['an empty class', '[]'],
  ['a range out of order', '[z-a]'],
  ['a range of classes', String.raw`[\d-z]`],
  ['bounds out of order', 'a{3,2}'],
  ['a great count', 'a{1000}'],
  ['counts that multiply', '(?:(?:a{200}){200}){200}'],
  ['deep groups', `${'('.repeat(20)}a${')'.repeat(20)}`],
  ['a lone brace', 'a{'],
] as const)('%s is refused', ([, pattern]) => {
  expect(readPattern(pattern)).toHaveProperty('problem')
})

test('what makes other engines go back for ever takes no time', () => {
  const text = `${'a'.repeat(20_000)}!`
  const tookMs = startThreadClock()
  expect(testOf('^(?:a+)+$', text)).toBe(false)
  expect(testOf('^(?:a|a)*$', text)).toBe(false)
  expect(testOf('^(?:a*)*b$', text)).toBe(false)
  expect(tookMs()).toBeLessThan(2000)
})

const atom = fc.constantFrom(
  'a',
  'b',
  '[ab]',
  '[^a]',
  '.',
  String.raw`\d`,
  String.raw`\w`,
  '1',
  '^',
  '$',
)
const { pattern } = fc.letrec<{ pattern: string; part: string }>((tie) => ({
  pattern: fc
    .array(fc.array(tie('part'), { maxLength: 3 }), { minLength: 1, maxLength: 3 })
    .map((options) => options.map((parts) => parts.join('')).join('|')),
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .tuple(atom, fc.constantFrom('', '*', '+', '?', '{1,2}'))
      .map(([one, more]) => (one === '^' || one === '$' ? one : one + more)),
    fc
      .tuple(tie('pattern'), fc.constantFrom('', '*', '+', '?', '{2}'))
      .map(([inner, more]) => `(?:${inner})${more}`),
  ),
}))

// `|(?!)` never matches; without it V8 looks for what ends in `$` from half a character before the end,
// and says that /[^a]$/u does not match what two halves make
const REFERENCE = new Script('new RegExp(`(?:${source})|(?!)`, "u").test(text)')
const sandbox = createContext({ source: '', text: '' })
/** What ECMAScript's own engine says; undefined where it goes back and back, which ours never does. */
function referenceOf(source: string, text: string): boolean | undefined {
  Object.assign(sandbox, { source, text })
  try {
    return Boolean(REFERENCE.runInContext(sandbox, { timeout: 50 }))
  } catch (error) {
    // of the other context's own kind, so no `instanceof`
    if (typeof error === 'object' && error !== null && 'code' in error) {
      expect(error.code).toBe('ERR_SCRIPT_EXECUTION_TIMEOUT')
      return undefined
    }
    throw error
  }
}

test('the reference is asked for no longer than it may take', () => {
  expect(referenceOf('^(?:a+)+$', `${'a'.repeat(60)}!`)).toBe(undefined)
})

test('a pattern matches what ECMAScript says that it matches', () => {
  const texts = fc.array(fc.constantFrom('a', 'b', '1', '\n', '😀'), { maxLength: 6 })
  fc.assert(
    fc.property(pattern, texts, (source, parts) => {
      const read = readPattern(source)
      fc.pre('value' in read)
      const text = parts.join('')
      const expected = referenceOf(source, text)
      fc.pre(expected !== undefined)
      expect(testOf(source, text)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})
