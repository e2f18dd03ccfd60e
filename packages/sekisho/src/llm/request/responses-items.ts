import type { Channel } from '../format.ts'
import type { JsonObject } from '../hold/json-object.ts'
import { readOpenaiParts } from './openai-parts.ts'
import { type PieceBook, readList, readObject } from './piece.ts'
import { readResponsesTool } from './responses-tools.ts'

const ITEM: ReadonlySet<string> = new Set([
  'type',
  'role',
  'content',
  'arguments',
  'input',
  'output',
  'tools',
  'summary',
  'action',
])
const ROLES: ReadonlyMap<unknown, Channel> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
])

type ReadItem = (item: JsonObject, book: PieceBook) => void

const READ_NOTHING: ReadItem = () => undefined
const READ_OUTPUT: ReadItem = ({ output }, book) => readOutput(output, book)
/** What the model has done, whoever has run it. */
const READ_CALL: ReadItem = ({ action, actions, operation }, book) => {
  book.all('assistant', [action, actions, operation])
}
const READ_TOOLS: ReadItem = ({ tools }, book) => {
  for (const tool of readList(tools, 'tools')) readResponsesTool(tool, book)
}

const READERS: ReadonlyMap<unknown, ReadItem> = new Map<string, ReadItem>([
  ['message', readMessage],
  ['agent_message', ({ content }, book) => readOpenaiParts(content, 'user', book)],
  ['reasoning', readReasoning],
  ['function_call', ({ arguments: args }, book) => book.all('assistant', args)],
  ['custom_tool_call', ({ input }, book) => book.all('assistant', input)],
  ['tool_search_call', ({ arguments: args }, book) => book.all('assistant', args)],
  ['local_shell_call', READ_CALL],
  ['shell_call', READ_CALL],
  ['apply_patch_call', READ_CALL],
  ['computer_call', READ_CALL],
  ['web_search_call', READ_CALL],
  [
    'code_interpreter_call',
    ({ code, outputs }, book) => {
      book.all('assistant', code)
      book.all('tool-result', outputs)
    },
  ],
  ['program', ({ code }, book) => book.all('assistant', code)],
  [
    'mcp_call',
    ({ arguments: args, output, error }, book) => {
      book.all('assistant', args)
      book.all('tool-result', output)
      book.all('tool-result', error)
    },
  ],
  ['mcp_approval_request', ({ arguments: args }, book) => book.all('assistant', args)],
  ['mcp_approval_response', ({ reason }, book) => book.all('user', reason)],
  ['mcp_list_tools', ({ tools }, book) => book.all('tool-definition', tools)],
  [
    'file_search_call',
    ({ queries, results }, book) => {
      book.all('assistant', queries)
      book.all('tool-result', results)
    },
  ],
  ['image_generation_call', ({ result }, book) => book.picture(result)],
  ['function_call_output', READ_OUTPUT],
  ['custom_tool_call_output', READ_OUTPUT],
  ['local_shell_call_output', READ_OUTPUT],
  ['shell_call_output', READ_OUTPUT],
  ['apply_patch_call_output', READ_OUTPUT],
  ['computer_call_output', READ_OUTPUT],
  ['program_output', ({ result }, book) => book.all('tool-result', result)],
  ['tool_search_output', READ_TOOLS],
  ['additional_tools', READ_TOOLS],
  [
    'item_reference',
    (_, book) => {
      book.refersElsewhere = true
    },
  ],
  // opaque to all but the provider
  ['compaction', READ_NOTHING],
  ['compaction_summary', READ_NOTHING],
  ['context_compaction', READ_NOTHING],
  ['compaction_trigger', READ_NOTHING],
  ['configuration_update', READ_NOTHING],
  ['ghost_snapshot', READ_NOTHING],
])

/** One item of what the model is given, in order. */
export function readResponsesItem(value: unknown, book: PieceBook): void {
  const item = readObject(value, ITEM, 'an item')
  // a message may stand without its type
  const type = item['type'] ?? (item['role'] === undefined ? undefined : 'message')
  const reader = READERS.get(type)
  if (reader === undefined) book.unknown(type, item)
  else reader(item, book)
}

function readMessage(item: JsonObject, book: PieceBook): void {
  const channel = ROLES.get(item['role'])
  if (channel === undefined) book.unknownRole(item['role'], item)
  else readOpenaiParts(item['content'], channel, book)
}

function readReasoning({ summary, content }: JsonObject, book: PieceBook): void {
  readOpenaiParts(summary, 'assistant', book)
  readOpenaiParts(content, 'assistant', book)
}

/** A text, parts, or an object of the tool's own. */
function readOutput(output: unknown, book: PieceBook): void {
  const isParts = Array.isArray(output) && output.every(isPart)
  if (isParts || typeof output === 'string') readOpenaiParts(output, 'tool-result', book)
  else if (isPart(output)) readOpenaiParts([output], 'tool-result', book)
  else book.all('tool-result', output)
}

function isPart(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value
}
