import type { Channel } from '../format.ts'
import type { JsonObject } from '../hold/json-object.ts'
import { isObject } from '../hold/json-object.ts'
import { readCount, readFlag, readModel } from './fields.ts'
import { readMessagesBlocks } from './messages-blocks.ts'
import { type PieceBook, readObject } from './piece.ts'
import type { Asked, ReadPlace, RequestFormat } from './request-format.ts'
import { RequestFault } from './request-fault.ts'

const KNOWN: ReadonlySet<string> = new Set([
  'anthropic_beta',
  'anthropic_version',
  'betas',
  'cache_control',
  'container',
  'context_management',
  'diagnostics',
  'fallback_credit_token',
  'fallbacks',
  'inference_geo',
  'max_tokens',
  'mcp_servers',
  'messages',
  'metadata',
  'model',
  'output_config',
  'output_format',
  'service_tier',
  'speed',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_k',
  'top_p',
  'user_profile_id',
  'workspace_id',
])
const MESSAGE: ReadonlySet<string> = new Set(['role', 'content', 'clear_at', 'output_config'])
const TOOL: ReadonlySet<string> = new Set(['type', 'name', 'description', 'input_schema'])
const ROLES: ReadonlyMap<unknown, Channel> = new Map([
  ['user', 'user'],
  ['assistant', 'assistant'],
  ['system', 'system'],
])

/** Types of tools that Anthropic has, with a date behind them. */
const TOOL_TYPES: readonly { of: RegExp; isServerSide: boolean }[] = [
  {
    of: /^(?:bash|text_editor|computer|memory|browser_toolset|computer_toolset)_\d{8}$/,
    isServerSide: false,
  },
  { of: /^custom$/, isServerSide: false },
  { of: /^custom$/, isServerSide: false },
  // looks through the definitions of this same request
  { of: /^tool_search_tool_(?:regex|bm25)(?:_\d{8})?$/, isServerSide: false },
  {
    of: /^(?:web_search|web_fetch|code_execution|advisor)_\d{8}$|^mcp_toolset$/,
    isServerSide: true,
  },
]

/** The Messages API of Anthropic. */
export const MESSAGES_FORMAT: RequestFormat = {
  known: KNOWN,
  lists: new Set(['messages', 'system', 'tools', 'mcp_servers']),
  places: new Map<string, ReadPlace>([
    ['messages[]', readMessage],
    ['tools[]', readTool],
    ['system', (value, book) => readMessagesBlocks(value, 'system', book)],
    ['system[]', (value, book) => readMessagesBlocks([value], 'system', book)],
    ['mcp_servers[]', readServer],
    ['container', readContainer],
    // another model than the one that was decided and reserved for
    ['fallbacks', (value, book) => book.unknown('fallbacks', value)],
    ['output_format', (value, book) => book.all('system', value)],
    ['output_config', (value, book) => book.all('system', value)],
    ['context_management', (value, book) => book.all('system', value)],
  ]),
  settle,
}

function settle(members: ReadonlyMap<string, unknown>): Asked {
  return {
    model: readModel(members),
    stream: readFlag(members, 'stream'),
    maxOutputTokens: readCount(members.get('max_tokens'), 'max_tokens'),
  }
}

function readMessage(value: unknown, book: PieceBook): void {
  const { role, content } = readObject(value, MESSAGE, 'a message')
  const channel = ROLES.get(role)
  if (channel === undefined) return book.unknownRole(role, value)
  if (Array.isArray(content)) readMessagesBlocks(content, channel, book)
  else if (typeof content === 'string') book.text(channel, content)
  else throw new RequestFault('a message without content')
}

function readTool(value: unknown, book: PieceBook): void {
  const tool = readObject(value, TOOL, 'a tool')
  const { type = 'custom', name } = tool
  const { cache_control: _, ...told } = tool
  book.all('tool-definition', told)
  if (type === null) return offer(tool, { type: 'custom', isServerSide: false }, book)
  if (typeof type !== 'string') throw new RequestFault('a tool whose type is no text')
  const known = TOOL_TYPES.find(({ of }) => of.test(type))
  if (known === undefined) {
    book.unknown(type, value)
    return book.server(type, name)
  }
  offer(tool, { type, isServerSide: known.isServerSide }, book)
}

function offer(
  { name, mcp_server_name: server }: JsonObject,
  { type, isServerSide }: { type: string; isServerSide: boolean },
  book: PieceBook,
): void {
  const named = typeof name === 'string' ? name : typeof server === 'string' ? server : type
  book.tool({ name: named, type, isServerSide })
}

/** The provider connects to it, with whatever token stands there. */
function readServer(value: unknown, book: PieceBook): void {
  const { name, url } = readObject(value, new Set(['name', 'url', 'type']), 'an MCP server')
  book.server('mcp', name)
  book.linkTo(url)
}

/** Where code runs at the provider, with files and programs that were left there before. */
function readContainer(value: unknown, book: PieceBook): void {
  book.kept('container')
  if (!isObject(value)) return
  const { skills } = value
  if (skills !== undefined && skills !== null) book.server('skills')
}
