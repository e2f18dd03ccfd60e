import { zstdDecompressSync } from 'node:zlib'
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
import { readPieces } from '../reading.ts'
import type { SqlValue } from '../sqlite/record.ts'
import { rowsOf } from '../sqlite/rows-of.ts'

/**
 * OpenClaw 2026.9: a database for each agent. What happens in its sessions, those of subagents too, is
 * a row of JSON each; old ones it compresses.
 */
export const openclaw: TranscriptClient = {
  name: 'openclaw',
  places: ['', '-wal'].map((end) => ({
    directories: ['.openclaw', 'agents', '*', 'agent'],
    suffix: `openclaw-agent.sqlite${end}`,
  })),
  journal: '-wal',
  // what a login shell has in its environment
  housekeeping: [/^printf '\\0'; env -0$/],
  read: (transcript) => {
    const columns = ['event_json', 'event_zstd']
    const { rows, unread } = rowsOf(transcript, { table: 'transcript_events', columns })
    const reading = readPieces(eventsOf(rows), { claims: claimsOf, calls: callsOf })
    return { ...reading, unread: reading.unread + unread }
  },
}

/** Its own bound of one event. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024
/** Of one log, made of what is compressed. */
const MAX_UNPACKED_BYTES = 64 * 1024 * 1024

function* eventsOf(rows: readonly (readonly SqlValue[])[]): Generator<Json | null, void> {
  let room = MAX_UNPACKED_BYTES
  for (const [json, packed] of rows) {
    const bytes = packed instanceof Uint8Array && room > 0 ? unpacked(packed) : null
    room -= bytes?.length ?? 0
    const text = typeof json === 'string' ? json : bytes?.toString('utf8')
    yield (text === undefined ? undefined : parseObject(text)) ?? null
  }
}

function unpacked(packed: Uint8Array): Buffer | null {
  try {
    return zstdDecompressSync(packed, { maxOutputLength: MAX_EVENT_BYTES })
  } catch {
    return null // not what it should be: the caller counts it
  }
}

function callsOf(event: Json): ClaimedCall[] {
  return blocksOf(event).map((call) => {
    const json = jsonText(call['arguments'])
    return {
      at: asText(event['timestamp']) ?? null,
      id: idOf(call),
      tool: asText(call['name']) ?? '',
      type: 'toolCall',
      arguments: json,
      format: 'json',
      isCovered: COVERED.test(json),
    }
  })
}

/** What it writes in the place of what looks like a secret, or of the middle of it. */
const COVERED = /\*\*\*|…/

/** Of Responses it keeps the item's id behind the call's. */
function idOf(call: Json): string | null {
  return asText(call['id'])?.split('|', 1)[0] ?? null
}

function claimsOf(event: Json): Claim[] {
  const at = asText(event['timestamp']) ?? null
  return blocksOf(event).map((call) => {
    const { tool, input } = opened(asText(call['name']) ?? '', asObject(call['arguments']) ?? {})
    return { at, tool, did: deedOf(tool, input) }
  })
}

/** Its tools are called through another one, by `exec` or by `openclaw:core:exec`. */
function opened(tool: string, input: Json): { tool: string; input: Json } {
  const inner = asText(input['id'])?.split(':').at(-1)
  if (tool !== 'tool_call' || inner === undefined) return { tool, input }
  return { tool: inner, input: asObject(input['args']) ?? {} }
}

function blocksOf(event: Json): Json[] {
  const message = asObject(event['message']) ?? {}
  if (event['type'] !== 'message' || message['role'] !== 'assistant') return []
  return objectsOf(asArray(message['content'])).filter(({ type }) => type === 'toolCall')
}

function deedOf(tool: string, input: Json): Claim['did'] {
  const command = beforeCovered(asText(input['command']) ?? '')
  if (tool === 'exec' && command !== '') return { kind: 'command', command }
  const url = asText(input['url'])
  if (tool === 'web_fetch' && url !== undefined) return { kind: 'fetch', url }
  return { kind: 'other' }
}

/** Whole words before what is covered: what follows is not what has run. */
function beforeCovered(command: string): string {
  const at = command.search(COVERED)
  return at < 0 ? command : command.slice(0, command.lastIndexOf(' ', at) + 1)
}
