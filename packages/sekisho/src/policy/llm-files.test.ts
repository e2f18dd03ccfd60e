import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { NO_LLM_SETTINGS } from '../wire/llm.ts'
import { readCount, readUsd } from './amounts.ts'
import { parseBudgets } from './budgets-file.ts'
import { BUILT_IN_PROVIDERS, parseModels, providerLabels } from './models-file.ts'
import { parsePrices } from './prices-file.ts'

const SHIPPED = new URL('../../../../policy/', import.meta.url)
const shipped = (name: string): string => readFileSync(new URL(name, SHIPPED), 'utf8')
const known = { agents: ['coder'], users: ['ann'], teams: ['finance'] }
const providers = [...BUILT_IN_PROVIDERS]

const problemsOf = (parse: () => unknown): { message: string; hint: string | undefined } => {
  try {
    parse()
  } catch (error) {
    if (error instanceof SekishoError) return { message: error.message, hint: error.hint }
  }
  throw new Error('nothing was refused')
}

test('what is shipped is valid, covers models of each provider, and bounds nothing', () => {
  const prices = parsePrices(shipped('prices.yaml'), 'prices.yaml', { providers })
  expect(new Set(prices.map(({ provider }) => provider))).toEqual(new Set(BUILT_IN_PROVIDERS))
  for (const { input, cacheRead, cacheWriteLong, cacheWrite, above, output } of prices) {
    expect(cacheRead).toBeLessThanOrEqual(input)
    expect(cacheWriteLong ?? cacheWrite).toBeGreaterThanOrEqual(cacheWrite)
    expect(output).toBeGreaterThan(input)
    expect(above?.input ?? input).toBeGreaterThanOrEqual(input)
  }
  const { prices: _none, budgets: _no, ...settings } = NO_LLM_SETTINGS
  expect(parseModels(shipped('models.yaml'), 'models.yaml')).toEqual(settings)
  expect(parseBudgets(shipped('budgets.yaml'), 'budgets.yaml', known)).toEqual([])
})

test('what is commented as an example is valid as well', () => {
  const uncomment = (name: string, from: string, to: string): string => {
    const [, rest = ''] = shipped(name).split(`# ${from}:\n`)
    const lines = rest.split('\n')
    const end = lines.findIndex((line) => !line.startsWith('# '))
    const body = lines.slice(0, end).map((line) => line.slice(2))
    return `version: 1\n${to}:\n${body.join('\n')}\n`
  }
  const examples = uncomment('budgets.yaml', 'budgets', 'budgets')
  const all = parseBudgets(examples, 'b', { ...known, teams: ['research'] })
  expect(all.map(({ id }) => id)).toEqual(['session', 'user-month', 'opus'])
  expect(parseModels(uncomment('models.yaml', 'providers', 'providers'), 'm').providers).toEqual([
    {
      id: 'ollama',
      api: 'chat',
      flavour: 'native',
      scheme: 'http',
      host: 'ollama.internal',
      port: 11_434,
      basePath: '/v1',
    },
  ])
  const [alias] = parseModels(uncomment('models.yaml', 'aliases', 'aliases'), 'm').aliases
  expect(alias).toMatchObject({ name: 'fast', retries: 1, targets: [{ weight: 1 }, {}] })
})

test.for([
  ['5.00 USD', 5_000_000],
  ['0 USD', 0],
  ['0.000001 USD', 1],
  ['1234567890.5 USD', 1_234_567_890_500_000],
] as const)('%s is %d micro-USD', ([text, value]) => {
  expect(readUsd(text)).toEqual({ value })
})

test.for([
  ['$5', 'did you mean `5 USD`?'],
  ['5 usd', 'did you mean `5 USD`?'],
  ['5', 'did you mean `5 USD`?'],
  ['0.0000001 USD', 'write digits, at most six decimals, and USD'],
  ['-1 USD', 'write digits, at most six decimals, and USD'],
  ['1e3 USD', 'write digits, at most six decimals, and USD'],
  ['05 USD', 'did you mean `5 USD`?'],
  ['5,00 USD', 'write digits, at most six decimals, and USD'],
] as const)('%s is no amount', ([text, hint]) => {
  expect(readUsd(text)).toMatchObject({ hint })
})

test.for([
  ['2M', 2_000_000],
  ['500K', 500_000],
  ['0', 0],
  ['1G', 1_000_000_000],
] as const)('%s is %d', ([text, value]) => {
  expect(readCount(text)).toEqual({ value })
})

test.for(['2m', '1.5M', '', '-1', '999999999999G'] as const)('%s is no number', (text) => {
  expect(readCount(text)).toHaveProperty('problem')
})

const model = (text: string): string => `version: 1\n${text}\n`
const provider = (url: string): string => model(`providers: [{ id: p, api: chat, url: "${url}" }]`)

test.for([
  ['https://api.example.com', { scheme: 'https', port: 443, basePath: '' }],
  ['http://api.example.com:8000/openai/v1', { scheme: 'http', port: 8000, basePath: '/openai/v1' }],
] as const)('%s is a place', ([url, place]) => {
  expect(parseModels(provider(url), 'm').providers).toMatchObject([
    { host: 'api.example.com', ...place },
  ])
})

test.for([
  'ftp://api.example.com',
  'https://API.example.com',
  'https://10.0.0.1/v1',
  'https://[::1]/v1',
  'https://user@api.example.com',
  'https://api.example.com/v1/',
  'https://api.example.com/../v1',
  'https://api.example.com/.v1',
  'https://api.example.com//v1',
  'https://api.example.com/%76',
  'https://api.example.com?x=1',
  'https://api.example.com:0',
  'https://api.example.com:65536',
  'https://api.example.com:0443',
] as const)('%s is no place of a provider', (url) => {
  expect(problemsOf(() => parseModels(provider(url), 'm')).message).toContain(
    'is no URL of a provider',
  )
})

test.for([
  ['an unknown key', model('provider: []'), 'm.yaml:2:1: unknown key `provider`'],
  [
    'a built-in id',
    model('providers: [{ id: openai, api: chat, url: "https://x.example" }]'),
    'm.yaml:2:19: providers[0].id: `openai` is known already',
  ],
  [
    'two of one place',
    model(
      'providers:\n  - { id: a, api: chat, url: "https://x.example" }\n  - { id: b, api: messages, url: "https://x.example:443" }',
    ),
    'm.yaml:4:34: providers[1].url: `https://x.example:443` is taken by an earlier entry',
  ],
  [
    'an alias that leads nowhere',
    model('aliases:\n  - name: fast\n    targets: [{ provider: antropic, model: m }]'),
    'm.yaml:4:27: aliases[0].targets[0].provider: there is no provider `antropic`',
  ],
  [
    'two aliases of one name',
    model(
      'aliases:\n  - { name: a, targets: [{ provider: openai, model: m }] }\n  - { name: a, targets: [{ provider: openai, model: n }] }',
    ),
    'm.yaml:4:13: aliases[1].name: `a` is taken by an earlier entry',
  ],
  [
    'a redaction of what there is not',
    model('recording: { redact: [secrets] }'),
    'm.yaml:2:23: recording.redact[0]: `secrets` is no detector and no class of them',
  ],
] as const)('models.yaml: %s is refused with its place', ([, text, message]) => {
  expect(problemsOf(() => parseModels(text, 'm.yaml')).message).toBe(message)
})

const budget = (text: string): string =>
  `version: 1\nbudgets:\n  - { id: b, per: agent, ${text} }\n`

test('a budget is taken whole', () => {
  const text = budget(
    'of: { agent: coder, user: ann, team: finance, model: "claude-*" }, calendar: month, max: { money: 5.00 USD, tokens: 2M, input: 1, cacheRead: 2, cacheWrite: 3, output: 4, calls: 5 }',
  )
  expect(parseBudgets(text, 'b', known)).toEqual([
    {
      id: 'b',
      per: 'agent',
      of: { agent: 'coder', user: 'ann', team: 'finance', model: 'claude-*' },
      windowMs: null,
      calendar: 'month',
      max: {
        microUsd: 5_000_000,
        tokens: 2_000_000,
        input: 1,
        cacheRead: 2,
        cacheWrite: 3,
        output: 4,
        calls: 5,
      },
    },
  ])
})

test.for([
  ['nothing', 'max: {}', 'b.yaml:3:31: budgets[0].max: a budget of nothing'],
  [
    'a bare number',
    'max: { money: 5 }',
    'b.yaml:3:40: budgets[0].max.money: want an amount such as 5.00 USD, not `5`',
  ],
  [
    'a number of which there is no unit',
    'max: { tokens: 2Q }',
    'b.yaml:3:41: budgets[0].max.tokens: want a number such as 2M or 500K, not `2Q`',
  ],
  [
    'less than nothing',
    'max: { calls: -1 }',
    'b.yaml:3:40: budgets[0].max.calls: want a number such as 2M or 500K, not `-1`',
  ],
  [
    'two windows',
    'window: 1h, calendar: day, max: { calls: 1 }',
    'b.yaml:3:34: budgets[0].window: `window` and `calendar` say two things',
  ],
  [
    'nobody',
    'of: { agent: code }, max: { calls: 1 }',
    'b.yaml:3:39: budgets[0].of.agent: there is no agent `code`',
  ],
  [
    'no team',
    'of: { team: sales }, max: { calls: 1 }',
    'b.yaml:3:38: budgets[0].of.team: there is no group `sales`',
  ],
] as const)('budgets.yaml: a budget of %s is refused with its place', ([, text, message]) => {
  expect(problemsOf(() => parseBudgets(budget(text), 'b.yaml', known)).message).toBe(message)
})

test('the id that stands for a missing price is taken, and so is that of another budget', () => {
  const named = (...ids: string[]): string =>
    `version: 1\nbudgets:\n${ids.map((id) => `  - { id: ${id}, per: user, max: { calls: 1 } }\n`).join('')}`
  expect(problemsOf(() => parseBudgets(named('no-price'), 'b', known)).message).toContain(
    '`no-price` is no id of a budget',
  )
  expect(problemsOf(() => parseBudgets(named('a', 'a'), 'b', known)).message).toContain(
    '`a` is taken by an earlier entry',
  )
})

const price = (text: string): string =>
  `version: 1\nprices:\n  - { model: m, input: 1 USD, cacheRead: 1 USD, cacheWrite: 1 USD, output: 1 USD, maxOutputTokens: 8K, from: "2026-01-01"${text} }\n`

test.for([
  ['a provider that there is not', price(', provider: opnai'), 'there is no provider `opnai`'],
  ['a day that is none', price('').replace('2026-01-01', '2026-02-30'), 'want a day such as'],
  ['a model with a star within', price('').replace('model: m', 'model: "a*b"'), 'a `*` stands at'],
  ['a reply of no token', price('').replace('8K', '0'), 'at least one token'],
  [
    'the same model twice from one day',
    `${price('')}${price('').split('\n')[2] ?? ''}\n`,
    '`m from 2026-01-01` is taken',
  ],
] as const)('prices.yaml: %s is refused', ([, text, message]) => {
  expect(problemsOf(() => parsePrices(text, 'p', { providers })).message).toContain(message)
})

test('a host of a provider is labelled once, as the preset of one would be', () => {
  const { providers: two } = parseModels(
    model(
      'providers:\n  - { id: a, api: chat, url: "https://x.example/a" }\n  - { id: b, api: chat, url: "https://x.example/b" }',
    ),
    'm',
  )
  expect(providerLabels(two)).toEqual([
    {
      host: 'x.example',
      integrity: 'trusted',
      confidentiality: 'internal',
      external: true,
      groups: ['llm-providers'],
    },
  ])
})
