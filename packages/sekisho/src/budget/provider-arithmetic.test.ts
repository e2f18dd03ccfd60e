import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { ModelApi } from '../core/action.ts'
import { usageOf } from '../llm/hold/usage-of.ts'
import { parsePrices } from '../policy/prices-file.ts'
import { costOf } from './cost.ts'
import { formatMicroUsd } from './money.ts'
import { priceAt, priceFor } from './price-list.ts'

const SHIPPED = new URL('../../../../policy/prices.yaml', import.meta.url)
const PRICES = parsePrices(readFileSync(SHIPPED, 'utf8'), 'prices.yaml', {
  providers: ['anthropic', 'openai', 'google'],
})

type Row = {
  name: string
  provider: string
  api: ModelApi
  model: string
  day?: string
  tiers?: string[]
  /** as replies have it, totals, parts of parts and all */
  usage: object
  /** by the provider's own rules, done by hand in USD */
  cost: string
}

test.for<Row>([
  {
    // 21×3 + 188,086×0.30 + (148×3.75 + 100×6) + 393×15, per million
    name: 'Anthropic with a cache of five minutes and one of an hour',
    provider: 'anthropic',
    api: 'messages',
    model: 'claude-sonnet-4-6',
    usage: {
      input_tokens: 21,
      cache_creation_input_tokens: 248,
      cache_read_input_tokens: 188_086,
      cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      output_tokens: 393,
      service_tier: 'standard',
    },
    cost: '0.063539 USD', // 0.0635388
  },
  {
    // cheap up to 100,000 tokens of prompt, of all classes: 4,000×0.10 + 96,000×0.01 + 1,000×0.50
    name: 'Anthropic at the edge of a longer prompt',
    provider: 'anthropic',
    api: 'messages',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 4000, cache_read_input_tokens: 96_000, output_tokens: 1000 },
    cost: '0.00186 USD',
  },
  {
    // one more token, and all of it at the other price: 4,001×0.50 + 96,000×0.05 + 1,000×2.50
    name: 'Anthropic behind it',
    provider: 'anthropic',
    api: 'messages',
    model: 'claude-haiku-5-5',
    usage: { input_tokens: 4001, cache_read_input_tokens: 96_000, output_tokens: 1000 },
    cost: '0.009301 USD', // 0.0093005
  },
  {
    // 10,000×2 + 90,000×0.20 + 500×10
    name: 'Anthropic by the price of the day before a cut',
    provider: 'anthropic',
    api: 'messages',
    model: 'claude-sonnet-5-5',
    day: '2026-10-06',
    usage: { input_tokens: 10_000, cache_read_input_tokens: 90_000, output_tokens: 500 },
    cost: '0.043 USD',
  },
  {
    // 10,000×2 + 90,000×0.10 + 500×10
    name: 'Anthropic by the price of that day',
    provider: 'anthropic',
    api: 'messages',
    model: 'claude-sonnet-5-5',
    day: '2026-10-07',
    usage: { input_tokens: 10_000, cache_read_input_tokens: 90_000, output_tokens: 500 },
    cost: '0.034 USD',
  },
  {
    // cached and written tokens are inside input_tokens: (2,006−1,920−50)×2 + 1,920×0.10 + 50×2.50 + 300×10
    name: 'OpenAI Responses, with reasoning inside the output',
    provider: 'openai',
    api: 'responses',
    model: 'gpt-6.1-sol-2026-09-29',
    usage: {
      input_tokens: 2006,
      input_tokens_details: { cached_tokens: 1920, cache_write_tokens: 50 },
      output_tokens: 300,
      output_tokens_details: { reasoning_tokens: 256 },
      total_tokens: 2306,
    },
    cost: '0.003389 USD',
  },
  {
    // twice that
    name: 'OpenAI Responses in the fast tier',
    provider: 'openai',
    api: 'responses',
    model: 'gpt-6.1-sol',
    tiers: ['priority'],
    usage: {
      input_tokens: 2006,
      input_tokens_details: { cached_tokens: 1920, cache_write_tokens: 50 },
      output_tokens: 300,
      total_tokens: 2306,
    },
    cost: '0.006778 USD',
  },
  {
    // more than 272,000 tokens: twice the input, one and a half times the output
    name: 'OpenAI Responses with a long prompt',
    provider: 'openai',
    api: 'responses',
    model: 'gpt-6.2-sol',
    usage: {
      input_tokens: 300_000,
      input_tokens_details: { cached_tokens: 250_000 },
      output_tokens: 2000,
      total_tokens: 302_000,
    },
    cost: '0.28 USD', // 50,000×4 + 250,000×0.20 + 2,000×15
  },
  {
    // (1,117−1,024)×2 + 1,024×0.50 + 46×8
    name: 'OpenAI Chat',
    provider: 'openai',
    api: 'chat',
    model: 'gpt-4.1-2025-04-14',
    usage: {
      prompt_tokens: 1117,
      completion_tokens: 46,
      total_tokens: 1163,
      prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
    },
    cost: '0.001066 USD',
  },
  {
    // thinking is output: (12,000−8,000)×1.25 + 8,000×0.31 + (900+3,100)×10
    name: 'Gemini with thoughts',
    provider: 'google',
    api: 'gemini',
    model: 'gemini-2.5-pro',
    usage: {
      promptTokenCount: 12_000,
      cachedContentTokenCount: 8000,
      candidatesTokenCount: 900,
      thoughtsTokenCount: 3100,
      totalTokenCount: 16_000,
    },
    cost: '0.04748 USD',
  },
  {
    // 250,000×4 + 1,000×18
    name: 'Gemini with a long prompt',
    provider: 'google',
    api: 'gemini',
    model: 'gemini-3.1-pro-preview',
    usage: { promptTokenCount: 250_000, candidatesTokenCount: 1000, totalTokenCount: 251_000 },
    cost: '1.018 USD',
  },
])('$name', ({ provider, api, model, day = '2026-11-22', tiers = [], usage, cost }) => {
  const price = priceFor(PRICES, { provider, model, day })
  const read = usageOf(api, usage)
  const at = price === undefined ? undefined : priceAt(price, tiers)
  if (at === undefined || read === null) throw new Error('there is no price, or no usage')
  expect(formatMicroUsd(costOf(read, at))).toBe(cost)
})
