import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { policy } from './policy.ts'
import { said } from './testing/said.ts'

const AGENT = `version: 1
name: docs-bot
rules:
  - { id: stays, effect: allow, host: a.example }
  - { id: trial, effect: allow, host: a.example, expires: "2027-01-31", owner: docs, reason: a trial }
  - { id: today, effect: allow, host: a.example, expires: "2027-02-01" }
  - { id: next, effect: allow, host: a.example, expires: "2027-02-03" }
setup:
  rules: [{ id: far, effect: allow, host: a.example, expires: "2027-02-15" }]
`

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-check-'))
  vi.stubEnv('SEKISHO_HOME', home)
  vi.useFakeTimers({ now: new Date('2027-02-01T12:00:00Z'), toFake: ['Date'] })
  mkdirSync(join(home, 'policy/agents'), { recursive: true })
  writeFileSync(join(home, 'policy/agents/docs-bot.yaml'), AGENT)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

test('a check says which rules have expired or soon will', async () => {
  const { code, out } = await said(policy, 'check')
  expect({ code, out: out.filter((line) => !line.startsWith('  left out')) }).toEqual({
    code: 0,
    out: [
      expect.stringContaining('1 agents (docs-bot), 11 policies, sha256:'),
      '  docs-bot: rule trial expired on 2027-01-31 and allows nothing (docs: a trial)',
      '  docs-bot: rule today expires on 2027-02-01, today',
      '  docs-bot: rule next expires on 2027-02-03, in 2 days',
      '  docs-bot (setup): rule far expires on 2027-02-15, in 14 days',
      '  docs-bot reaches a.example (untrusted, public)',
    ],
  })
})

test('the same for a program', async () => {
  const { out } = await said(policy, 'check', '--json')
  expect(JSON.parse(out[0] ?? '')).toMatchObject({
    agents: ['docs-bot'],
    expiring: [
      { agent: 'docs-bot', phase: 'agent', rule: 'trial', daysLeft: -1, owner: 'docs' },
      { rule: 'today', daysLeft: 0 },
      { rule: 'next', daysLeft: 2 },
      { phase: 'setup', rule: 'far', daysLeft: 14 },
    ],
  })
})

test('a treatment of a detector that there is not is refused', async () => {
  const treated = `${AGENT}inspection: { treatments: { pii.crad: deny } }\n`
  writeFileSync(join(home, 'policy/agents/docs-bot.yaml'), treated)
  await expect(said(policy, 'check')).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: 'agent docs-bot: inspection: treatments: there is no detector `pii.crad`',
  })
})
