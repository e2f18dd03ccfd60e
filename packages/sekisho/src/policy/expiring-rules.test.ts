import { expect, test } from 'vitest'
import { parseAgentFile } from './agent-file.ts'
import { expiringRules } from './expiring-rules.ts'

const agent = parseAgentFile(
  `version: 1
name: x
rules:
  - { id: stays, effect: allow, host: a.example }
  - { id: far, effect: allow, host: a.example, expires: "2027-02-15" }
  - { id: soon, effect: allow, host: a.example, expires: "2027-02-14", owner: docs, reason: trial }
  - { id: today, effect: allow, host: a.example, expires: "2027-01-31" }
tools:
  rules: [{ id: bash, effect: allow, tool: Bash, expires: "2027-02-01" }]
setup:
  rules: [{ id: over, effect: allow, host: a.example, expires: "2027-01-30" }]
`,
  'x.yaml',
)

test.for([
  ['at the first moment of a day', Date.UTC(2027, 0, 31)],
  ['at the last', Date.UTC(2027, 1, 1) - 1],
] as const)('rules that are over or soon will be, %s', ([, nowMs]) => {
  const none = { agent: 'x', owner: '', reason: '' }
  expect(expiringRules([agent], nowMs, 14)).toEqual([
    { ...none, phase: 'setup', rule: 'over', lastDay: '2027-01-30', daysLeft: -1 },
    { ...none, phase: 'agent', rule: 'today', lastDay: '2027-01-31', daysLeft: 0 },
    { ...none, phase: 'agent', rule: 'bash', lastDay: '2027-02-01', daysLeft: 1 },
    {
      agent: 'x',
      phase: 'agent',
      rule: 'soon',
      lastDay: '2027-02-14',
      daysLeft: 14,
      owner: 'docs',
      reason: 'trial',
    },
  ])
})
