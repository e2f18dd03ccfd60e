import type { Conversation, Item, Part } from './conversation.ts'
import { readStrictJson } from '../hold/strict-json.ts'
import { isObject } from '../hold/json-object.ts'
import { Untranslatable } from './untranslatable.ts'

type Message = { role: 'user' | 'assistant'; content: object[] }

/** @throws Untranslatable */
export function writeMessages(
  conversation: Conversation,
  options: { defaultMaxTokens: number; dropped: Set<string> },
): object {
  const { model, stream, maxOutputTokens, temperature, topP, stop, tools } = conversation
  if (temperature !== null && temperature > 1) {
    throw new Untranslatable('temperature', 'above what this provider takes')
  }
  const { system, messages } = arrange(conversation.items, options.dropped)
  return {
    model,
    max_tokens: maxOutputTokens ?? options.defaultMaxTokens,
    ...(system.length === 0 ? {} : { system }),
    messages,
    ...(tools.length === 0 ? {} : { tools: tools.map(writeTool) }),
    ...writeChoice(conversation),
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(stop.length === 0 ? {} : { stop_sequences: stop }),
    ...writeFormat(conversation),
    ...(stream ? { stream } : {}),
  }
}

function writeTool({ name, description, schema }: Conversation['tools'][number]): object {
  return { name, ...(description === null ? {} : { description }), input_schema: schema }
}

/** A choice is only taken beside tools. */
function writeChoice({ choice, isParallel, tools }: Conversation): object {
  if (tools.length === 0) return {}
  const alone = isParallel === false ? { disable_parallel_tool_use: true } : {}
  if (choice === null)
    return isParallel === false ? { tool_choice: { type: 'auto', ...alone } } : {}
  if (choice === 'none') return { tool_choice: { type: 'none' } }
  if (typeof choice === 'object')
    return { tool_choice: { type: 'tool', name: choice.tool, ...alone } }
  return { tool_choice: { type: choice === 'required' ? 'any' : 'auto', ...alone } }
}

function writeFormat({ format }: Conversation): object {
  if (format === null) return {}
  if (format.kind === 'object') throw new Untranslatable('format', 'JSON without a schema')
  return { output_config: { format: { type: 'json_schema', schema: format.schema } } }
}

/** Turns of user and assistant, each with all that it says in a row. */
function arrange(
  items: readonly Item[],
  dropped: Set<string>,
): { system: object[]; messages: Message[] } {
  const begin = items.findIndex((item) => !isSystem(item))
  const inFront = begin === -1 ? items : items.slice(0, begin)
  const messages: Message[] = []
  for (const item of items.slice(inFront.length)) {
    // what instructs in the middle of a conversation is said by the user here
    if (isSystem(item)) dropped.add('role system')
    const role = isByAssistant(item) ? 'assistant' : 'user'
    const content = writeItem(item)
    const last = messages.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) messages.push({ role, content })
  }
  return { system: inFront.flatMap(writeItem), messages: messages.map(resultsFirst) }
}

function isSystem(item: Item): boolean {
  return item.kind === 'said' && item.role === 'system'
}

function isByAssistant(item: Item): boolean {
  return item.kind === 'call' || (item.kind === 'said' && item.role === 'assistant')
}

/** The provider wants results right behind their calls, before anything that is said with them. */
function resultsFirst({ role, content }: Message): Message {
  if (role === 'assistant') return { role, content }
  const results = content.filter(isResult)
  return { role, content: [...results, ...content.filter((block) => !isResult(block))] }
}

function isResult(block: object): boolean {
  return 'tool_use_id' in block
}

function writeItem(item: Item): object[] {
  switch (item.kind) {
    case 'said':
      return writeParts(item.parts)
    case 'call':
      return [{ type: 'tool_use', id: item.id, name: item.tool, input: inputOf(item.arguments) }]
    case 'result':
      return [{ type: 'tool_result', tool_use_id: item.id, content: writeParts(item.parts) }]
  }
}

function inputOf(text: string): object {
  if (text.trim() === '') return {}
  const read = readStrictJson(text)
  if ('value' in read && isObject(read.value)) return read.value
  throw new Untranslatable('arguments', 'of an earlier call: no JSON object')
}

/** An empty text is refused. */
function writeParts(parts: readonly Part[]): object[] {
  return parts.filter((part) => part.kind !== 'text' || part.text !== '').map(writePart)
}

function writePart(part: Part): object {
  switch (part.kind) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image': {
      const source = { type: 'base64', media_type: part.mediaType, data: part.base64 }
      return { type: 'image', source }
    }
    case 'image-at':
      return { type: 'image', source: { type: 'url', url: part.url } }
  }
}
