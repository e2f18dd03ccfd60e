import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'
import { sessionPolicy } from './session-policy.ts'

function expand(rules: string): readonly string[] {
  const agent = parseAgentFile(`version: 1\nname: x\nrules:\n${rules}`, 'x.yaml')
  return sessionPolicy(agent, []).rules.map(
    ({ id, effect, scheme, host, port, methods, paths }) =>
      `${id}: ${effect} ${methods.join()} ${scheme}://${host}:${port}${paths.join()}`,
  )
}

test('an allow rule without scheme and ports is https at 443, to read', () => {
  expect(expand('  - { id: a, effect: allow, host: a.example }')).toEqual([
    'a: allow GET,HEAD,OPTIONS https://a.example:443',
  ])
})

test('http stands at 80', () => {
  expect(expand('  - { id: a, effect: allow, host: a.example, scheme: http }')).toEqual([
    'a: allow GET,HEAD,OPTIONS http://a.example:80',
  ])
})

test('a rule with several ports becomes a rule for each', () => {
  const rule =
    '{ id: a, effect: allow, host: a.example, ports: [1, 2], methods: [any], paths: [/p] }'
  expect(expand(`  - ${rule}`)).toEqual([
    'a: allow  https://a.example:1/p',
    'a: allow  https://a.example:2/p',
  ])
})

test('a deny rule that names no port holds wherever the file opens one', () => {
  const rules = [
    '  - { id: d, effect: deny, host: a.example }',
    '  - { id: a, effect: allow, host: a.example, ports: [443, 8443] }',
    '  - { id: b, effect: allow, host: b.example, scheme: http }',
    '  - { id: e, effect: deny, host: b.example, scheme: http, methods: [POST] }',
    '  - { id: f, effect: deny, host: a.example, ports: [8443], paths: [/p] }',
  ]
  expect(expand(rules.join('\n'))).toEqual([
    'a: allow GET,HEAD,OPTIONS https://a.example:443',
    'a: allow GET,HEAD,OPTIONS https://a.example:8443',
    'b: allow GET,HEAD,OPTIONS http://b.example:80',
    'd: deny  https://a.example:443',
    'd: deny  https://a.example:8443',
    'd: deny  http://a.example:80',
    'e: deny POST http://b.example:80',
    'f: deny  https://a.example:8443/p',
  ])
})

test('more rules than a gate takes are refused', () => {
  const ports = Array.from({ length: 16 }, (_, i) => i + 1).join()
  const rules = Array.from(
    { length: 700 },
    (_, i) => `  - { id: r${i}, effect: allow, host: h${i}.example, ports: [${ports}] }`,
  )
  expect(() => expand(rules.join('\n'))).toThrow(
    new SekishoError('CONFIG_INVALID', 'agent x comes to 11200 rules; a gate takes 10000', {
      hint: 'use wildcards, or fewer ports in a rule',
    }),
  )
})
