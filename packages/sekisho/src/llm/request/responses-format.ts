import { isObject } from '../hold/json-object.ts'
import { readCount, readFlag, readModel } from './fields.ts'
import { type PieceBook } from './piece.ts'
import { RequestFault } from './request-fault.ts'
import type { Asked, ReadPlace, RequestFormat } from './request-format.ts'
import { readResponsesItem } from './responses-items.ts'
import { readResponsesTool } from './responses-tools.ts'

const KNOWN: ReadonlySet<string> = new Set([
  'background',
  'client_metadata',
  'context_management',
  'conversation',
  'generate',
  'include',
  'input',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'model',
  'moderation',
  'parallel_tool_calls',
  'previous_response_id',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'stream',
  'stream_id',
  'stream_options',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'truncation',
  'type',
  'user',
])

/**
 * The Responses API of OpenAI, also as a message on its WebSocket.
 *
 * What was said before may be named instead of told: by `previous_response_id` or `conversation`.
 * It passes, since its parts were requests and replies of their own; how long it is, nobody here
 * knows. `store` passes, since a reply that is kept is fetched by a request that is refused.
 */
export const RESPONSES_FORMAT: RequestFormat = {
  known: KNOWN,
  lists: new Set(['input', 'tools']),
  places: new Map<string, ReadPlace>([
    ['input', (value, book) => book.text('user', readText(value, 'input'))],
    ['input[]', readResponsesItem],
    ['instructions', (value, book) => book.text('system', readText(value, 'instructions'))],
    ['tools[]', readResponsesTool],
    ['text', (value, book) => book.all('system', isObject(value) ? value['format'] : undefined)],
    ['previous_response_id', refer],
    ['conversation', refer],
    // instructions and tools that are kept by the provider: nobody here has seen them
    ['prompt', (value, book) => book.unknown('prompt', value)],
  ]),
  settle,
}

function settle(members: ReadonlyMap<string, unknown>): Asked {
  const type = members.get('type')
  if (type !== undefined && type !== 'response.create') {
    throw new RequestFault('a message that is no response.create')
  }
  // such a reply goes on when its connection has ended, and is fetched when nobody looks
  if (readFlag(members, 'background')) throw new RequestFault('a reply in the background')
  return {
    model: readModel(members),
    // on a WebSocket everything is
    stream: type === undefined ? readFlag(members, 'stream') : true,
    maxOutputTokens: readCount(members.get('max_output_tokens'), 'max_output_tokens'),
  }
}

function refer(_: unknown, book: PieceBook): void {
  book.refersElsewhere = true
}

function readText(value: unknown, place: string): string {
  if (typeof value !== 'string') throw new RequestFault(`${place} that is neither text nor list`)
  return value
}
