import type { Conversation, Item, Offered, Part, ReplyFormat, Role } from './conversation.ts'
import { each, type Members, type Reading } from './members.ts'
import { Untranslatable } from './untranslatable.ts'

/** Of no meaning to what is said: caches, labels, prices, efforts, and clearing of old thoughts. */
const HINTS = [
  'anthropic_beta',
  'betas',
  'cache_control',
  'context_management',
  'diagnostics',
  'fallback_credit_token',
  'inference_geo',
  'metadata',
  'service_tier',
  'speed',
  'thinking',
  'top_k',
  'user_profile_id',
  'workspace_id',
] as const

/** @throws Untranslatable */
export function readMessages(body: unknown, reading: Reading): Conversation {
  const top = reading.open(body, '')
  const system = readContent(top.take('system'), 'system', { role: 'system', reading })
  const items = each(top.list('messages'), 'messages').flatMap(({ value, path }) =>
    readMessage(value, path, reading),
  )
  const tools = each(top.list('tools'), 'tools').map(({ value, path }) =>
    readTool(value, path, reading),
  )
  const { choice, isParallel } = readChoice(top.inner('tool_choice'))
  const format = readFormat(top, reading)
  top.drop(HINTS)
  return {
    model: top.needText('model'),
    stream: top.flag('stream') ?? false,
    maxOutputTokens: top.number('max_tokens'),
    items: [...system, ...items],
    tools,
    choice,
    isParallel,
    temperature: top.number('temperature'),
    topP: top.number('top_p'),
    stop: top.list('stop_sequences').map(String),
    format,
  }
}

const ROLES: ReadonlyMap<unknown, Role> = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
])

function readMessage(value: unknown, path: string, reading: Reading): Item[] {
  const message = reading.open(value, path)
  const role = ROLES.get(message.take('role'))
  if (role === undefined) throw new Untranslatable(message.at('role'), 'not known')
  const content = message.take('content')
  message.drop(['clear_at', 'output_config'])
  return readContent(content, `${path}.content`, { role, reading })
}

type Where = { role: Role; reading: Reading }

/** A text or blocks: what is said, with calls and results between. */
function readContent(content: unknown, path: string, where: Where): Item[] {
  if (content === undefined) return []
  if (typeof content === 'string') return said(where.role, [{ kind: 'text', text: content }])
  if (!Array.isArray(content)) throw new Untranslatable(path, 'neither text nor list')
  const items: Item[] = []
  let parts: Part[] = []
  for (const block of each(content, path)) {
    const read = readBlock(where.reading.open(block.value, block.path), where)
    if (read === undefined) continue
    if (isItem(read)) {
      items.push(...said(where.role, parts), read)
      parts = []
    } else parts.push(read)
  }
  return [...items, ...said(where.role, parts)]
}

function said(role: Role, parts: readonly Part[]): Item[] {
  return parts.length === 0 ? [] : [{ kind: 'said', role, parts }]
}

function isItem(read: Item | Part): read is Item {
  return read.kind === 'call' || read.kind === 'result' || read.kind === 'said'
}

function readBlock(block: Members, { reading }: Where): Item | Part | undefined {
  const type = block.needText('type')
  block.drop(['cache_control'])
  switch (type) {
    case 'tool_use':
      return readCall(block)
    case 'tool_result':
      return readResult(block, reading)
    case 'thinking':
    case 'redacted_thinking':
      // signed by its provider for itself
      block.skip(type)
      return undefined
    default:
      return readPart(type, block)
  }
}

function readPart(type: string, block: Members): Part {
  switch (type) {
    case 'text':
      block.drop(['citations'])
      return { kind: 'text', text: block.needText('text') }
    case 'image':
      return readImage(block)
    case 'tool_reference':
      // its definition stands among the tools
      return { kind: 'text', text: `The tool ${block.needText('tool_name')} can be called.` }
    default:
      throw new Untranslatable(block.at('type'), type)
  }
}

function readImage(block: Members): Part {
  const source = block.inner('source')
  const type = source?.needText('type')
  if (source === undefined || (type !== 'base64' && type !== 'url')) {
    throw new Untranslatable(block.at('source'), `a picture of source ${type ?? 'none'}`)
  }
  if (type === 'url') return { kind: 'image-at', url: source.needText('url') }
  const mediaType = source.needText('media_type')
  return { kind: 'image', mediaType, base64: source.needText('data') }
}

function readCall(block: Members): Item {
  const id = block.needText('id')
  const tool = block.needText('name')
  const input = block.take('input') ?? {}
  block.drop(['caller'])
  return { kind: 'call', id, tool, arguments: JSON.stringify(input) }
}

function readResult(block: Members, reading: Reading): Item {
  const id = block.needText('tool_use_id')
  const content = block.take('content')
  block.drop(['is_error'])
  const items = readContent(content, block.at('content'), { role: 'user', reading })
  const parts = items.flatMap((item) => {
    if (item.kind === 'said') return [...item.parts]
    throw new Untranslatable(block.at('content'), `a ${item.kind} in a result`)
  })
  return { kind: 'result', id, parts }
}

function readTool(value: unknown, path: string, reading: Reading): Offered {
  const tool = reading.open(value, path)
  const type = tool.text('type') ?? 'custom'
  if (type !== 'custom') throw new Untranslatable(tool.at('type'), type)
  const offered = {
    name: tool.needText('name'),
    description: tool.text('description') ?? null,
    schema: tool.take('input_schema') ?? { type: 'object' },
    isStrict: tool.flag('strict'),
  }
  tool.drop([
    'cache_control',
    'defer_loading',
    'eager_input_streaming',
    'input_examples',
    'allowed_callers',
  ])
  return offered
}

function readChoice(choice: Members | undefined): Pick<Conversation, 'choice' | 'isParallel'> {
  if (choice === undefined) return { choice: null, isParallel: null }
  const type = choice.needText('type')
  const alone = choice.flag('disable_parallel_tool_use')
  const isParallel = alone === null ? null : !alone
  switch (type) {
    case 'auto':
    case 'none':
      return { choice: type, isParallel }
    case 'any':
      return { choice: 'required', isParallel }
    case 'tool':
      return { choice: { tool: choice.needText('name') }, isParallel }
    default:
      throw new Untranslatable(choice.at('type'), type)
  }
}

function readFormat(top: Members, reading: Reading): ReplyFormat | null {
  const config = top.inner('output_config')
  config?.drop(['effort', 'task_budget'])
  const format = config?.take('format') ?? top.take('output_format')
  if (format === undefined) return null
  const read = reading.open(format, 'output_config.format')
  const type = read.needText('type')
  if (type !== 'json_schema') throw new Untranslatable(read.at('type'), type)
  const schema = read.take('schema')
  return { kind: 'schema', name: 'reply', schema, isStrict: null }
}
