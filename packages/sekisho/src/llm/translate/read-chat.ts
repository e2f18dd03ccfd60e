import type { Conversation, Item, Offered, Part, ReplyFormat, Role } from './conversation.ts'
import { each, type Members, type Reading } from './members.ts'
import { readDataUrl, readOpenaiChoice } from './openai-values.ts'
import { Untranslatable } from './untranslatable.ts'

const HINTS = [
  'chat_template_kwargs',
  'enable_thinking',
  'frequency_penalty',
  'logit_bias',
  'metadata',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'reasoning_effort',
  'safety_identifier',
  'seed',
  'service_tier',
  'store',
  'stream_options',
  'thinking',
  'top_k',
  'usage',
  'user',
  'verbosity',
] as const

/** @throws Untranslatable */
export function readChat(body: unknown, reading: Reading): Conversation {
  const top = reading.open(body, '')
  const items = each(top.list('messages'), 'messages').flatMap(({ value, path }) =>
    readMessage(reading.open(value, path), reading),
  )
  const tools = each(top.list('tools'), 'tools').map(({ value, path }) => {
    return readTool(reading.open(value, path))
  })
  const limit = top.number('max_completion_tokens')
  const older = top.number('max_tokens')
  const format = readFormat(top.inner('response_format'))
  refuseOthers(top)
  top.drop(HINTS)
  return {
    model: top.needText('model'),
    stream: top.flag('stream') ?? false,
    maxOutputTokens: limit ?? older,
    items,
    tools,
    choice: readOpenaiChoice(top.take('tool_choice'), 'tool_choice'),
    isParallel: top.flag('parallel_tool_calls'),
    temperature: top.number('temperature'),
    topP: top.number('top_p'),
    stop: readStop(top.take('stop')),
    format,
  }
}

/** Of what would change the reply, only the values that ask for nothing. */
function refuseOthers(top: Members): void {
  const count = top.number('n')
  if (count !== null && count !== 1) throw new Untranslatable('n', 'several replies')
  const modalities = top.list('modalities')
  if (modalities.some((each) => each !== 'text'))
    throw new Untranslatable('modalities', 'more than text')
}

function readStop(stop: unknown): string[] {
  if (stop === undefined) return []
  return (Array.isArray(stop) ? stop : [stop]).map((text: unknown) => {
    if (typeof text === 'string') return text
    throw new Untranslatable('stop', 'no text')
  })
}

const ROLES: ReadonlyMap<string, Role> = new Map([
  ['system', 'system'],
  ['developer', 'system'],
  ['user', 'user'],
  ['assistant', 'assistant'],
])

function readMessage(message: Members, reading: Reading): Item[] {
  const name = message.needText('role')
  const parts = readParts(message.take('content'), message.at('content'), reading)
  message.drop(['name', 'reasoning_content', 'reasoning', 'reasoning_details', 'annotations'])
  if (name === 'tool') {
    const id = message.needText('tool_call_id')
    return [{ kind: 'result', id, parts }]
  }
  const role = ROLES.get(name)
  if (role === undefined) throw new Untranslatable(message.at('role'), name)
  const refusal = message.text('refusal')
  const own: Part[] = refusal === undefined ? parts : [...parts, { kind: 'text', text: refusal }]
  const calls = each(message.list('tool_calls'), message.at('tool_calls')).map(({ value, path }) =>
    readCall(reading.open(value, path)),
  )
  return own.length === 0 ? calls : [{ kind: 'said', role, parts: own }, ...calls]
}

function readParts(content: unknown, path: string, reading: Reading): Part[] {
  if (content === undefined) return []
  if (typeof content === 'string') return content === '' ? [] : [{ kind: 'text', text: content }]
  if (!Array.isArray(content)) throw new Untranslatable(path, 'neither text nor list')
  return each(content, path).map(({ value, path: at }) => readPart(reading.open(value, at)))
}

function readPart(part: Members): Part {
  const type = part.needText('type')
  part.drop(['cache_control'])
  switch (type) {
    case 'text':
      return { kind: 'text', text: part.needText('text') }
    case 'refusal':
      return { kind: 'text', text: part.needText('refusal') }
    case 'image_url': {
      const image = part.inner('image_url')
      image?.drop(['detail'])
      return readDataUrl(image?.needText('url') ?? '')
    }
    default:
      throw new Untranslatable(part.at('type'), type)
  }
}

function readCall(call: Members): Item {
  const type = call.text('type') ?? 'function'
  if (type !== 'function') throw new Untranslatable(call.at('type'), type)
  const called = call.inner('function')
  if (called === undefined) throw new Untranslatable(call.at('function'), 'left out')
  const id = call.needText('id')
  return {
    kind: 'call',
    id,
    tool: called.needText('name'),
    arguments: called.text('arguments') ?? '',
  }
}

function readTool(tool: Members): Offered {
  const type = tool.needText('type')
  const definition = type === 'function' ? tool.inner('function') : undefined
  if (definition === undefined) throw new Untranslatable(tool.at('type'), type)
  tool.drop(['cache_control'])
  const offered = {
    name: definition.needText('name'),
    description: definition.text('description') ?? null,
    schema: definition.take('parameters') ?? { type: 'object', properties: {} },
    isStrict: definition.flag('strict'),
  }
  return offered
}

function readFormat(format: Members | undefined): ReplyFormat | null {
  const type = format?.needText('type')
  if (format === undefined || type === 'text') return null
  if (type === 'json_object') return { kind: 'object' }
  const schema = type === 'json_schema' ? format.inner('json_schema') : undefined
  if (schema === undefined) throw new Untranslatable(format.at('type'), String(type))
  schema.drop(['description'])
  return {
    kind: 'schema',
    name: schema.needText('name'),
    schema: schema.take('schema'),
    isStrict: schema.flag('strict'),
  }
}
