import type { Claim, ClaimedCall, TranscriptClient } from '../claim.ts'
import { asArray, asObject, asText, type Json, jsonText, parseObject } from '../json-values.ts'
import { readLines } from '../reading.ts'

/** Codex 0.169: a rollout, one item a line; a call has its arguments as a text of JSON. */
export const codex: TranscriptClient = {
  name: 'codex',
  // those of its subagents are beside its own
  places: [['sessions', '*', '*', '*'], ['archived_sessions']].map((below) => ({
    directories: ['.codex', ...below],
    suffix: '.jsonl',
  })),
  housekeeping: [
    /^if \[ -z "\$\{BASH_ENV-\}" \] && .*\n.*\nfi\necho '# Snapshot file'\n/,
    /^set -e; \. "\/home\/agent\/\.codex\/shell_snapshots\/[0-9a-f.tmp-]+"$/,
  ],
  read: (transcript) => readLines(transcript, { claims: claimsOf, calls: callsOf }),
}

function claimsOf(line: Json): Claim[] {
  const item = asObject(line['payload']) ?? {}
  const type = asText(item['type']) ?? ''
  if (line['type'] !== 'response_item' || !CALLS.has(type)) return []
  const tool = asText(item['name']) ?? type
  const at = asText(line['timestamp']) ?? null
  return deedsOf(type, item).map((did) => ({ at, tool, did }))
}

/** What the provider runs by itself is released by nobody. */
const OF_PROVIDER: ReadonlySet<string> = new Set(['web_search_call'])

function callsOf(line: Json): ClaimedCall[] {
  const item = asObject(line['payload']) ?? {}
  const type = asText(item['type']) ?? ''
  const isCall = CALLS.has(type) && !OF_PROVIDER.has(type)
  if (line['type'] !== 'response_item' || !isCall) return []
  const at = asText(line['timestamp']) ?? null
  const id = asText(item['call_id']) ?? null
  return [{ at, id, tool: asText(item['name']) ?? type, type, ...argumentsOf(type, item) }]
}

function argumentsOf(type: string, item: Json): Pick<ClaimedCall, 'arguments' | 'format'> {
  const program = type === 'custom_tool_call' ? asText(item['input']) : undefined
  if (program !== undefined) return { arguments: program, format: 'text' }
  const json = asText(item['arguments']) ?? jsonText(item['action'])
  return { arguments: json, format: 'json' }
}

function deedsOf(type: string, item: Json): Claim['did'][] {
  const commands = type === 'custom_tool_call' ? commandsOf(asText(item['input']) ?? '') : []
  if (commands.length === 0) return [deedOf(item)]
  return commands.map((command) => ({ kind: 'command', command }))
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

const EXEC_CALL = /tools\.exec_command\(/g
/** What follows a call and cannot be part of its argument any more. */
const MAX_ARGUMENT_CHARACTERS = 65_536

/**
 * In its code mode the model writes JavaScript that calls tools; an argument that is plain JSON is
 * read, and anything that is computed is not.
 */
function commandsOf(script: string): string[] {
  const commands: string[] = []
  let from = 0
  for (const { index, 0: call } of script.matchAll(EXEC_CALL)) {
    if (index < from) continue // inside an argument, and so nothing is looked at twice
    const start = index + call.length
    const text = script.slice(start, start + MAX_ARGUMENT_CHARACTERS)
    const length = objectLength(text)
    from = start + length
    const argument = parseObject(text.slice(0, length))
    const command = commandOf(argument?.['cmd'] ?? argument?.['command'])
    if (command !== undefined) commands.push(command)
  }
  return commands
}

/** Of the JSON object that a text begins with; all of it where none ends. */
function objectLength(text: string): number {
  let depth = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\\' && isQuoted) at += 1
    else if (character === '"') isQuoted = !isQuoted
    else if (!isQuoted && character === '{') depth += 1
    else if (!isQuoted && character === '}') depth -= 1
    if (depth === 0) return at + 1
  }
  return text.length
}
