import type { Claim, TranscriptClient } from '../claim.ts'
import { asArray, asObject, asText, type Json, parseLines } from '../json-values.ts'

/** Claude Code 2.1: one JSON object a line; a message of the model has its tool calls as blocks. */
export const claudeCode: TranscriptClient = {
  name: 'claude-code',
  places: [{ directories: ['.claude', 'projects', '*'], suffix: '.jsonl' }],
  housekeeping: [/^env$/, /^SNAPSHOT_FILE=\/home\/agent\/\.claude\/shell-snapshots\//],
  read: (text) => {
    const { objects, unread } = parseLines(text)
    return { claims: objects.flatMap(claimsOf), unread }
  },
}

function claimsOf(entry: Json): Claim[] {
  if (entry['type'] !== 'assistant') return []
  const at = asText(entry['timestamp']) ?? null
  return asArray(asObject(entry['message'])?.['content']).flatMap((block) => {
    const call = asObject(block)
    if (call?.['type'] !== 'tool_use') return []
    const tool = asText(call['name']) ?? ''
    return [{ at, tool, did: deedOf(tool, asObject(call['input']) ?? {}) }]
  })
}

function deedOf(tool: string, input: Json): Claim['did'] {
  const command = asText(input['command'])
  if (tool === 'Bash' && command !== undefined) return { kind: 'command', command }
  const url = asText(input['url'])
  if (tool === 'WebFetch' && url !== undefined) return { kind: 'fetch', url }
  return { kind: 'other' }
}
