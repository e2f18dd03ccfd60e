import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import type { PolicyRule } from '../wire/policy.ts'
import { compilePolicy } from './compile.ts'

const END_OF_JANUARY_MS = Date.UTC(2027, 1, 1)

function rule(id: string, host: string, rest: Partial<PolicyRule> = {}): PolicyRule {
  const base = { effect: 'allow', scheme: 'https', port: 443 } as const
  return { ...base, methods: [], paths: [], ...rest, id, host }
}

const rules = [
  rule('trial', 'a.example', { expiresAtMs: END_OF_JANUARY_MS, methods: ['GET'] }),
  rule('later', 'a.example', { expiresAtMs: END_OF_JANUARY_MS + 86_400_000, paths: ['/x'] }),
  rule('stays', 'b.example'),
  rule('never', 'b.example', { effect: 'deny', paths: ['/no'], expiresAtMs: END_OF_JANUARY_MS }),
]

const get = (host: string, path = '/'): HttpRequestAction => ({
  kind: 'http.request',
  scheme: 'https',
  method: 'GET',
  host,
  port: 443,
  path,
  query: null,
})
const connect = {
  kind: 'net.connect',
  transport: 'tcp',
  address: '198.18.0.7',
  port: 443,
  host: 'a.example',
} as const

function atTime(startMs: number): {
  policy: ReturnType<typeof compilePolicy>
  set: (ms: number) => void
} {
  let nowMs = startMs
  return {
    policy: compilePolicy({ rules }, () => nowMs),
    set: (ms) => {
      nowMs = ms
    },
  }
}

test('a rule allows through its last day and not one millisecond longer', () => {
  const { policy, set } = atTime(END_OF_JANUARY_MS - 1)
  expect(policy.decide(get('a.example'))).toEqual({ kind: 'allow', rules: ['trial'] })
  set(END_OF_JANUARY_MS)
  expect(policy.decide(get('a.example'))).toEqual({
    kind: 'deny',
    rules: ['trial'],
    reason: 'rule trial expired on 2027-01-31, and no other allows GET a.example/',
  })
})

test('each rule expires on its own day, and a name with none left does not resolve', () => {
  const { policy, set } = atTime(END_OF_JANUARY_MS)
  expect(policy.decide(get('a.example', '/x'))).toEqual({ kind: 'allow', rules: ['later'] })
  expect([policy.mayReach('a.example'), policy.isPort('a.example', 443)]).toEqual([true, 'https'])
  set(END_OF_JANUARY_MS + 86_400_000)
  expect([policy.mayReach('a.example'), policy.isPort('a.example', 443)]).toEqual([
    false,
    undefined,
  ])
  expect(policy.decide({ kind: 'dns.resolve', name: 'a.example', type: 'A' })).toEqual({
    kind: 'deny',
    rules: ['later', 'trial'],
    reason: 'rule later expired on 2027-02-01 (and 1 more have), and no other allows a.example',
  })
  expect(policy.decide(connect)).toEqual({
    kind: 'deny',
    rules: ['later', 'trial'],
    reason:
      'rule later expired on 2027-02-01 (and 1 more have), and no other allows port 443 of a.example',
  })
})

test('what an expired rule never allowed is denied as ever', () => {
  const { policy } = atTime(END_OF_JANUARY_MS + 86_400_000)
  expect(policy.decide({ ...get('a.example'), method: 'POST' }).rules).toEqual(['default'])
  expect(policy.decide({ ...connect, port: 8443 }).rules).toEqual(['default'])
})

test('a deny rule goes on denying', () => {
  const { policy } = atTime(END_OF_JANUARY_MS * 2)
  expect(policy.decide(get('b.example', '/no'))).toEqual({
    kind: 'deny',
    rules: ['never'],
    reason: 'rule never denies GET b.example/no',
  })
})

test('a clock that is set back brings no rule back', () => {
  const { policy, set } = atTime(END_OF_JANUARY_MS)
  expect(policy.decide(get('a.example')).kind).toBe('deny')
  set(0)
  expect(policy.decide(get('a.example')).kind).toBe('deny')
})

test('a policy without an end is decided without asking for the time', () => {
  let asked = 0
  const policy = compilePolicy({ rules: [rule('stays', 'b.example')] }, () => {
    asked += 1
    return 0
  })
  const before = asked
  policy.decide(get('b.example'))
  expect(asked).toBe(before)
})
