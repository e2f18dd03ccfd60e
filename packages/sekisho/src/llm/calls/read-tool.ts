import type { ToolDoing } from '../../core/action.ts'
import { findInPlaces } from '../../detect/commands/all.ts'
import { foldCase } from '../hold/alike-names.ts'
import {
  type ArgumentValue,
  hasUnknown,
  memberOf,
  membersOf,
  textsOf,
  UNKNOWN,
} from './argument-value.ts'
import { isAbsolutePath, urlsIn } from './named-places.ts'
import { patchPaths } from './patch-paths.ts'
import { type Commands, readCommands, readCommandsOf, readTyped } from './read-commands.ts'
import { readSurroundings } from './shell-surroundings.ts'
import { plainName } from './tools/all.ts'
import type { ToolEntry } from './tools/tool-entry.ts'
import { boundReading, type ToolReading, UNKNOWN_COMMAND } from './tool-reading.ts'
import { Unreadable } from './unreadable.ts'

/**
 * What one tool does that wraps no other.
 *
 * @param entry undefined for a tool that nobody here knows
 *
 * @throws Unreadable for arguments that cannot be read
 */
export function readTool(
  tool: string,
  entry: ToolEntry | undefined,
  value: ArgumentValue,
): ToolReading {
  if (entry !== undefined) checkNames(entry, value)
  const read = entry === undefined ? readUnknownTool(tool, value) : readKnownTool(entry, value)
  const findings = new Set([...read.findings, ...findInPlaces(read)])
  return boundReading({ ...read, tool, findings })
}

/**
 * `encoding/json` of Go finds a member under its name in any case: a client in Go would run what
 * nobody here has found.
 */
function checkNames(entry: ToolEntry, value: ArgumentValue): void {
  const paths = Object.values(entry).flatMap((names) => (Array.isArray(names) ? names : []))
  const known = new Set(paths.flatMap((path: string) => path.split('.')))
  const folded = new Set([...known].map(foldCase))
  const isOther = (name: string): boolean => !known.has(name) && folded.has(foldCase(name))
  const inner = [...known].map((name): ArgumentValue => memberOf(value, name) ?? null)
  const all: readonly ArgumentValue[] = [value, ...inner]
  const names = all.flatMap((each) => Object.keys(membersOf(each)))
  if (names.some(isOther)) throw new Unreadable('arguments under a name in another case')
}

type Read = Omit<ToolReading, 'tool'>

function readKnownTool(entry: ToolEntry, value: ArgumentValue): Read {
  const read = gather(entry.does, [
    ...eachOf(entry.lines, value, (line) => readLine(entry, line, value)),
    ...eachOf(entry.lineLists, value, (list) => readLines(list)),
    ...eachOf(entry.typed, value, readTyped),
    ...eachOf(entry.code, value, () => ({ commands: [UNKNOWN_COMMAND] })),
    ...eachOf(entry.patches, value, readPatch),
    ...eachOf(entry.paths, value, (paths) => ({ paths: textsIn(paths) })),
    ...eachOf(entry.urls, value, (urls) => ({ urls: textsIn(urls) })),
    ...eachOf(entry.texts, value, (texts) => ({ urls: textsIn(texts).flatMap(urlsIn) })),
    ...(entry.does === 'shell' ? [readSurroundings((name) => at(value, name))] : []),
  ])
  const isBlank = entry.does === 'shell' && !hasCommand(entry, value)
  const isVague = entry.does !== 'other' && namesUnknown(entry, value)
  // nobody knows what it runs, or where it strikes
  return isBlank || isVague ? { ...read, commands: [...read.commands, UNKNOWN_COMMAND] } : read
}

function hasCommand(entry: ToolEntry, value: ArgumentValue): boolean {
  const names = [entry.lines, entry.lineLists, entry.typed, entry.code].flatMap(
    (list) => list ?? [],
  )
  return names.some((name) => at(value, name) !== undefined)
}

function namesUnknown({ paths, urls, patches }: ToolEntry, value: ArgumentValue): boolean {
  if (value === UNKNOWN) return true
  const names = [paths, urls, patches].flatMap((list) => list ?? [])
  return names.some((name) => hasUnknown(at(value, name) ?? null))
}

function readLine(entry: ToolEntry, line: ArgumentValue, value: ArgumentValue): Partial<Commands> {
  const [shell] = (entry.shells ?? []).flatMap((name) => at(value, name) ?? [])
  return shell === undefined ? readCommands(line, entry.language) : readCommandsOf(shell, line)
}

function readLines(list: ArgumentValue): Partial<Commands> {
  const lines: readonly ArgumentValue[] = Array.isArray(list) ? list : [UNKNOWN]
  return gather(
    'shell',
    lines.map((line) => readCommands(line)),
  )
}

function readPatch(patch: ArgumentValue): Partial<Commands> {
  if (typeof patch !== 'string') return {}
  const paths = patchPaths(patch)
  if (paths === null) throw new Unreadable('a patch that names no file')
  return { paths }
}

/** Names after which a line stands in tools of others. */
const LINE_NAMES: ReadonlySet<string> = new Set(['command', 'cmd', 'commandline', 'command_line'])

function readUnknownTool(tool: string, value: ArgumentValue): Read {
  const texts = [...textsOf(value)]
  const lines = texts.filter(({ name }) => LINE_NAMES.has(name.toLowerCase()))
  const places = texts.flatMap(({ text }) => ({
    urls: urlsIn(text),
    paths: isAbsolutePath(text) ? [text] : [],
  }))
  return gather(isServerTool(tool) ? 'mcp' : 'other', [
    ...lines.map(({ text }) => readTyped(text)),
    ...(hasUnknown(value) ? [{ commands: [UNKNOWN_COMMAND] }] : []),
    ...places,
  ])
}

/** `mcp__server__tool`, `server__tool`, `mcp_server_tool`. */
function isServerTool(tool: string): boolean {
  return /^mcp[_:.-]|[^_]__[^_]/.test(plainName(tool))
}

function gather(does: ToolDoing, parts: readonly Partial<Commands>[]): Read {
  return {
    does,
    commands: parts.flatMap(({ commands = [] }) => commands),
    paths: parts.flatMap(({ paths = [] }) => paths),
    urls: parts.flatMap(({ urls = [] }) => urls),
    findings: new Set(parts.flatMap(({ findings }) => [...(findings ?? [])])),
  }
}

function eachOf(
  names: readonly string[] | undefined,
  value: ArgumentValue,
  read: (value: ArgumentValue) => Partial<Commands>,
): Partial<Commands>[] {
  return (names ?? []).flatMap((name) => {
    const member = at(value, name)
    return member === undefined || member === null ? [] : [read(member)]
  })
}

function at(value: ArgumentValue, path: string): ArgumentValue | undefined {
  return path
    .split('.')
    .reduce<ArgumentValue | undefined>(
      (inside, name) => (inside === undefined ? undefined : memberOf(inside, name)),
      value,
    )
}

function textsIn(value: ArgumentValue): string[] {
  return [...textsOf(value)].map(({ text }) => text)
}
