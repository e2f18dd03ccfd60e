import type { Claim, ClaimedCall, TranscriptClient } from '../claim.ts'
import {
  asArray,
  asObject,
  asText,
  type Json,
  jsonText,
  objectsOf,
  parseObject,
} from '../json-values.ts'
import { readLines, readPieces, textOf } from '../reading.ts'

const CHATS = ['.gemini', 'tmp', '*', 'chats']

/** Gemini CLI 0.61: a chat as one JSON object, or as a message a line; a subagent's is below it. */
export const geminiCli: TranscriptClient = {
  name: 'gemini-cli',
  places: [CHATS, [...CHATS, '*']].flatMap((directories) => [
    { directories, suffix: '.json' },
    { directories, suffix: '.jsonl' },
  ]),
  // what kind of machine it is on, for its metrics
  housekeeping: [
    /^lspci -vvv {2}2>\/dev\/null$/,
    /^clinfo --raw$/,
    /^xdpyinfo 2>\/dev\/null \| grep 'depth of root window' \| awk '\{ print \$5 \}'$/,
    /^xrandr --verbose 2>\/dev\/null$/,
  ],
  read: (transcript) => {
    const chat = parseObject(textOf(transcript))
    const read = { claims: claimsOf, calls: callsOf }
    if (chat !== undefined) return readPieces(messagesOf(chat), read)
    return readLines(transcript, {
      claims: (line) => messagesIn(line).flatMap(claimsOf),
      calls: (line) => messagesIn(line).flatMap(callsOf),
    })
  },
}

/** A line is a message, or what it changes of the chat; one that is resumed begins with all of it. */
function messagesIn(line: Json): Json[] {
  return [line, ...messagesOf(asObject(line['$set']) ?? {})]
}

function callsOf(message: Json): ClaimedCall[] {
  return objectsOf(asArray(message['toolCalls'])).map((call) => {
    const tool = asText(call['name']) ?? ''
    return {
      at: asText(call['timestamp']) ?? asText(message['timestamp']) ?? null,
      id: idOf(asText(call['id']), tool),
      tool,
      type: 'functionCall',
      arguments: jsonText(call['args']),
      format: 'json',
    }
  })
}

/** It puts the tool's name before the provider's id; where there is none, the id is its own. */
function idOf(id: string | undefined, tool: string): string | null {
  const prefix = `${tool}__`
  return id?.startsWith(prefix) === true ? id.slice(prefix.length) : (id ?? null)
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
