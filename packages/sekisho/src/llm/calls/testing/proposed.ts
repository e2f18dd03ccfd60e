import type { CommandCall, ToolCallAction } from '../../../core/action.ts'
import type { ProposedCall } from '../../format.ts'
import { canonicalCall } from '../canonical-call.ts'

export const OF = { provider: 'anthropic', model: 'm-1' }

export function proposed(
  tool: string,
  args: unknown,
  more: Partial<ProposedCall> = {},
): ProposedCall {
  const isText = typeof args === 'string'
  return {
    index: 0,
    callId: 'call-1',
    tool,
    type: isText ? 'custom_tool_call' : 'tool_use',
    arguments: isText ? args : JSON.stringify(args),
    format: isText ? 'text' : 'json',
    ...more,
  }
}

export function actionsOf(call: ProposedCall): ToolCallAction[] {
  const read = canonicalCall(call, OF)
  if (read.kind !== 'call') throw new Error(`refused: ${read.reason}`)
  return read.actions
}

export function command(program: string | null, ...args: (string | null)[]): CommandCall {
  return { program, args }
}

export const UNKNOWN = command(null)
