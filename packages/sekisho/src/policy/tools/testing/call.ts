import type { CommandCall, ToolCallAction } from '../../../core/action.ts'

/** A proposed call of a shell, as `llm/calls` would have read it. */
export function toolCall(fields: Partial<ToolCallAction> = {}): ToolCallAction {
  return {
    kind: 'llm.tool-call',
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    tool: 'Bash',
    does: 'shell',
    commands: [],
    paths: [],
    urls: [],
    digest: `sha256:${'0'.repeat(64)}`,
    callId: 'toolu_1',
    ...fields,
  }
}

/** Commands of words between spaces; `?` is a word that is known only when it runs. */
export function commandsOf(...lines: string[]): CommandCall[] {
  return lines.map((line) => {
    const [program = null, ...args] = line.split(' ').map((word) => (word === '?' ? null : word))
    return { program, args }
  })
}
