import { type ArgumentValue, memberOf } from './argument-value.ts'
import { readProgram } from './program/read-program.ts'
import { openWrapper } from './open-wrapper.ts'
import { readTool } from './read-tool.ts'
import { knownTool } from './tools/all.ts'
import type { ToolEntry } from './tools/tool-entry.ts'
import { boundReading, type ToolReading, UNKNOWN_COMMAND } from './tool-reading.ts'
import { Unreadable } from './unreadable.ts'

/** Wrappers within wrappers. */
const MAX_DEPTH = 4

export type NamedCall = {
  tool: string
  /** as the format has it; empty where a wrapper has none */
  type: string
  /** a text where the arguments are no JSON */
  value: ArgumentValue
}

/**
 * The tools that a call comes to, with wrappers opened; at least one.
 *
 * @throws Unreadable for arguments that cannot be read, or that clients read in different ways
 */
export function readCall(call: NamedCall, depth = 0): ToolReading[] {
  if (depth > MAX_DEPTH) throw new Unreadable(`calls within calls, ${MAX_DEPTH} deep`)
  const inner = openWrapper(call)
  if (inner !== undefined) return inner.flatMap((one) => readCall(one, depth + 1))
  // `local_shell_call` and its like are tools by their type, whatever they are called
  const entry = knownTool(call.type) ?? knownTool(call.tool)
  const value = namedValue(entry, call.value)
  const program = programIn(entry, value)
  if (program === undefined) return [readTool(call.tool, entry, value)]
  return [...readCalls(program, call.tool, depth), ...besides(call.tool, entry, value)]
}

function readCalls(program: string, tool: string, depth: number): ToolReading[] {
  const { calls, hidden } = readProgram(program)
  const readings = calls.flatMap((one) => readCall({ ...one, type: '' }, depth + 1))
  if (hidden === null && readings.length > 0) return readings
  const commands = hidden === null ? [] : [UNKNOWN_COMMAND]
  const does = hidden === null ? 'other' : 'shell'
  const rest = { tool, does, commands, paths: [], urls: [], findings: new Set<string>() } as const
  return [...readings, boundReading({ ...rest, commands, paths: [], urls: [] })]
}

/** A tool that takes a program or a line, and was given both. */
function besides(tool: string, entry: ToolEntry | undefined, value: ArgumentValue): ToolReading[] {
  const hasLine = (entry?.lines ?? []).some((name) => memberOf(value, name) !== undefined)
  return hasLine ? [readTool(tool, entry, value)] : []
}

function programIn(entry: ToolEntry | undefined, value: ArgumentValue): string | undefined {
  for (const name of entry?.programs ?? []) {
    const program = memberOf(value, name)
    if (typeof program === 'string') return program
  }
  return undefined
}

/** The one text of a tool whose arguments are no JSON, under the name that it has in JSON. */
function namedValue(entry: ToolEntry | undefined, value: ArgumentValue): ArgumentValue {
  if (typeof value !== 'string' || entry === undefined) return value
  const { programs, lines, patches, typed, code } = entry
  const [name] = programs ?? lines ?? patches ?? typed ?? code ?? []
  return name === undefined ? value : { [name]: value }
}
