import { expect, test } from 'vitest'
import { diffPolicies } from './bundle-diff.ts'
import { loadPolicy } from './load-policy.ts'

async function load(tools: string): ReturnType<typeof loadPolicy> {
  return loadPolicy(new Map([['agents/bot.yaml', `version: 1\nname: bot\n${tools}`]]), [])
}

const SOME = `tools:
  serverTools: ["web_search*"]
  rules:
    - { id: git, effect: allow, tool: Bash, does: [shell], programs: [git, ls], expires: "2027-01-31" }
    - { id: loud, effect: allow, tool: Deploy, outside: external }
`

test('what an agent file says of tools differs rule by rule', async () => {
  const [none, some] = [await load(''), await load(SOME)]
  expect([
    ...diffPolicies(none, some),
    ...diffPolicies(some, await load(SOME.replace('git, ls', 'git'))),
    ...diffPolicies(some, await load(SOME)),
  ]).toEqual([
    {
      part: 'agent',
      name: 'bot',
      change: 'changed',
      detail: [
        'tools: - allow tools.any: any tool',
        'tools: + allow git: Bash does shell programs git ls until 2027-01-31',
        'tools: + allow loud: Deploy unknown {"effect":"external"}',
        'tools: + serverTools: web_search*',
      ],
    },
    {
      part: 'agent',
      name: 'bot',
      change: 'changed',
      detail: [
        'tools: - allow git: Bash does shell programs git ls until 2027-01-31',
        'tools: + allow git: Bash does shell programs git until 2027-01-31',
      ],
    },
  ])
})

test('budgets, prices, providers and what is kept of model calls are told one by one', async () => {
  const files = (budget: string, price: string, models: string): ReadonlyMap<string, string> =>
    new Map([
      ['agents/x.yaml', 'version: 1\nname: x\n'],
      [
        'budgets.yaml',
        `version: 1\nbudgets: [{ id: daily, per: user, max: { money: ${budget} } }]\n`,
      ],
      [
        'prices.yaml',
        `version: 1\nprices: [{ model: m, input: ${price}, cacheRead: 1 USD, cacheWrite: 1 USD, output: 1 USD, maxOutputTokens: 1K, from: "2026-01-01" }]\n`,
      ],
      ['models.yaml', `version: 1\n${models}\n`],
    ])
  const before = await loadPolicy(files('5 USD', '1 USD', 'unsupported: deny'), [])
  const after = await loadPolicy(files('9 USD', '0.50 USD', 'unsupported: pass'), [])
  expect(diffPolicies(before, after)).toEqual([
    {
      part: 'budget',
      name: 'daily',
      change: 'changed',
      detail: ['max: {"microUsd":5000000} → {"microUsd":9000000}'],
    },
    {
      part: 'price',
      name: '*:m from 2026-01-01',
      change: 'changed',
      detail: ['input: 1000000 → 500000'],
    },
    {
      part: 'settings',
      name: 'models.yaml',
      change: 'changed',
      detail: ['unsupported: "deny" → "pass"'],
    },
  ])
})
