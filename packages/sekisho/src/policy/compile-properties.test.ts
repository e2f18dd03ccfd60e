import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Action, HttpRequestAction } from '../core/action.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'

const get = {
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host: 'a.example',
  port: 443,
  path: '/',
  query: null,
} as const

function rule(id: string, host: string, rest: Partial<PolicyRule> = {}): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [],
    paths: [],
    ...rest,
  }
}

test('where rules disagree on what a port speaks, the encrypted one counts', () => {
  const both = compilePolicy(
    {
      rules: [
        rule('plain', 'a.example', { scheme: 'http', port: 8443 }),
        rule('secure', '*.example', { port: 8443 }),
      ],
    },
    () => 0,
  )
  expect(both.isPort('a.example', 8443)).toBe('https')
})

test('a verdict names no more rules than a log leaf holds', () => {
  const many = Array.from({ length: 1000 }, (_, i) => rule(`r${`${i}`.padStart(4, '0')}`, 'a.b'))
  const verdict = compilePolicy({ rules: many }, () => 0).decide({ ...get, host: 'a.b' })
  const rules = many.slice(0, 64).map(({ id }) => id)
  expect(verdict).toEqual({ kind: 'allow', rules })
})

const host = fc.constantFrom('a.example', 'b.a.example', 'c.example', '*.example', '*.a.example')
const someRule: fc.Arbitrary<PolicyRule> = fc.record({
  id: fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5'),
  effect: fc.constantFrom('allow', 'deny'),
  scheme: fc.constantFrom('http', 'https'),
  host,
  port: fc.constantFrom(80, 443),
  methods: fc.subarray(['GET', 'POST']),
  paths: fc.subarray(['/a/**', '/**/b', '/*/c', '/a%2Fb'], { maxLength: 2 }),
})
const someRules = fc.array(someRule, { maxLength: 8 })
const name = fc.constantFrom('a.example', 'b.a.example', 'c.example', 'x.invalid')
const someAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('http.request'),
      scheme: fc.constantFrom('http', 'https'),
      method: fc.constantFrom('GET', 'POST'),
      host: name,
      port: fc.constantFrom(80, 443),
      path: fc.constantFrom('/', '/a', '/a/b', '/a%2Fb', '/x/c', '/a/../b', '//a/b', '/a;x/b'),
      query: fc.constant(null),
    }),
  },
  fc.record({ kind: fc.constant('dns.resolve'), name, type: fc.constant('A') }),
  fc.record({
    kind: fc.constant('net.connect'),
    transport: fc.constant('tcp'),
    address: fc.constant('198.18.0.1'),
    port: fc.constantFrom(80, 443, 22),
    host: fc.option(name),
  }),
)

test('the order of the rules never shows in a verdict', () => {
  const shuffled = someRules.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
    ),
  )
  fc.assert(
    fc.property(shuffled, someAction, ([list, other], action) => {
      const verdict = compilePolicy({ rules: list }, () => 0).decide(action)
      expect(compilePolicy({ rules: other }, () => 0).decide(action)).toEqual(verdict)
    }),
    { numRuns: 2000 },
  )
})

test('a canonical path never falls through the tree of paths', () => {
  // Every segment that the tree branches on, and its encoded and wildcard neighbours.
  const segment = fc.constantFrom('a', 'b', 'a%2Fb', '*', '', 'a;b')
  const segments = fc.array(segment, { minLength: 1, maxLength: 4 })
  const glob = fc.array(fc.constantFrom('a', 'b', 'a%2Fb', '*', '**', 'a*'), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(glob, fc.array(glob, { maxLength: 4 }), segments, (one, others, path) => {
      const action = { ...get, path: `/${path.join('/')}` }
      const toRule = (parts: readonly string[], id: string): PolicyRule =>
        rule(id, 'a.example', { paths: [`/${parts.join('/')}`] })
      const alone = compilePolicy({ rules: [toRule(one, 'one')] }, () => 0).decide(action)
      const list = [...others.map((parts) => toRule(parts, 'other')), toRule(one, 'one')]
      const among = compilePolicy({ rules: list }, () => 0).decide(action)
      expect(among.rules.includes('one')).toBe(alone.kind === 'allow')
    }),
    { numRuns: 3000 },
  )
})

test('another deny rule never turns a denial into an allowance', () => {
  const denial = someRule.map((one): PolicyRule => ({ ...one, effect: 'deny' }))
  fc.assert(
    fc.property(someRules, denial, someAction, (list, more, action) => {
      const before = compilePolicy({ rules: list }, () => 0).decide(action).kind
      const after = compilePolicy({ rules: [...list, more] }, () => 0).decide(action).kind
      expect([before, after]).not.toEqual(['deny', 'allow'])
    }),
    { numRuns: 2000 },
  )
})

test('another allow rule never turns an allowance into a denial', () => {
  const grant = someRule.map((one): PolicyRule => ({ ...one, effect: 'allow' }))
  fc.assert(
    fc.property(someRules, grant, someAction, (list, more, action) => {
      fc.pre(action.kind !== 'net.connect') // a port speaks one scheme: see isPort
      const before = compilePolicy({ rules: list }, () => 0).decide(action).kind
      const after = compilePolicy({ rules: [...list, more] }, () => 0).decide(action).kind
      expect([before, after]).not.toEqual(['allow', 'deny'])
    }),
    { numRuns: 2000 },
  )
})

test('an allowed request goes to a name that resolves and a port that may be dialled', () => {
  fc.assert(
    fc.property(someRules, someAction, (list, action) => {
      const policy = compilePolicy({ rules: list }, () => 0)
      if (action.kind !== 'http.request' || policy.decide(action).kind !== 'allow') return
      expect(policy.mayReach(action.host)).toBe(true)
      expect(policy.isPort(action.host, action.port)).toBeDefined()
    }),
    { numRuns: 2000 },
  )
})

/** The meaning, written for clarity, for paths that every server reads alike. */
function decideByDefinition(list: readonly PolicyRule[], action: HttpRequestAction): string {
  const matching = list.filter(
    (one) =>
      (one.host.startsWith('*.')
        ? action.host.endsWith(one.host.slice(1))
        : one.host === action.host) &&
      one.scheme === action.scheme &&
      one.port === action.port &&
      (one.methods.length === 0 || one.methods.includes(action.method)) &&
      (one.paths.length === 0 || one.paths.some((glob) => PLAIN[glob]?.test(action.path))),
  )
  if (matching.some((one) => one.effect === 'deny')) return 'deny'
  return matching.length > 0 ? 'allow' : 'deny'
}

const PLAIN: Readonly<Record<string, RegExp>> = {
  '/a/**': /^\/a(?:\/.*)?$/,
  '/**/b': /^\/(?:.*\/)?b$/,
  '/*/c': /^\/[^/]*\/c$/,
  '/x': /^\/x$/,
}

test('compiled rules decide as the definition does', () => {
  const plainRule = fc
    .tuple(someRule, fc.subarray(Object.keys(PLAIN), { maxLength: 2 }))
    .map(([one, paths]): PolicyRule => ({ ...one, paths }))
  const plainAction = fc.record({
    kind: fc.constant('http.request' as const),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    method: fc.constantFrom('GET', 'POST'),
    host: name,
    port: fc.constantFrom(80, 443),
    path: fc.constantFrom('/', '/a', '/a/b', '/x', '/x/c', '/a/c', '/b', '/x/y/b'),
    query: fc.constant(null),
  })
  fc.assert(
    fc.property(fc.array(plainRule, { maxLength: 8 }), plainAction, (list, action) => {
      const want = decideByDefinition(list, action)
      expect(compilePolicy({ rules: list }, () => 0).decide(action).kind).toBe(want)
    }),
    { numRuns: 5000 },
  )
})

const endMs = fc.constantFrom(undefined, 1_000, 2_000, 3_000)
const mortalRules = fc.array(
  fc.tuple(someRule, endMs).map(([one, expiresAtMs]): PolicyRule => ({ ...one, expiresAtMs })),
  { maxLength: 8 },
)

test('time alone never allows anything, and what it decides is what the standing rules say', () => {
  const times = fc.array(fc.constantFrom(0, 999, 1_000, 2_500, 9_000), { maxLength: 4 })
  fc.assert(
    fc.property(mortalRules, someAction, times, (list, action, passing) => {
      let nowMs = 0
      const policy = compilePolicy({ rules: list }, () => nowMs)
      let before = policy.decide(action).kind
      for (const timeMs of passing.toSorted((a, b) => a - b)) {
        nowMs = timeMs
        const { kind } = policy.decide(action)
        expect([before, kind]).not.toEqual(['deny', 'allow'])
        const standing = list
          .filter((one) => one.effect === 'deny' || timeMs < (one.expiresAtMs ?? Infinity))
          .map((one) => ({ ...one, expiresAtMs: undefined }))
        expect(kind).toBe(compilePolicy({ rules: standing }, () => 0).decide(action).kind)
        before = kind
      }
    }),
    { numRuns: 2000 },
  )
})

test('a WebSocket is allowed only where the same request is, and only by rules that grant one', () => {
  const granting = fc
    .tuple(someRule, fc.boolean())
    .map(([one, websocket]): PolicyRule => ({ ...one, options: { websocket } }))
  fc.assert(
    fc.property(fc.array(granting, { maxLength: 8 }), someAction, (list, action) => {
      if (action.kind !== 'http.request') return
      const policy = compilePolicy({ rules: list }, () => 0)
      const asked = policy.decide({ ...action, upgrade: 'websocket' })
      if (asked.kind !== 'allow') return
      expect(policy.decide(action).kind).toBe('allow')
      for (const id of asked.rules) {
        expect(list.some((one) => one.id === id && one.options?.websocket === true)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})
