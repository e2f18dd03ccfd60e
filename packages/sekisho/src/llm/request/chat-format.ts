import type { Channel } from '../format.ts'
import { isObject, type JsonObject } from '../hold/json-object.ts'
import { readCount, readFlag, readModel, refuseMany } from './fields.ts'
import { readOpenaiParts } from './openai-parts.ts'
import { type PieceBook, readList, readObject } from './piece.ts'
import { RequestFault } from './request-fault.ts'
import type { Asked, ReadPlace, RequestFormat } from './request-format.ts'

/** Those of OpenAI, and of servers that speak its format: vLLM, Ollama, OpenRouter, Qwen, DeepSeek. */
const KNOWN: ReadonlySet<string> = new Set([
  'audio',
  'chat_template_kwargs',
  'enable_search',
  'enable_thinking',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'messages',
  'metadata',
  'modalities',
  'model',
  'moderation',
  'n',
  'options',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_logprobs',
  'top_p',
  'usage',
  'user',
  'verbosity',
  'web_search_options',
])
const MESSAGE: ReadonlySet<string> = new Set([
  'role',
  'content',
  'name',
  'tool_calls',
  'tool_call_id',
  'function_call',
  'refusal',
  'reasoning',
  'reasoning_content',
  'audio',
])
const TOOL: ReadonlySet<string> = new Set(['type', 'function', 'custom'])
const ROLES: ReadonlyMap<unknown, Channel> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['tool', 'tool-result'],
  ['function', 'tool-result'],
])

/** Chat Completions of OpenAI and of all that speak like it. */
export const CHAT_FORMAT: RequestFormat = {
  known: KNOWN,
  lists: new Set(['messages', 'tools', 'functions']),
  places: new Map<string, ReadPlace>([
    ['messages[]', readMessage],
    ['tools[]', readTool],
    ['functions[]', (value, book) => readFunction(value, 'function', book)],
    ['web_search_options', readSearch],
    ['enable_search', readSearch],
    ['response_format', (value, book) => book.all('system', value)],
    ['prediction', (value, book) => book.all('assistant', value)],
  ]),
  settle,
}

function settle(members: ReadonlyMap<string, unknown>): Asked {
  refuseMany(members.get('n'), 'n')
  const limits = ['max_completion_tokens', 'max_tokens'].flatMap((name) => {
    return readCount(members.get(name), name) ?? []
  })
  return {
    model: readModel(members),
    stream: readFlag(members, 'stream'),
    // a server goes by one or the other
    maxOutputTokens: limits.length === 0 ? null : Math.max(...limits),
  }
}

function readSearch(value: unknown, book: PieceBook): void {
  if (value !== false) book.server('web_search')
}

function readMessage(value: unknown, book: PieceBook): void {
  const message = readObject(value, MESSAGE, 'a message')
  const channel = ROLES.get(message['role'])
  if (channel === undefined) return book.unknownRole(message['role'], value)
  book.text(channel, message['reasoning_content'])
  book.text(channel, message['reasoning'])
  readOpenaiParts(message['content'], channel, book)
  book.text(channel, message['refusal'])
  book.all('assistant', message['function_call'])
  for (const call of readList(message['tool_calls'], 'tool_calls')) {
    readCall(readObject(call, TOOL, 'a call'), book)
  }
}

function readCall(call: JsonObject, book: PieceBook): void {
  const { type = 'function' } = call
  if (type === 'function') book.all('assistant', argumentsOf(call['function'], 'arguments'))
  else if (type === 'custom') book.all('assistant', argumentsOf(call['custom'], 'input'))
  else book.unknown(type, call)
}

function argumentsOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined
}

function readTool(value: unknown, book: PieceBook): void {
  const { type, function: called, custom } = readObject(value, TOOL, 'a tool')
  if (type === 'function') return readFunction(called, 'function', book)
  if (type === 'custom') return readFunction(custom, 'custom', book)
  book.all('tool-definition', value)
  book.unknown(type, value)
  book.server(String(type))
}

function readFunction(value: unknown, type: string, book: PieceBook): void {
  const definition = readObject(value, new Set(['name', 'description', 'parameters']), 'a function')
  const { name } = definition
  if (typeof name !== 'string') throw new RequestFault('a function without a name')
  book.all('tool-definition', definition)
  book.tool({ name, type, isServerSide: false })
}
