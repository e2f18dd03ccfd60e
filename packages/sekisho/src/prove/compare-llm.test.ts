import { expect, test } from 'vitest'
import {
  type LlmBudget,
  type LlmFilter,
  type LlmSettings,
  type ModelPrice,
  NO_LLM_SETTINGS,
} from '../wire/llm.ts'
import { compareLlm } from './compare-llm.ts'

const settings = (over: Partial<LlmSettings>): LlmSettings => ({ ...NO_LLM_SETTINGS, ...over })
const budget = (over: Partial<LlmBudget> = {}): LlmBudget => ({
  id: 'b',
  per: 'user',
  of: {},
  windowMs: null,
  max: { microUsd: 5, calls: 3 },
  ...over,
})
const price = (over: Partial<ModelPrice> = {}): ModelPrice => ({
  model: 'm',
  provider: null,
  input: 1,
  cacheRead: 1,
  cacheWrite: 1,
  output: 1,
  maxOutputTokens: 1,
  from: '2026-01-01',
  ...over,
})
const provider = {
  id: 'p',
  api: 'chat',
  flavour: 'native',
  scheme: 'https',
  host: 'x.example',
  port: 443,
  basePath: '',
} as const

const filter: LlmFilter = {
  id: 'f',
  kind: 'model-armor',
  host: 'armor.example',
  port: 443,
  basePath: '/v1/x',
  credential: { kind: 'env', variable: 'KEY' },
  channels: ['user'],
  minPermille: 500,
  onMatch: 'deny',
  timeoutMs: 3000,
  onFailure: 'deny',
}
const SENT = (is: string): string =>
  `not-proven: filter f ${is}: armor.example is sent texts of calls of models`

test.for<[string, Partial<LlmSettings>, Partial<LlmSettings>, string[]]>([
  ['a filter more', {}, { filters: [filter] }, [SENT('is new')]],
  ['a filter less', { filters: [filter] }, {}, ['wider: filter f is gone']],
  ['the same filter', { filters: [filter] }, { filters: [filter] }, []],
  [
    'a filter that does otherwise',
    { filters: [filter] },
    { filters: [{ ...filter, onMatch: 'label' }] },
    [SENT('is another')],
  ],
  ['nothing', { budgets: [budget()] }, { budgets: [budget()] }, []],
  ['a budget less', { budgets: [budget()] }, {}, ['wider: budget b is gone']],
  ['a budget more', {}, { budgets: [budget()] }, ['narrower: budget b is new']],
  [
    'a budget that is raised here and lowered there',
    { budgets: [budget()] },
    { budgets: [budget({ max: { microUsd: 6, calls: 2 } })] },
    [
      'wider: budget b has its maximum of microUsd at 6, not 5',
      'narrower: budget b has its maximum of calls at 2, not 3',
    ],
  ],
  [
    'a bound less and a bound more',
    { budgets: [budget({ max: { calls: 3 } })] },
    { budgets: [budget({ max: { output: 7 } })] },
    [
      'narrower: budget b has its maximum of output at 7, not none',
      'wider: budget b has its maximum of calls at none, not 3',
    ],
  ],
  [
    'a budget of others',
    { budgets: [budget()] },
    { budgets: [budget({ of: { model: 'm' } })] },
    ['not-proven: budget b counts otherwise'],
  ],
  [
    'prices that are higher',
    { prices: [price()] },
    { prices: [price({ output: 2 })] },
    ['narrower: prices of models are higher'],
  ],
  [
    'a price that is lower for what a cache keeps longer',
    { prices: [price({ cacheWriteLong: 2 })] },
    { prices: [price()] },
    ['not-proven: prices of models, by which budgets are used up, are others'],
  ],
  [
    'a price more',
    { prices: [price()] },
    { prices: [price(), price({ model: 'n' })] },
    ['not-proven: prices of models, by which budgets are used up, are others'],
  ],
  [
    'models without a price are refused',
    {},
    { missingPrice: 'refuse' },
    ['narrower: models without a price are refused'],
  ],
  [
    'models without a price are called',
    { missingPrice: 'refuse' },
    {},
    ['wider: models without a price are called'],
  ],
  [
    'what nobody can look into passes',
    {},
    { unsupported: 'pass' },
    ['wider: what nobody can look into in calls of models passes'],
  ],
  [
    'what nobody can look into is refused',
    { unsupported: 'pass' },
    {},
    ['narrower: what nobody can look into in calls of models is refused'],
  ],
  [
    'less to do about secrets in replies',
    { replies: { secrets: 'redact' } },
    { replies: { secrets: 'record' } },
    ['wider: secrets in what models write: record, not redact'],
  ],
  [
    'more to do about secrets in replies',
    {},
    { replies: { secrets: 'record' } },
    ['narrower: secrets in what models write: record, not pass'],
  ],
  ['a provider', {}, { providers: [provider] }, ['not-proven: providers of models are others']],
  [
    'an alias',
    {},
    { aliases: [{ name: 'a', strategy: 'fallback', targets: [], retries: 0 }] },
    ['not-proven: names that stand for models lead elsewhere'],
  ],
  [
    'what is kept',
    {},
    { recording: { mode: 'digest', days: 1, redact: [] } },
    ['not-proven: what is kept of calls of models is another'],
  ],
])('what it means when there is %s', ([, before, after, changes]) => {
  expect(
    compareLlm(settings(before), settings(after)).map(({ change, why }) => `${change}: ${why}`),
  ).toEqual(changes)
})
