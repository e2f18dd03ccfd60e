import type { Conversation, Item, Part } from './conversation.ts'
import { writeUrl } from './openai-values.ts'

export type ChatLimit = 'max_tokens' | 'max_completion_tokens'

type Message = {
  role: string
  content?: unknown
  tool_calls?: object[]
  tool_call_id?: string
}

/** @param limitName OpenAI's newer models take no `max_tokens`, and many other servers nothing else */
export function writeChat(conversation: Conversation, limitName: ChatLimit): object {
  const { model, stream, maxOutputTokens, temperature, topP, stop } = conversation
  return {
    model,
    messages: arrange(conversation.items),
    ...(maxOutputTokens === null ? {} : { [limitName]: maxOutputTokens }),
    ...writeTools(conversation),
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...(stop.length === 0 ? {} : { stop }),
    ...writeFormat(conversation),
    // without it nobody is told what the reply has cost
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
  }
}

/** What is said of tools is only taken beside some. */
function writeTools({ tools, choice, isParallel }: Conversation): object {
  if (tools.length === 0) return {}
  return {
    tools: tools.map(writeTool),
    ...(choice === null ? {} : { tool_choice: writeChoice(choice) }),
    ...(isParallel === null ? {} : { parallel_tool_calls: isParallel }),
  }
}

function writeTool({ name, description, schema, isStrict }: Conversation['tools'][number]): object {
  const definition = {
    name,
    ...(description === null ? {} : { description }),
    parameters: schema,
    ...(isStrict === null ? {} : { strict: isStrict }),
  }
  return { type: 'function', function: definition }
}

function writeChoice(choice: NonNullable<Conversation['choice']>): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.tool } }
}

function writeFormat({ format }: Conversation): object {
  if (format === null) return {}
  if (format.kind === 'object') return { response_format: { type: 'json_object' } }
  const { name, schema, isStrict } = format
  const strict = isStrict === null ? {} : { strict: isStrict }
  return { response_format: { type: 'json_schema', json_schema: { name, schema, ...strict } } }
}

/** Calls belong to the message that they follow; pictures of results to the user behind them all. */
function arrange(items: readonly Item[]): Message[] {
  const messages: Message[] = []
  let pictures: Part[] = []
  const show = (): void => {
    if (pictures.length > 0) messages.push({ role: 'user', content: pictures.map(writePart) })
    pictures = []
  }
  for (const item of items) {
    if (item.kind !== 'result') show()
    if (item.kind === 'call') addCall(messages, item)
    else if (item.kind === 'said') messages.push(writeSaid(item))
    else {
      messages.push({ role: 'tool', tool_call_id: item.id, content: textsOf(item.parts) })
      pictures.push(...item.parts.filter(({ kind }) => kind !== 'text'))
    }
  }
  show()
  return messages
}

function addCall(
  messages: Message[],
  { id, tool, arguments: args }: Item & { kind: 'call' },
): void {
  const call = { id, type: 'function', function: { name: tool, arguments: args } }
  const last = messages.at(-1)
  if (last?.role !== 'assistant') {
    messages.push({ role: 'assistant', content: null, tool_calls: [call] })
    return
  }
  last.tool_calls = [...(last.tool_calls ?? []), call]
}

function writeSaid({ role, parts }: Item & { kind: 'said' }): Message {
  const isPlain = role !== 'user' && parts.every(({ kind }) => kind === 'text')
  return { role, content: isPlain ? textsOf(parts) : parts.map(writePart) }
}

function textsOf(parts: readonly Part[]): string {
  return parts.flatMap((part) => (part.kind === 'text' ? [part.text] : [])).join('\n')
}

function writePart(part: Part): object {
  if (part.kind === 'text') return { type: 'text', text: part.text }
  return { type: 'image_url', image_url: { url: writeUrl(part) } }
}
