import { changedChoice } from './chat-render.ts'
import { checkBeside, readCall, readLegacyCall, readTexts, type ChatCall } from './chat-fields.ts'
import type { DocumentForm, DocumentParts } from './document.ts'
import { listAt } from './format-reader.ts'
import type { HeldCall } from './held-call.ts'
import { type JsonObject, objectAt, textAt } from './json-object.ts'

/** A whole reply of Chat Completions. */
export const chatDocument: DocumentForm = {
  read: (document, parts) => {
    const { facts } = parts.reply
    facts.name(document['model'])
    facts.spent(document['usage'])
    const choices = listAt(document, 'choices').map((choice) => readChoice(choice, parts))
    return () => {
      const told = choices.map((render) => render())
      const isSame = told.every(({ choice, came }) => choice === came)
      return isSame ? document : { ...document, choices: told.map(({ choice }) => choice) }
    }
  },
  saying: (say) => ({
    id: 'chatcmpl-sekisho',
    object: 'chat.completion',
    created: 0,
    model: 'sekisho',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: say },
        finish_reason: 'stop',
        logprobs: null,
      },
    ],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  }),
}

type Rendered = { came: JsonObject; choice: JsonObject }

function readChoice(came: JsonObject, parts: DocumentParts): () => Rendered {
  const message = objectAt(came, 'message') ?? {}
  parts.reply.facts.stop = textAt(came, 'finish_reason') ?? null
  checkBeside(parts.reply, came, 'delta')
  const texts: Record<string, string> = {}
  for (const { name, kind, text } of readTexts(parts.reply, message)) {
    const told = parts.text(kind, text)
    if (told !== text) texts[name] = told
  }
  const entries = listAt(message, 'tool_calls').map((entry) => {
    const read = readCall(parts.reply, entry)
    return { entry, call: read === undefined ? undefined : openIn(parts, read) }
  })
  const read = readLegacyCall(message)
  const legacy = read === undefined ? undefined : openIn(parts, read)
  return () => ({ came, choice: rendered(came, { message, texts, entries, legacy }) })
}

function openIn(parts: DocumentParts, { id, name, type, piece }: ChatCall): HeldCall {
  const format = type === 'custom' ? 'text' : 'json'
  return parts.call({ callId: id === '' ? null : id, tool: name, type, format }, piece)
}

type Parts = {
  message: JsonObject
  texts: Readonly<Record<string, string>>
  entries: readonly { entry: JsonObject; call: HeldCall | undefined }[]
  legacy: HeldCall | undefined
}

function rendered(came: JsonObject, { message, texts, entries, legacy }: Parts): JsonObject {
  const calls = [...entries.map(({ call }) => call), legacy]
  const says = calls.flatMap((call) => (call?.say === undefined ? [] : [call.say]))
  if (says.length === 0) {
    const isSame = Object.keys(texts).length === 0
    return isSame ? came : changedChoice(came, { ...message, ...texts }, undefined)
  }
  const kept = entries.filter(({ call }) => call?.say === undefined).map(({ entry }) => entry)
  const { tool_calls: _, function_call: called, ...rest } = message
  const text = texts['content'] ?? textAt(message, 'content') ?? ''
  const content = [text, ...says].filter((part) => part !== '').join('\n\n')
  const left = {
    ...(kept.length > 0 ? { tool_calls: kept } : {}),
    ...(legacy?.isReleased === true ? { function_call: called } : {}),
  }
  const finish = Object.keys(left).length === 0 ? 'stop' : undefined
  return changedChoice(came, { ...rest, ...texts, content, ...left }, finish)
}
