import { TOOL_DOINGS, type ToolDoing } from '../../../core/action.ts'
import { CLAUDE_CODE_TOOLS } from './claude-code.ts'
import { CODEX_TOOLS } from './codex.ts'
import { GEMINI_CLI_TOOLS } from './gemini-cli.ts'
import { OPENCLAW_TOOLS } from './openclaw.ts'
import { OPENCODE_TOOLS } from './opencode.ts'
import { PROVIDER_TYPED_TOOLS } from './provider-typed.ts'
import type { ToolEntry, ToolTable } from './tool-entry.ts'

const TABLES: readonly ToolTable[] = [
  CLAUDE_CODE_TOOLS,
  CODEX_TOOLS,
  GEMINI_CLI_TOOLS,
  OPENCODE_TOOLS,
  OPENCLAW_TOOLS,
  PROVIDER_TYPED_TOOLS,
]

/** Of two clients' tools of one name the graver counts: nobody says which client it is. */
const GRAVEST: readonly ToolDoing[] = ['shell', 'write', 'spawn', 'fetch', 'mcp', 'read', 'other']

const TOOLS: ReadonlyMap<string, ToolEntry> = mergeTables()

/**
 * What a tool of this name does in any known client.
 *
 * Names are compared as the least strict client does it: opencode and OpenClaw take them in any
 * case, OpenClaw with blanks around them, and models write the name of the group before it.
 */
export function knownTool(name: string): ToolEntry | undefined {
  const plain = plainName(name)
  return TOOLS.get(plain) ?? TOOLS.get(plain.slice(plain.search(/[^.:/]*$/)))
}

/**
 * As tools are looked up: lower case, without blanks around it and without the group of its caller
 * and the number that some models put behind it.
 */
export function plainName(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replace(/^(?:functions|tools|default_api)[.:/]/, '')
    .replace(/:\d+$/, '')
}

function mergeTables(): Map<string, ToolEntry> {
  const merged = new Map<string, ToolEntry>()
  for (const table of TABLES) {
    for (const [name, entry] of Object.entries(table)) {
      const key = name.toLowerCase()
      const other = merged.get(key)
      merged.set(key, other === undefined ? entry : mergeEntries(other, entry))
    }
  }
  return merged
}

function mergeEntries(a: ToolEntry, b: ToolEntry): ToolEntry {
  const both = (
    field: Exclude<keyof ToolEntry, 'does' | 'language'>,
  ): { [name: string]: string[] } => {
    const names = [...new Set([...(a[field] ?? []), ...(b[field] ?? [])])]
    return names.length === 0 ? {} : { [field]: names }
  }
  const language = a.language ?? b.language
  return {
    does: GRAVEST.find((does) => a.does === does || b.does === does) ?? TOOL_DOINGS[0],
    ...(language === undefined ? {} : { language }),
    ...both('lines'),
    ...both('lineLists'),
    ...both('shells'),
    ...both('typed'),
    ...both('programs'),
    ...both('code'),
    ...both('patches'),
    ...both('paths'),
    ...both('urls'),
    ...both('texts'),
  }
}
