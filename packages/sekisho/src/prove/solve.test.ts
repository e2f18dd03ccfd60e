import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { findText } from './find-text.ts'
import {
  hostLanguage,
  type Language,
  languageRegExp,
  likeLanguage,
  pathLanguage,
} from './language.ts'
import { solve } from './solve.ts'
import { and, equal, match, not, or, string, type Term, variable } from './term.ts'
import { Z3 } from './z3.ts'

let z3: Z3
beforeAll(async () => {
  z3 = await Z3.open()
})
afterAll(() => z3.close())

const [a, b, c] = ['a', 'b', 'c'].map((name) => variable(name, 'String'))
const texts = [a, b, c].filter((text) => text !== undefined)
const now = (): number => performance.now()

function solved(...assertions: Term[]): ReturnType<typeof solve> {
  return solve(assertions, { ask: z3.ask, timeoutMs: 60_000, now })
}

const language: fc.Arbitrary<Language> = fc.oneof(
  fc
    .array(
      fc.oneof(
        fc.constant('Wildcard' as const),
        fc.constantFrom('a', 'b').map((Literal) => ({ Literal })),
      ),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .map(likeLanguage),
  fc
    .array(fc.constantFrom('a', 'b', '*', '**', 'a*', '*b'), { minLength: 1, maxLength: 3 })
    .map((segments) => pathLanguage(`/${segments.join('/')}`)),
)

test('a text that is found is in what it must be in and in nothing else', () => {
  const languages = fc.array(language, { maxLength: 3 })
  fc.assert(
    fc.property(
      languages,
      languages,
      fc.string({ unit: fc.constantFrom('a', 'b', '/', 'x') }),
      (yes, no, guess) => {
        const isRight = (text: string): boolean =>
          yes.every((l) => languageRegExp(l).test(text)) &&
          !no.some((l) => languageRegExp(l).test(text))
        const found = findText(yes, no)
        if (found.kind === 'found') expect(isRight(found.text)).toBe(true)
        else expect(isRight(guess)).toBe(false)
      },
    ),
    { numRuns: 500 },
  )
})

test('what is settled is what z3’s own theory of texts says', async () => {
  const atom = fc.oneof(
    fc.tuple(fc.constantFrom(...texts), language).map(([text, l]) => match(text, l)),
    fc
      .tuple(fc.constantFrom(...texts), fc.constantFrom('', '/a', 'ab', '/a/b'))
      .map(([text, value]) => equal(text, string(value))),
    fc.tuple(fc.constantFrom(...texts), fc.constantFrom(...texts)).map(([x, y]) => equal(x, y)),
  )
  const literal = fc.tuple(atom, fc.boolean()).map(([term, yes]) => (yes ? term : not(term)))
  const clause = fc.array(literal, { minLength: 1, maxLength: 2 }).map((terms) => or(...terms))
  const seen = { possible: 0, impossible: 0 }
  await fc.assert(
    fc.asyncProperty(fc.array(clause, { minLength: 1, maxLength: 7 }), async (clauses) => {
      const got = await solved(and(...clauses))
      if (got.kind === 'unknown') expect(got.why).toMatch('more texts are needed')
      if (got.kind === 'unknown') return
      seen[got.kind] += 1
      if (got.kind === 'possible') return // checked by itself
      const oracle = await z3.ask(clauses, { timeoutMs: 60_000, detail: 'exact' })
      expect(oracle.kind).toMatch(/^(?:unsatisfiable|unknown)$/)
    }),
    { numRuns: 80, seed: 3 },
  )
  expect(seen.possible).toBeGreaterThan(20)
  expect(seen.impossible).toBeGreaterThan(5)
})

test('a host below a name that is denied is denied in its whole', async () => {
  const host = variable('host', 'String')
  expect(
    await solved(
      match(host, hostLanguage('*.a.example')),
      not(match(host, hostLanguage('*.example'))),
    ),
  ).toEqual({ kind: 'impossible' })
  expect(
    await solved(
      match(host, hostLanguage('*.example')),
      not(match(host, hostLanguage('*.a.example'))),
    ),
  ).toEqual({ kind: 'possible', assignment: new Map([['host', '.example']]) })
})

test('a constant that alone is left by patterns is found', async () => {
  const path = variable('path', 'String')
  const onlyA = [match(path, pathLanguage('/a/**')), not(match(path, pathLanguage('/a/*/**')))]
  const [yes, no] = [variable('yes', 'Bool'), variable('no', 'Bool')]
  const mentioned = [or(equal(path, string('/a')), yes), or(equal(path, string('/b')), no)]
  for (const more of [[], [yes], [no], [yes, no]]) {
    const answer = await solved(...onlyA, ...mentioned, ...more)
    expect(answer.kind === 'possible' && answer.assignment.get('path')).toBe('/a')
  }
  expect(await solved(...onlyA, not(equal(path, string('/a'))))).toEqual({ kind: 'impossible' })
})

test('two texts that differ are not given one value', async () => {
  const [one, other] = [variable('one', 'String'), variable('other', 'String')]
  const pattern = pathLanguage('/a/*')
  const answer = await solved(match(one, pattern), match(other, pattern), not(equal(one, other)))
  const values = answer.kind === 'possible' ? [...answer.assignment.values()] : []
  expect(values).toHaveLength(2)
  expect(new Set(values).size).toBe(2)
})

test('a hundred patterns are settled in time', async () => {
  const path = variable('path', 'String')
  const patterns = Array.from({ length: 100 }, (_, i) => pathLanguage(`/api/v${i % 7}/r${i}/**`))
  const outside = patterns.map((l) => not(match(path, l)))
  const answer = await solved(match(path, pathLanguage('/api/v3/**')), ...outside)
  expect(answer.kind).toBe('possible')
  const within = await solved(match(path, pathLanguage('/api/v3/r3/x/**')), ...outside)
  expect(within).toEqual({ kind: 'impossible' })
})
