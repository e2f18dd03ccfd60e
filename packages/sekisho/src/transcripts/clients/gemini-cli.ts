import type { Claim, Claims, TranscriptClient } from '../claim.ts'
import {
  asArray,
  asObject,
  asText,
  type Json,
  objectsOf,
  parseLines,
  parseObject,
} from '../json-values.ts'

/** Gemini CLI 0.61: a chat as one JSON object, or as a message a line. */
export const geminiCli: TranscriptClient = {
  name: 'gemini-cli',
  places: [
    { directories: ['.gemini', 'tmp', '*', 'chats'], suffix: '.json' },
    { directories: ['.gemini', 'tmp', '*', 'chats'], suffix: '.jsonl' },
  ],
  housekeeping: [],
  read: (text) => {
    const chat = parseObject(text)
    if (chat !== undefined) return { claims: messagesOf(chat).flatMap(claimsOf), unread: 0 }
    return readLines(text)
  },
}

function readLines(text: string): Claims {
  const { objects, unread } = parseLines(text)
  return { claims: objects.flatMap(claimsOf), unread }
}

function messagesOf(chat: Json): Json[] {
  return objectsOf(asArray(chat['messages']))
}

function claimsOf(message: Json): Claim[] {
  return asArray(message['toolCalls']).flatMap((one) => {
    const call = asObject(one)
    if (call === undefined) return []
    const tool = asText(call['name']) ?? ''
    const at = asText(call['timestamp']) ?? asText(message['timestamp']) ?? null
    return [{ at, tool, did: deedOf(tool, asObject(call['args']) ?? {}) }]
  })
}

function deedOf(tool: string, args: Json): Claim['did'] {
  const command = asText(args['command'])
  if (tool === 'run_shell_command' && command !== undefined) return { kind: 'command', command }
  const url = asText(args['url'])
  return url === undefined ? { kind: 'other' } : { kind: 'fetch', url }
}
