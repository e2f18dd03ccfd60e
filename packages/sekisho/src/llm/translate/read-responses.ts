import type { ChangedTool, Conversation, Item, Part, ReplyFormat, Role } from './conversation.ts'
import { each, type Members, type Reading } from './members.ts'
import { readDataUrl, readOpenaiChoice } from './openai-values.ts'
import { ResponsesTools } from './responses-tools.ts'
import { Untranslatable } from './untranslatable.ts'

const HINTS = [
  'client_metadata',
  'context_management',
  'include',
  'max_tool_calls',
  'metadata',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream_id',
  'stream_options',
  'truncation',
  'user',
] as const

export type ReadResponses = {
  conversation: Conversation
  changed: ReadonlyMap<string, ChangedTool>
}

/** @throws Untranslatable */
export function readResponses(body: unknown, reading: Reading): ReadResponses {
  const top = reading.open(body, '')
  const tools = new ResponsesTools(reading)
  tools.add(top.list('tools'), 'tools')
  const instructions = top.text('instructions')
  const first: Item[] =
    instructions === undefined
      ? []
      : [{ kind: 'said', role: 'system', parts: [{ kind: 'text', text: instructions }] }]
  const items = readInput(top.take('input'), { reading, tools })
  const type = top.text('type') ?? 'response.create'
  if (type !== 'response.create') throw new Untranslatable('type', type)
  top.drop(HINTS)
  const conversation = {
    model: top.needText('model'),
    stream: top.flag('stream') ?? false,
    maxOutputTokens: top.number('max_output_tokens'),
    items: [...first, ...items],
    tools: tools.offered,
    choice: readOpenaiChoice(top.take('tool_choice'), 'tool_choice'),
    isParallel: top.flag('parallel_tool_calls'),
    temperature: top.number('temperature'),
    topP: top.number('top_p'),
    stop: [],
    format: readFormat(top.inner('text')),
  }
  return { conversation, changed: tools.changed }
}

type Where = { reading: Reading; tools: ResponsesTools }

function readInput(input: unknown, where: Where): Item[] {
  if (input === undefined) return []
  if (typeof input === 'string') {
    return [{ kind: 'said', role: 'user', parts: [{ kind: 'text', text: input }] }]
  }
  if (!Array.isArray(input)) throw new Untranslatable('input', 'neither text nor list')
  return each(input, 'input').flatMap(({ value, path }) => {
    const item = where.reading.open(value, path)
    item.drop(['internal_chat_message_metadata_passthrough'])
    return readItem(item.text('type') ?? 'message', item, where)
  })
}

function readItem(type: string, item: Members, where: Where): Item[] {
  const { reading, tools } = where
  switch (type) {
    case 'message':
      return readMessage(item, reading)
    case 'function_call':
      return [readCall(item, tools)]
    case 'custom_tool_call':
      return [readCustomCall(item, tools)]
    case 'function_call_output':
    case 'custom_tool_call_output':
      return [readOutput(item, reading)]
    case 'additional_tools':
    case 'tool_search_output':
      item.drop(['role', 'execution', 'call_id', 'id', 'status'])
      tools.add(item.list('tools'), item.at('tools'))
      return []
    case 'reasoning': // for its own provider's eyes
    case 'configuration_update':
      item.skip(type)
      return []
    default:
      throw new Untranslatable(item.at('type'), type)
  }
}

const ROLES: ReadonlyMap<string, Role> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
])

function readMessage(item: Members, reading: Reading): Item[] {
  const name = item.needText('role')
  const role = ROLES.get(name)
  if (role === undefined) throw new Untranslatable(item.at('role'), name)
  const parts = readParts(item.take('content'), item.at('content'), reading)
  dropIds(item)
  return parts.length === 0 ? [] : [{ kind: 'said', role, parts }]
}

function dropIds(item: Members): void {
  item.take('id')
  item.take('status')
  item.drop(['phase', 'caller'])
}

function readParts(content: unknown, path: string, reading: Reading): Part[] {
  if (content === undefined) return []
  if (typeof content === 'string') return [{ kind: 'text', text: content }]
  if (!Array.isArray(content)) throw new Untranslatable(path, 'neither text nor list')
  return each(content, path).map(({ value, path: at }) => readPart(reading.open(value, at)))
}

function readPart(part: Members): Part {
  const type = part.needText('type')
  part.drop(['annotations', 'logprobs', 'prompt_cache_breakpoint'])
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      return { kind: 'text', text: part.needText('text') }
    case 'refusal':
      return { kind: 'text', text: part.needText('refusal') }
    case 'input_image': {
      part.drop(['detail'])
      const url = part.text('image_url')
      if (url === undefined) throw new Untranslatable(part.at('file_id'), 'a file of the provider')
      return readDataUrl(url)
    }
    default:
      throw new Untranslatable(part.at('type'), type)
  }
}

function readCall(item: Members, tools: ResponsesTools): Item {
  const tool = tools.nameOf({
    name: item.needText('name'),
    namespace: item.text('namespace') ?? null,
  })
  const id = item.needText('call_id')
  const call = { kind: 'call' as const, id, tool, arguments: item.text('arguments') ?? '' }
  dropIds(item)
  return call
}

function readCustomCall(item: Members, tools: ResponsesTools): Item {
  const tool = tools.nameOf({
    name: item.needText('name'),
    namespace: item.text('namespace') ?? null,
  })
  const id = item.needText('call_id')
  const call = JSON.stringify({ input: item.text('input') ?? '' })
  dropIds(item)
  return { kind: 'call', id, tool, arguments: call }
}

function readOutput(item: Members, reading: Reading): Item {
  const id = item.needText('call_id')
  const parts = readParts(item.take('output'), item.at('output'), reading)
  item.drop(['name', 'success'])
  dropIds(item)
  return { kind: 'result', id, parts }
}

function readFormat(text: Members | undefined): ReplyFormat | null {
  text?.drop(['verbosity'])
  const format = text?.inner('format')
  const type = format?.needText('type')
  if (format === undefined || type === 'text') return null
  if (type === 'json_object') return { kind: 'object' }
  if (type !== 'json_schema') throw new Untranslatable(format.at('type'), String(type))
  format.drop(['description'])
  return {
    kind: 'schema',
    name: format.needText('name'),
    schema: format.take('schema'),
    isStrict: format.flag('strict'),
  }
}
