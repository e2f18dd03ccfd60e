import type { Conversation, Part } from './conversation.ts'
import { isObject, type JsonObject, objectAt, textAt } from '../hold/json-object.ts'
import { Untranslatable } from './untranslatable.ts'

const DATA_URL = /^data:(?<mediaType>[\w.+/-]+);base64,(?<base64>[A-Za-z0-9+/=_-]*)$/

/** A picture as OpenAI's formats have it. */
export function readDataUrl(url: string): Part {
  const { mediaType, base64 } = DATA_URL.exec(url)?.groups ?? {}
  if (mediaType === undefined || base64 === undefined) return { kind: 'image-at', url }
  return { kind: 'image', mediaType, base64 }
}

export function writeUrl(part: Exclude<Part, { kind: 'text' }>): string {
  return part.kind === 'image' ? `data:${part.mediaType};base64,${part.base64}` : part.url
}

/** Of a tool by its name both spellings are taken: one has a `function` in it. */
export function readOpenaiChoice(value: unknown, path: string): Conversation['choice'] {
  if (value === undefined) return null
  if (value === 'auto' || value === 'none' || value === 'required') return value
  const tool = isObject(value) ? toolOf(value) : undefined
  if (tool === undefined) throw new Untranslatable(path, 'not known in the other format')
  return { tool }
}

function toolOf(choice: JsonObject): string | undefined {
  const { type } = choice
  if (type !== 'function' && type !== 'custom') return undefined
  return textAt(objectAt(choice, 'function') ?? choice, 'name')
}
