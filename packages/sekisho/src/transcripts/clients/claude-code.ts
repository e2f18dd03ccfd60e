import type { Claim, ClaimedCall, TranscriptClient } from '../claim.ts'
import { asArray, asObject, asText, type Json, jsonText, objectsOf } from '../json-values.ts'
import { readLines } from '../reading.ts'

const PROJECT = ['.claude', 'projects', '*']
const SUBAGENTS = [...PROJECT, '*', 'subagents']

/**
 * Claude Code 2.1: one JSON object a line; a message of the model has its tool calls as blocks. What
 * its subagents do stands in files of their own.
 */
export const claudeCode: TranscriptClient = {
  name: 'claude-code',
  places: [PROJECT, SUBAGENTS, [...SUBAGENTS, '*'], [...SUBAGENTS, '*', '*']].map(
    (directories) => ({ directories, suffix: '.jsonl' }),
  ),
  housekeeping: [/^env$/, /^SNAPSHOT_FILE=\/home\/agent\/\.claude\/shell-snapshots\//],
  read: (transcript) => readLines(transcript, { claims: claimsOf, calls: callsOf }),
}

function claimsOf(entry: Json): Claim[] {
  const at = asText(entry['timestamp']) ?? null
  return blocksOf(entry).map((call) => {
    const tool = asText(call['name']) ?? ''
    return { at, tool, did: deedOf(tool, asObject(call['input']) ?? {}) }
  })
}

function callsOf(entry: Json): ClaimedCall[] {
  const at = asText(entry['timestamp']) ?? null
  const cwd = asText(entry['cwd'])
  return blocksOf(entry).map((call) => {
    const tool = asText(call['name']) ?? ''
    const json = jsonText(call['input'])
    return {
      at,
      id: asText(call['id']) ?? null,
      tool,
      type: 'tool_use',
      arguments: json,
      format: 'json',
      ...(REWRITTEN.has(tool) && { rewritten: [json, ...spellingsOf(call['input'], cwd)] }),
    }
  })
}

/**
 * Tools whose arguments it has changed before it runs them and writes them down: blanks at the ends
 * of lines, defaults, fields that it does not know, a command's `cd` to where it is.
 */
const REWRITTEN: ReadonlySet<string> = new Set([
  'Bash',
  'Write',
  'Edit',
  'MultiEdit',
  'NotebookEdit',
  'ExitPlanMode',
])

/** How a command may have come that it writes down as this one. */
function spellingsOf(input: unknown, cwd: string | undefined): string[] {
  const command = asText(asObject(input)?.['command'])
  if (command === undefined) return []
  const escaped = command.replaceAll(String.raw`\;`, String.raw`\\;`)
  const moved = cwd === undefined ? [] : [`cd ${cwd} && ${command}`, `cd ${cwd} && ${escaped}`]
  return [escaped, ...moved].map((one) => jsonText({ command: one }))
}

function blocksOf(entry: Json): Json[] {
  if (entry['type'] !== 'assistant') return []
  const blocks = objectsOf(asArray(asObject(entry['message'])?.['content']))
  return blocks.filter(({ type }) => type === 'tool_use')
}

function deedOf(tool: string, input: Json): Claim['did'] {
  const command = asText(input['command'])
  if (tool === 'Bash' && command !== undefined) return { kind: 'command', command }
  const url = asText(input['url'])
  if (tool === 'WebFetch' && url !== undefined) return { kind: 'fetch', url }
  return { kind: 'other' }
}
