import { expect, test } from 'vitest'
import { DEFAULT_ALERTS, parseAlerts } from './alerts-file.ts'

const parse = (text: string): ReturnType<typeof parseAlerts> => parseAlerts(text, 'alerts.yaml')

test('a file without rules has the defaults, or none', () => {
  expect(parse('version: 1\n')).toEqual(DEFAULT_ALERTS)
  expect(parse('version: 1\ndefaults: false\n')).toEqual([])
})

test('a rule is taken whole, and one of a default’s name stands in its place', () => {
  const rules = parse(`version: 1
rules:
  - name: egress.denied
    type: action.intent
    where:
      - {field: verdict.kind, equals: deny}
      - {field: action.host, present: true}
      - {field: action.port, atLeast: 1024}
      - {field: action.kind, oneOf: [net.connect]}
      - {field: action.host, startsWith: "evil."}
    severity: low
    threshold: 5
    window: 10m
    per: action.host
`)
  expect(rules).toHaveLength(DEFAULT_ALERTS.length)
  expect(rules.at(-1)).toEqual({
    name: 'egress.denied',
    type: 'action.intent',
    where: [
      { field: 'verdict.kind', is: { equals: 'deny' } },
      { field: 'action.host', is: { present: true } },
      { field: 'action.port', is: { atLeast: 1024 } },
      { field: 'action.kind', is: { oneOf: ['net.connect'] } },
      { field: 'action.host', is: { startsWith: 'evil.' } },
    ],
    severity: 'low',
    threshold: 5,
    windowMs: 600_000,
    per: 'action.host',
  })
})

const rule = (text: string): string => `version: 1\nrules:\n  - {name: a, type: alert, ${text}}\n`

test.for([
  [
    'alerts about alerts',
    'version: 1\nrules:\n  - {name: a, type: platform.alert}\n',
    'alerts about alerts',
  ],
  [
    'a type that no leaf has',
    'version: 1\nrules:\n  - {name: a, type: action.intend}\n',
    'no leaf has the type `action.intend`',
  ],
  [
    'two rules of a name',
    'version: 1\nrules:\n  - {name: a, type: alert}\n  - {name: a, type: gap}\n',
    'a second rule `a`',
  ],
  ['an unknown key', rule('treshold: 2'), 'treshold'],
  ['a threshold of nothing', rule('threshold: 0'), 'alerts.yaml:3'],
  ['a window without a unit', rule('window: "60"'), 'want a duration'],
  ['an unknown condition', rule('where: [{field: rule, matches: "a.*"}]'), 'alerts.yaml:3'],
  [
    'two conditions in one',
    rule('where: [{field: rule, equals: a, startsWith: b}]'),
    'alerts.yaml:3',
  ],
  ['a path that is none', rule('where: [{field: "a..b", equals: a}]'), 'alerts.yaml:3'],
] as const)('%s are refused with their place', ([, text, why]) => {
  expect(() => parse(text)).toThrow(why)
})
