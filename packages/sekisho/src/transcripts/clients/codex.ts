import type { Claim, TranscriptClient } from '../claim.ts'
import { asArray, asObject, asText, type Json, parseLines, parseObject } from '../json-values.ts'

/** Codex 0.169: a rollout, one item a line; a call has its arguments as a text of JSON. */
export const codex: TranscriptClient = {
  name: 'codex',
  places: [{ directories: ['.codex', 'sessions', '*', '*', '*'], suffix: '.jsonl' }],
  read: (text) => {
    const { objects, unread } = parseLines(text)
    return { claims: objects.flatMap(claimOf), unread }
  },
}

function claimOf(line: Json): Claim[] {
  const item = asObject(line['payload'])
  const type = asText(item?.['type']) ?? ''
  if (line['type'] !== 'response_item' || item === undefined || !CALLS.has(type)) return []
  const tool = asText(item['name']) ?? type
  return [{ at: asText(line['timestamp']) ?? null, tool, did: deedOf(item) }]
}

const CALLS: ReadonlySet<string> = new Set([
  'function_call',
  'local_shell_call',
  'custom_tool_call',
  'web_search_call',
])

function deedOf(item: Json): Claim['did'] {
  const input = asObject(item['action']) ?? parseObject(asText(item['arguments']) ?? '') ?? {}
  const command = commandOf(input['command'] ?? input['cmd'])
  return command === undefined ? { kind: 'other' } : { kind: 'command', command }
}

/** A shell's own script, where the command is a shell with one. */
function commandOf(value: unknown): string | undefined {
  const text = asText(value)
  if (text !== undefined) return text
  const words = asArray(value).filter((word) => typeof word === 'string')
  if (words.length === 0) return undefined
  const [program = '', option = '', script] = words
  const isShell = /(?:^|\/)(?:ba|z|da)?sh$/.test(program) && /^-l?c$/.test(option)
  return isShell && script !== undefined ? script : words.join(' ')
}
