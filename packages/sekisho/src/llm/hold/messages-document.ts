import type { DocumentForm, DocumentParts } from './document.ts'
import { listAt, textIn } from './format-reader.ts'
import type { HeldCall } from './held-call.ts'
import { isObject, type JsonObject, textAt } from './json-object.ts'
import { blockKind } from './messages-types.ts'
import { madeMessage } from './messages-view.ts'
import { malformed } from './reply-fault.ts'

/** A whole reply of the Messages API. */
export const messagesDocument: DocumentForm = {
  read: (document, parts) => {
    const { facts } = parts.reply
    facts.name(document['model'])
    facts.spent(document['usage'])
    facts.stop = textAt(document, 'stop_reason') ?? null
    const blocks = listAt(document, 'content').map((block) => readBlock(block, parts))
    return () => rendered(document, blocks)
  },
  saying: (say) => madeMessage([{ type: 'text', text: say }], 'end_turn'),
}

/** How a block is told; itself for as it came. */
type Block = { came: JsonObject; told: JsonObject; call?: HeldCall }

function readBlock(came: JsonObject, parts: DocumentParts): Block {
  const type = textAt(came, 'type') ?? ''
  const { reply } = parts
  const kind = blockKind(type)
  if (kind === 'call') return { came, told: came, call: readCall(came, parts) }
  if (kind === 'text' || kind === 'thinking') {
    const text = textIn(came, kind)
    const told = parts.text(kind, text)
    return { came, told: told === text ? came : { ...came, [kind]: told } }
  }
  const bytes = Buffer.byteLength(JSON.stringify(came))
  if (kind === undefined) reply.unknown(type, bytes)
  else reply.facts.countBytes(type, bytes)
  if (kind === 'server') reply.facts.server(textAt(came, 'name') ?? type)
  return { came, told: came }
}

function readCall(block: JsonObject, parts: DocumentParts): HeldCall {
  const input = block['input']
  if (!isObject(input)) throw malformed('arguments of a call that are no object')
  const callId = textAt(block, 'id') ?? null
  const tool = textAt(block, 'name') ?? ''
  return parts.call({ callId, tool, type: 'tool_use', format: 'json' }, JSON.stringify(input))
}

function rendered(document: JsonObject, blocks: readonly Block[]): JsonObject {
  const content = blocks.map(({ told, call }) => {
    return call?.say === undefined ? told : { type: 'text', text: call.say }
  })
  if (content.every((block, index) => block === blocks[index]?.came)) return document
  const isOver = blocks.every(({ call }) => call === undefined || call.say !== undefined)
  const isChanged = isOver && document['stop_reason'] === 'tool_use'
  return { ...document, content, ...(isChanged ? { stop_reason: 'end_turn' } : {}) }
}
