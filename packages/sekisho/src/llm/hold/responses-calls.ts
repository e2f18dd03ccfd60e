import { createHash } from 'node:crypto'
import type { CallHead } from './held-call.ts'
import { type JsonObject, textAt } from './json-object.ts'
import { malformed } from './reply-fault.ts'

/** A call as an item has it. */
export type ItemCall = { head: CallHead; text: string }

/** Items whose call is their `arguments` or `input`; of others it is the rest of the item. */
const NAMED: Readonly<Record<string, { text: string; format: CallHead['format'] }>> = {
  function_call: { text: 'arguments', format: 'json' },
  custom_tool_call: { text: 'input', format: 'text' },
  mcp_approval_request: { text: 'arguments', format: 'json' },
}

/** What an item has beside what it does. */
const BESIDE: ReadonlySet<string> = new Set([
  'id',
  'type',
  'status',
  'call_id',
  'created_by',
  'caller',
])

export function readItemCall(item: JsonObject): ItemCall {
  const type = textAt(item, 'type') ?? ''
  const callId = textAt(item, 'call_id') ?? textAt(item, 'id') ?? null
  const named = Object.hasOwn(NAMED, type) ? NAMED[type] : undefined
  if (named === undefined) {
    const does = Object.entries(item).filter(([name]) => !BESIDE.has(name))
    const text = JSON.stringify(Object.fromEntries(does))
    return { head: { callId, tool: type, type, format: 'json' }, text }
  }
  const text = item[named.text] ?? ''
  if (typeof text !== 'string') throw malformed(`a call whose ${named.text} is no text`)
  const tool = toolOf(item)
  return { head: { callId, tool, type, format: named.format }, text }
}

/** A tool of an MCP server is called as everywhere else, so that rules of that server are about it. */
function toolOf(item: JsonObject): string {
  const name = textAt(item, 'name') ?? ''
  const space = (textAt(item, 'namespace') ?? '').replace(/_+$/, '')
  const label = item['type'] === 'mcp_approval_request' ? textAt(item, 'server_label') : undefined
  const server = label === undefined ? space : `mcp__${label}`
  return name !== '' && /^mcp__/i.test(server) ? `${server}__${name}` : name
}

export function hasText(item: JsonObject): boolean {
  return Object.hasOwn(NAMED, String(item['type']))
}

/** Two items are one call where they agree in all that a client would do by them. */
export function callKey(item: JsonObject): string {
  const { head, text } = readItemCall(item)
  const parts = [head.type, head.tool, head.callId, item['namespace'] ?? null, text]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}
