import { type ArgumentMembers, type ArgumentValue, memberOf, membersOf } from './argument-value.ts'
import type { NamedCall } from './read-call.ts'
import { plainName } from './tools/all.ts'
import { Unreadable } from './unreadable.ts'

/** The calls inside a call that only carries others; undefined for any other call. */
export function openWrapper({ tool, value }: NamedCall): NamedCall[] | undefined {
  const open = WRAPPERS.get(plainName(tool))
  return open?.(value)
}

const WRAPPERS: ReadonlyMap<string, (value: ArgumentValue) => NamedCall[]> = new Map(
  Object.entries<(value: ArgumentValue) => NamedCall[]>({
    // OpenAI's models, also towards clients that have no such tool
    'multi_tool_use.parallel': (value) => openList(value, 'tool_uses', 'recipient_name'),
    parallel: (value) => openList(value, 'tool_uses', 'recipient_name'),
    // opencode
    batch: (value) => openList(value, 'tool_calls', 'tool'),
    // OpenClaw's tool search
    tool_call: openToolCall,
  }),
)

function openList(value: ArgumentValue, list: string, name: string): NamedCall[] {
  const items = memberOf(value, list)
  if (!Array.isArray(items) || items.length === 0) {
    throw new Unreadable('a call of several tools that names none')
  }
  return items.map((item) => {
    const tool = memberOf(item, name)
    if (typeof tool !== 'string' || tool === '') {
      throw new Unreadable('a call of several tools, one of them without a name')
    }
    return { tool, type: '', value: memberOf(item, 'parameters') ?? {} }
  })
}

const SELECTORS = ['id', 'toolId', 'name'] as const

/**
 * OpenClaw takes `{id, args}` in a dozen spellings and asks its catalogue which of them is meant.
 * Taken is what has one reading without a catalogue: one name, and its input in one place.
 */
function openToolCall(value: ArgumentValue): NamedCall[] {
  const members = membersOf(value)
  const selectors = SELECTORS.filter((name) => Object.hasOwn(members, name))
  const [selector] = selectors
  const tool = selector === undefined ? undefined : members[selector]
  if (
    selector === undefined ||
    selectors.length > 1 ||
    typeof tool !== 'string' ||
    tool.trim() === ''
  ) {
    throw new Unreadable('a call of another tool that it does not name in one way')
  }
  const { [selector]: _, ...rest } = members
  return [{ tool: tool.trim(), type: '', value: inputOf(rest) }]
}

function inputOf(members: ArgumentMembers): ArgumentValue {
  const names = Object.keys(members)
  const input = members['args'] ?? members['input']
  if (names.some((name) => name.startsWith('args.')) || ('args' in members && 'input' in members)) {
    throw new Unreadable('a call of another tool with its input in several places')
  }
  if (input === undefined || input === null) return { ...members }
  if (names.length > 1)
    throw new Unreadable('a call of another tool with its input in several places')
  return input
}
