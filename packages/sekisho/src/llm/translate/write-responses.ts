import type { Conversation, Item, Part, Role } from './conversation.ts'
import { writeUrl } from './openai-values.ts'
import { Untranslatable } from './untranslatable.ts'

/** Nothing is kept by the provider. @throws Untranslatable */
export function writeResponses(conversation: Conversation): object {
  const { model, stream, maxOutputTokens, temperature, topP, stop, tools, choice, isParallel } =
    conversation
  if (stop.length > 0) throw new Untranslatable('stop', 'texts that end a reply')
  return {
    model,
    input: conversation.items.map(writeItem),
    store: false,
    ...(maxOutputTokens === null ? {} : { max_output_tokens: maxOutputTokens }),
    ...(tools.length === 0 ? {} : { tools: tools.map(writeTool) }),
    ...(choice === null ? {} : { tool_choice: writeChoice(choice) }),
    ...(isParallel === null ? {} : { parallel_tool_calls: isParallel }),
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    ...writeFormat(conversation),
    ...(stream ? { stream } : {}),
  }
}

function writeTool({ name, description, schema, isStrict }: Conversation['tools'][number]): object {
  const said = description === null ? {} : { description }
  // left out, this format takes it for true, and refuses most schemas
  return { type: 'function', name, ...said, parameters: schema, strict: isStrict ?? false }
}

function writeChoice(choice: NonNullable<Conversation['choice']>): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.tool }
}

function writeFormat({ format }: Conversation): object {
  if (format === null) return {}
  if (format.kind === 'object') return { text: { format: { type: 'json_object' } } }
  const { name, schema, isStrict } = format
  const strict = isStrict === null ? {} : { strict: isStrict }
  return { text: { format: { type: 'json_schema', name, schema, ...strict } } }
}

function writeItem(item: Item): object {
  switch (item.kind) {
    case 'said':
      return {
        type: 'message',
        role: item.role,
        content: item.parts.map((part) => writePart(part, item.role)),
      }
    case 'call':
      return { type: 'function_call', call_id: item.id, name: item.tool, arguments: item.arguments }
    case 'result':
      return { type: 'function_call_output', call_id: item.id, output: writeOutput(item.parts) }
  }
}

function writeOutput(parts: readonly Part[]): unknown {
  const [only] = parts
  if (parts.length === 0) return ''
  if (parts.length === 1 && only?.kind === 'text') return only.text
  return parts.map((part) => writePart(part, 'user'))
}

function writePart(part: Part, role: Role): object {
  if (part.kind !== 'text')
    return { type: 'input_image', image_url: writeUrl(part), detail: 'auto' }
  return { type: role === 'assistant' ? 'output_text' : 'input_text', text: part.text }
}
