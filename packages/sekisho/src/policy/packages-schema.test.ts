import { expect, test } from 'vitest'
import type { PackagePlan } from '../wire/packages.ts'
import { parseAgentFile } from './agent-file.ts'
import { sessionPolicy } from './session-policy.ts'

const HEAD = 'version: 1\nname: x\n'
const read = (text: string): PackagePlan => parseAgentFile(HEAD + text, 'agents/x.yaml').packages

test('an agent file says what the package firewall does', () => {
  const text = `packages:
  typo: hold
  young: deny
  youngerThan: 12h
  ageUnknown: hold
  installScripts: deny
  unknown: allow
  establishedAfter: never
  exceptions:
    - { name: "@our-scope/*", reason: ours }
    - name: left-pad
      ecosystem: npm
      versions: [1.0.0]
      checks: [typo, young]
      owner: build
      reason: pinned
      expires: 2027-01-31
`
  expect(read(text)).toEqual({
    actions: {
      typo: 'hold',
      young: 'deny',
      ageUnknown: 'hold',
      installScripts: 'deny',
      unknown: 'allow',
    },
    youngMs: 12 * 3_600_000,
    establishedMs: null,
    exceptions: [
      {
        ecosystem: null,
        name: '@our-scope/*',
        versions: [],
        checks: ['unknown', 'young', 'ageUnknown', 'typo', 'installScripts'],
        expiresAtMs: null,
      },
      {
        ecosystem: 'npm',
        name: 'left-pad',
        versions: ['1.0.0'],
        checks: ['typo', 'young'],
        expiresAtMs: Date.parse('2027-02-01T00:00:00Z'),
      },
    ],
  })
})

test.for([
  ['an unknown key', 'packages: { typos: deny }', 'typos'],
  ['an unknown action', 'packages: { typo: ask }', 'packages.typo'],
  ['an exception without a reason', 'packages: { exceptions: [{ name: a }] }', 'reason'],
  ['an empty reason', 'packages: { exceptions: [{ name: a, reason: " " }] }', 'reason'],
  [
    'an exception for everything',
    'packages: { exceptions: [{ name: "**/x/y", reason: a }] }',
    'no name',
  ],
  [
    'a day that is none',
    'packages: { exceptions: [{ name: a, reason: b, expires: 2027-02-31 }] }',
    'day',
  ],
  [
    'an unknown check',
    'packages: { exceptions: [{ name: a, reason: b, checks: [age] }] }',
    'checks',
  ],
  ['a duration without a unit', 'packages: { youngerThan: "72" }', 'youngerThan'],
  [
    'a base that is no path',
    'rules: [{ id: a, effect: allow, host: a.example, packages: npm, packagesBase: "/a/**" }]',
    'registry begins',
  ],
  [
    'a base that is not canonical',
    'rules: [{ id: a, effect: allow, host: a.example, packages: npm, packagesBase: "/a/../b" }]',
    'registry begins',
  ],
  [
    'a base without a registry',
    'rules: [{ id: a, effect: allow, host: a.example, packagesBase: /a }]',
    'no registry',
  ],
] as const)('%s is refused', ([, text, want]) => {
  expect(() => read(`${text}\n`)).toThrow(want)
})

test('a rule carries where its registry begins', () => {
  const text = `rules:
  - { id: a, effect: allow, host: a.example, packages: npm, packagesBase: /api/npm }
`
  const { rules } = sessionPolicy(parseAgentFile(HEAD + text, 'agents/x.yaml'), [])
  expect(rules.map(({ options }) => options)).toEqual([
    { packages: 'npm', packagesBase: '/api/npm' },
  ])
})
