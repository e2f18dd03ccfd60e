import { expect, test } from 'vitest'
import type { ModelApi } from '../../core/action.ts'
import type { TokenUsage } from '../../wire/llm.ts'
import { usageOf } from './usage-of.ts'

test.for<{ name: string; api: ModelApi; usage: unknown; want: TokenUsage | null }>([
  {
    name: 'Anthropic counts what is cached beside the input',
    api: 'messages',
    usage: {
      input_tokens: 5,
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 20,
      output_tokens: 7,
    },
    want: { input: 5, cacheRead: 100, cacheWrite: 20, output: 7 },
  },
  {
    name: 'what Anthropic keeps for an hour is part of what is written',
    api: 'messages',
    usage: {
      input_tokens: 5,
      cache_creation_input_tokens: 20,
      cache_creation: { ephemeral_5m_input_tokens: 8, ephemeral_1h_input_tokens: 12 },
      output_tokens: 7,
    },
    want: { input: 5, cacheRead: 0, cacheWrite: 20, cacheWriteLong: 12, output: 7 },
  },
  {
    name: 'steps that Anthropic leaves out of its totals are added',
    api: 'messages',
    usage: {
      input_tokens: 5,
      cache_read_input_tokens: null,
      output_tokens: 7,
      iterations: [
        { type: 'message', input_tokens: 5, output_tokens: 7 },
        { type: 'compaction', input_tokens: 1000, cache_read_input_tokens: 10, output_tokens: 50 },
      ],
    },
    want: { input: 1005, cacheRead: 10, cacheWrite: 0, output: 57 },
  },
  {
    name: 'Responses count what is cached inside the input, and reasoning inside the output',
    api: 'responses',
    usage: {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
      output_tokens: 30,
      output_tokens_details: { reasoning_tokens: 20 },
      total_tokens: 130,
    },
    want: { input: 30, cacheRead: 60, cacheWrite: 10, output: 30 },
  },
  {
    name: 'so does Chat',
    api: 'chat',
    usage: {
      prompt_tokens: 100,
      completion_tokens: 30,
      prompt_tokens_details: { cached_tokens: 60 },
    },
    want: { input: 40, cacheRead: 60, cacheWrite: 0, output: 30 },
  },
  {
    name: 'DeepSeek tells what is cached elsewhere',
    api: 'chat',
    usage: { prompt_tokens: 100, completion_tokens: 30, prompt_cache_hit_tokens: 64 },
    want: { input: 36, cacheRead: 64, cacheWrite: 0, output: 30 },
  },
  {
    name: 'more cached than there was is all of it',
    api: 'chat',
    usage: {
      prompt_tokens: 10,
      completion_tokens: 1,
      prompt_tokens_details: { cached_tokens: 60 },
    },
    want: { input: 0, cacheRead: 10, cacheWrite: 0, output: 1 },
  },
  {
    name: 'Gemini counts thoughts beside the answer, and results of tools beside the prompt',
    api: 'gemini',
    usage: {
      promptTokenCount: 100,
      cachedContentTokenCount: 40,
      candidatesTokenCount: 20,
      thoughtsTokenCount: 15,
      toolUsePromptTokenCount: 7,
      totalTokenCount: 142,
    },
    want: { input: 67, cacheRead: 40, cacheWrite: 0, output: 35 },
  },
  { name: 'nothing told', api: 'chat', usage: null, want: null },
  {
    name: 'no number',
    api: 'chat',
    usage: { prompt_tokens: '9', completion_tokens: 1 },
    want: null,
  },
  {
    name: 'a number that no count can be',
    api: 'messages',
    usage: { output_tokens: -1 },
    want: null,
  },
  { name: 'another format', api: 'messages', usage: { prompt_tokens: 9 }, want: null },
])('$name', ({ api, usage, want }) => {
  expect(usageOf(api, usage)).toEqual(want)
})
