import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import { type PolicyRule, type RuleOptions, TREATMENTS } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'
import { mergeOptions } from './merge-options.ts'

function rule(
  id: string,
  options: RuleOptions | undefined,
  rest: Partial<PolicyRule> = {},
): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host: 'a.example',
    port: 443,
    methods: [],
    paths: [],
    ...(options === undefined ? {} : { options }),
    ...rest,
  }
}
const compile = (...rules: PolicyRule[]): ReturnType<typeof compilePolicy> =>
  compilePolicy({ rules }, () => 0)

const place = { host: 'a.example', port: 443, scheme: 'https' } as const
const socket: HttpRequestAction = {
  kind: 'http.request',
  ...place,
  method: 'GET',
  path: '/live',
  query: null,
  upgrade: 'websocket',
}

test('a WebSocket is allowed by the rules that grant one, and no other is named', () => {
  const policy = compile(rule('read', undefined), rule('live', { websocket: true }))
  expect(policy.decide(socket)).toEqual({ kind: 'allow', rules: ['live'] })
  expect(policy.decide({ ...socket, upgrade: undefined })).toEqual({
    kind: 'allow',
    rules: ['live', 'read'],
  })
})

test.for<[string, PolicyRule, ReturnType<ReturnType<typeof compilePolicy>['decide']>]>([
  [
    'of a rule that allows the request alone, and says how to allow it',
    rule('read', { maxBodyBytes: 9 }),
    {
      kind: 'deny',
      rules: ['invariant.upgrade'],
      reason:
        'rule read allows GET a.example/live but no WebSocket there; `websocket: true` in a rule allows one',
    },
  ],
  [
    'of a rule that says no',
    rule('read', { websocket: false }),
    {
      kind: 'deny',
      rules: ['invariant.upgrade'],
      reason:
        'rule read allows GET a.example/live but no WebSocket there; `websocket: true` in a rule allows one',
    },
  ],
  [
    'at another path than the granted one',
    rule('live', { websocket: true }, { paths: ['/other'] }),
    {
      kind: 'deny',
      rules: ['default'],
      reason: 'no rule allows GET a.example/live; rule live allows any method on /other',
    },
  ],
])('a WebSocket is denied %s', ([, only, want]) => {
  expect(compile(only).decide(socket)).toEqual(want)
})

test('a deny rule stops a WebSocket too', () => {
  const policy = compile(
    rule('live', { websocket: true }),
    rule('no', undefined, { effect: 'deny', paths: ['/live'] }),
  )
  expect(policy.decide(socket).rules).toEqual(['no'])
})

test('only the rules that allowed an action, at that very place, have a say in its options', () => {
  const policy = compile(
    rule('one', { maxBodyBytes: 1 }),
    rule('two', { uninspected: true }),
    rule('one', { withoutSni: true }, { port: 8443 }),
    rule('one', { packages: 'npm' }, { host: 'b.example' }),
  )
  expect(policy.optionsFor(place, ['one'])).toEqual({ maxBodyBytes: 1 })
  expect(policy.optionsFor(place, ['one', 'two'])).toEqual({ maxBodyBytes: 1, uninspected: true })
  expect(policy.optionsFor({ ...place, port: 8443 }, ['one'])).toEqual({ withoutSni: true })
  expect(policy.optionsFor({ ...place, host: 'b.example' }, ['one'])).toEqual({ packages: 'npm' })
  expect(policy.optionsFor({ ...place, host: 'c.example' }, ['one'])).toEqual({})
  expect(policy.optionsFor(place, ['three'])).toEqual({})
})

test('before there is a request, every rule of the port speaks', () => {
  const policy = compile(
    rule('one', { withoutSni: true }, { paths: ['/only'] }),
    rule('two', undefined, { port: 5432, scheme: 'tcp' }),
    rule('three', { withoutSni: true }, { host: '*.b.example' }),
    rule('no', undefined, { host: 'x.b.example', effect: 'deny' }),
  )
  const asked = ['a.example', 'x.b.example', 'y.b.example', 'c.example']
  expect(asked.map((host) => policy.openingOptions(host, 443))).toEqual([
    { withoutSni: true },
    {},
    { withoutSni: true },
    {},
  ])
  expect(policy.openingOptions('a.example', 5432)).toEqual({})
})

test('the rule of a path names the packages before the rule of the whole host', () => {
  const policy = compile(
    rule('all', { packages: 'npm' }),
    rule('below', { packages: 'pypi' }, { paths: ['/pypi/**'] }),
  )
  expect(policy.optionsFor(place, ['all', 'below']).packages).toBe('pypi')
  expect(policy.optionsFor(place, ['all']).packages).toBe('npm')
})

test('what is asked without end is remembered within bounds', () => {
  const policy = compile(rule('one', { maxBodyBytes: 1 }, { host: '*.a.example' }))
  const hosts = Array.from({ length: 5000 }, (_, i) => `h${i}.a.example`)
  for (const host of hosts) policy.optionsFor({ ...place, host }, ['one'])
  expect(policy.optionsFor({ ...place, host: 'h1.a.example' }, ['one'])).toEqual({
    maxBodyBytes: 1,
  })
})

const treatment = fc.constantFrom(...TREATMENTS)
const someOptions: fc.Arbitrary<RuleOptions> = fc.record(
  {
    websocket: fc.boolean(),
    withoutSni: fc.boolean(),
    uninspected: fc.boolean(),
    maxBodyBytes: fc.nat(),
    treatments: fc.dictionary(fc.constantFrom('canary', 'secret-format', 'pii.card'), treatment),
  },
  { requiredKeys: [] },
)

test('merged options grant what any grants, and treat as the strictest does, in any order', () => {
  fc.assert(
    fc.property(fc.array(someOptions, { minLength: 1, maxLength: 5 }), (all) => {
      const merged = mergeOptions(all)
      for (const grant of ['websocket', 'withoutSni', 'uninspected'] as const) {
        expect(merged[grant] === true).toBe(all.some((one) => one[grant] === true))
      }
      const sizes = all.flatMap(({ maxBodyBytes }) => maxBodyBytes ?? [])
      expect(merged.maxBodyBytes).toBe(sizes.length === 0 ? undefined : Math.max(...sizes))
      for (const key of new Set(all.flatMap((one) => Object.keys(one.treatments ?? {})))) {
        const ranks = all.flatMap((one) => {
          const asked = one.treatments?.[key]
          return asked === undefined ? [] : TREATMENTS.indexOf(asked)
        })
        expect(merged.treatments?.[key]).toBe(TREATMENTS[Math.max(...ranks)])
      }
      expect(mergeOptions(all.toReversed())).toEqual(merged)
    }),
  )
})

test.for<[string, RuleOptions, RuleOptions, RuleOptions]>([
  ['the worse effect counts', { effect: 'none' }, { effect: 'read' }, { effect: 'read' }],
  ['what a rule leaves out may be as bad as usual', { effect: 'none' }, {}, {}],
  ['and no worse than the worst', { effect: 'external' }, {}, { effect: 'external' }],
  [
    'the less reversible counts',
    { reversibility: 'reversible' },
    { reversibility: 'irreversible' },
    { reversibility: 'irreversible' },
  ],
  ['reversible beside nothing said is nothing said', { reversibility: 'reversible' }, {}, {}],
  ['the greater consequence counts', { consequence: 'high' }, {}, { consequence: 'high' }],
  [
    'one rule that keeps what was there is enough',
    { recovery: { method: 'PUT', path: null } },
    {},
    { recovery: { method: 'PUT', path: null } },
  ],
])('of two rules that say what a request does, %s', ([, a, b, expected]) => {
  expect(mergeOptions([a, b])).toEqual(expected)
  expect(mergeOptions([b, a])).toEqual(expected)
})
