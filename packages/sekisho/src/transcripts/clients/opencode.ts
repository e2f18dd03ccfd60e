import type { Claim, ClaimedCall, TranscriptClient } from '../claim.ts'
import { asObject, asText, type Json, jsonText, parseObject, timeText } from '../json-values.ts'
import { readPieces } from '../reading.ts'
import { rowsOf } from '../sqlite/rows-of.ts'

/**
 * opencode 1.18: a database. A message's parts are rows of JSON, its calls of tools among them, those
 * of subagents too.
 */
export const opencode: TranscriptClient = {
  name: 'opencode',
  places: ['.db', '.db-wal'].map((suffix) => ({
    directories: ['.local', 'share', 'opencode'],
    suffix,
  })),
  journal: '-wal',
  housekeeping: [],
  read: (transcript) => {
    const { rows, unread } = rowsOf(transcript, { table: 'part', columns: ['data'] })
    const parts = rows.map(([data]) => (typeof data === 'string' ? parseObject(data) : undefined))
    const pieces = parts.map((part) => part ?? null)
    const reading = readPieces(pieces, { claims: claimsOf, calls: callsOf })
    return { ...reading, unread: reading.unread + unread }
  },
}

/** Where it puts a call that names no tool of its, or one with arguments that the tool does not take. */
const NOT_RUN = 'invalid'

/** A part that is a call with all its arguments. */
function callOf(part: Json): { tool: string; input: Json; at: string | null } | undefined {
  const state = asObject(part['state']) ?? {}
  const tool = asText(part['tool']) ?? ''
  const isCall = part['type'] === 'tool' && tool !== NOT_RUN && state['status'] !== 'pending'
  if (!isCall) return undefined
  const at = timeText(asObject(state['time'])?.['start'])
  return { tool, input: asObject(state['input']) ?? {}, at }
}

function callsOf(part: Json): ClaimedCall[] {
  const call = callOf(part)
  if (call === undefined) return []
  const { tool, input, at } = call
  const id = asText(part['callID']) ?? null
  return [{ at, id, tool, type: 'tool', arguments: jsonText(input), format: 'json' }]
}

function claimsOf(part: Json): Claim[] {
  const call = callOf(part)
  if (call === undefined) return []
  const { tool, input, at } = call
  return [{ at, tool, did: deedOf(tool, input) }]
}

function deedOf(tool: string, input: Json): Claim['did'] {
  const command = asText(input['command'])
  if (tool === 'bash' && command !== undefined) return { kind: 'command', command }
  const url = asText(input['url'])
  if (tool === 'webfetch' && url !== undefined) return { kind: 'fetch', url }
  return { kind: 'other' }
}
