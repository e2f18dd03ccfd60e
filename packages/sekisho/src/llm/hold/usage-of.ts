import type { ModelApi } from '../../core/action.ts'
import type { TokenUsage } from '../../wire/llm.ts'
import { isObject, type JsonObject, objectAt } from './json-object.ts'

/** What a sampling step of a reply costs beside the totals, which leave it out. */
const BESIDE_TOTALS = new Set(['compaction', 'advisor_message'])

/** More tokens than a reply can have, few enough that sums of them stay exact. All steps together. */
const MAX_COUNT = 1e12

/**
 * Tokens in four classes that share none, from the `usage` (`usageMetadata`) of a whole reply.
 *
 * Anthropic counts what is cached beside `input_tokens`; OpenAI and Google count it inside.
 *
 * @returns null for what is no usage
 */
export function usageOf(api: ModelApi, usage: unknown): TokenUsage | null {
  if (!isObject(usage)) return null
  switch (api) {
    case 'messages':
      return messagesUsage(usage)
    case 'responses':
      return insideUsage(usage, {
        input: 'input_tokens',
        output: 'output_tokens',
        details: 'input_tokens_details',
      })
    case 'chat':
      return insideUsage(usage, {
        input: 'prompt_tokens',
        output: 'completion_tokens',
        details: 'prompt_tokens_details',
      })
    case 'gemini':
      return geminiUsage(usage)
  }
}

function messagesUsage(usage: JsonObject): TokenUsage | null {
  if (!isCount(usage['output_tokens'])) return null
  const iterations: unknown[] = Array.isArray(usage['iterations']) ? usage['iterations'] : []
  const beside = iterations.filter((step): step is JsonObject => {
    return isObject(step) && BESIDE_TOTALS.has(String(step['type']))
  })
  return [usage, ...beside].map(messagesTotals).reduce(add)
}

function messagesTotals(usage: JsonObject): TokenUsage {
  const long = count(objectAt(usage, 'cache_creation') ?? {}, 'ephemeral_1h_input_tokens')
  const cacheWrite = Math.max(count(usage, 'cache_creation_input_tokens'), long)
  return {
    input: count(usage, 'input_tokens'),
    cacheRead: count(usage, 'cache_read_input_tokens'),
    cacheWrite,
    ...(long > 0 && { cacheWriteLong: long }),
    output: count(usage, 'output_tokens'),
  }
}

type Names = { input: string; output: string; details: string }

function insideUsage(usage: JsonObject, names: Names): TokenUsage | null {
  if (!isCount(usage[names.input]) || !isCount(usage[names.output])) return null
  const details = objectAt(usage, names.details) ?? {}
  const input = count(usage, names.input)
  // DeepSeek tells it in a field of its own
  const cached = count(details, 'cached_tokens') || count(usage, 'prompt_cache_hit_tokens')
  const cacheRead = Math.min(cached, input)
  const cacheWrite = Math.min(count(details, 'cache_write_tokens'), input - cacheRead)
  const output = count(usage, names.output)
  return { input: input - cacheRead - cacheWrite, cacheRead, cacheWrite, output }
}

function geminiUsage(usage: JsonObject): TokenUsage | null {
  if (!isCount(usage['promptTokenCount'])) return null
  const prompt = count(usage, 'promptTokenCount')
  const cacheRead = Math.min(count(usage, 'cachedContentTokenCount'), prompt)
  const input = prompt - cacheRead + count(usage, 'toolUsePromptTokenCount')
  const output = count(usage, 'candidatesTokenCount') + count(usage, 'thoughtsTokenCount')
  return { input, cacheRead, cacheWrite: 0, output }
}

function add(left: TokenUsage, right: TokenUsage): TokenUsage {
  const long = sum(left.cacheWriteLong ?? 0, right.cacheWriteLong ?? 0)
  return {
    input: sum(left.input, right.input),
    cacheRead: sum(left.cacheRead, right.cacheRead),
    cacheWrite: sum(left.cacheWrite, right.cacheWrite),
    ...(long > 0 && { cacheWriteLong: long }),
    output: sum(left.output, right.output),
  }
}

/** A provider that tells of endless steps is no reason for numbers that nobody can count with. */
function sum(left: number, right: number): number {
  return Math.min(left + right, MAX_COUNT)
}

function count(usage: JsonObject, name: string): number {
  const value = usage[name]
  return isCount(value) ? value : 0
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_COUNT
}
