import { isObject } from './json-object.ts'
import { malformed } from './reply-fault.ts'

/** Names that lead a reader to a call, or that tell what it is. */
const NAMES = [
  'type',
  'index',
  'id',
  'name',
  'text',
  'error',
  'message',
  'content',
  'arguments',
  'input',
  // Chat
  'choices',
  'delta',
  'tool_calls',
  'function_call',
  'function',
  'custom',
  'finish_reason',
  // Messages
  'content_block',
  'partial_json',
  'stop_reason',
  // Responses
  'response',
  'output',
  'item',
  'item_id',
  'output_index',
  'call_id',
  'namespace',
  'server_label',
  'status',
  'action',
  'operation',
  // Gemini
  'candidates',
  'parts',
  'functionCall',
  'args',
  'finishReason',
] as const

const BY_FOLD: ReadonlyMap<string, string> = new Map(NAMES.map((name) => [foldCase(name), name]))

/** Members inside of which calls are; of what a tool is called with, names are its own. */
const LEADING: ReadonlySet<string> = new Set([
  'choices',
  'delta',
  'message',
  'tool_calls',
  'function_call',
  'function',
  'custom',
  'content_block',
  'content',
  'response',
  'output',
  'item',
  'candidates',
  'parts',
  'functionCall',
])

/**
 * A name as readers see it that do not tell cases apart: `encoding/json` of Go, which takes `ſ` for
 * an `s` and the sign of Kelvin for a `k` as well.
 */
export function foldCase(name: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII is what is looked for
  return /^[\0-\x7f]*$/.test(name) ? name.toLowerCase() : name.toUpperCase().toLowerCase()
}

/** @throws ReplyFault for a name by which some readers find a call and others nothing, or another */
export function checkNames(value: unknown): void {
  if (Array.isArray(value)) return value.forEach(checkNames)
  if (!isObject(value)) return
  for (const [name, member] of Object.entries(value)) {
    const known = BY_FOLD.get(foldCase(name))
    if (known !== undefined && known !== name) {
      throw malformed('a name that some readers take for another')
    }
    if (LEADING.has(name) && typeof member === 'object') checkNames(member)
  }
}
