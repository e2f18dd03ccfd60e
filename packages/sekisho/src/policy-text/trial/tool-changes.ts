import type { ToolCallAction } from '../../core/action.ts'
import { NO_TOOL_RULE, SERVER_TOOL } from '../../policy/tools/tool-index.ts'
import { isRunTime } from '../../policy/tools/read-call.ts'
import type { SessionPolicy, ToolPolicy, ToolRule } from '../../wire/policy.ts'
import type { Question } from './question.ts'

/** What could have been otherwise in what an agent file says of tools. */
export type ToolChange =
  /** a rule that the agent file does not have, no wider than this call */
  | { kind: 'add-tool-rule'; rule: ToolRule }
  | { kind: 'drop-tool-rule'; rule: string }
  | { kind: 'grant-server-tool'; type: string }

const SILENT: ToolPolicy = { rules: null, serverTools: [] }

/**
 * What is worth trying where the agent file does not grant a tool.
 *
 * @param named rules of the denial
 * @returns undefined where it is not for what the file says of tools
 */
export function toolChangesFor(
  { policy, action, facts }: Question,
  named: readonly string[],
): readonly ToolChange[] | undefined {
  const generate = action.kind === 'llm.generate' ? action : facts.generate
  if (named.includes(SERVER_TOOL)) {
    const types = generate?.serverTools ?? []
    return types.map((type) => ({ kind: 'grant-server-tool', type }))
  }
  if (action.kind !== 'llm.tool-call') return undefined
  if (named.includes(NO_TOOL_RULE)) return [{ kind: 'add-tool-rule', rule: ruleFor(action) }]
  const denying = (policy.tools?.rules ?? []).filter(
    ({ id, effect }) => effect === 'deny' && named.includes(id),
  )
  if (denying.length === 0) return undefined
  return denying.map(({ id }) => ({ kind: 'drop-tool-rule', rule: id }))
}

export function withToolChange(policy: SessionPolicy, change: ToolChange): SessionPolicy {
  const { rules, serverTools } = policy.tools ?? SILENT
  return { ...policy, tools: changed({ rules, serverTools }, change) }
}

function changed({ rules, serverTools }: ToolPolicy, change: ToolChange): ToolPolicy {
  switch (change.kind) {
    case 'add-tool-rule':
      return { rules: [...(rules ?? []), change.rule], serverTools }
    case 'drop-tool-rule':
      return { rules: (rules ?? []).filter(({ id }) => id !== change.rule), serverTools }
    case 'grant-server-tool':
      return { rules, serverTools: [...serverTools, change.type] }
  }
}

function ruleFor({ tool, does, commands }: ToolCallAction): ToolRule {
  const programs = commands.map(({ program }) => program)
  const isKnown = programs.every((program) => program !== null)
  return {
    id: 'proposed',
    effect: 'allow',
    tool,
    does: [does],
    // where one is known only when it runs, no name covers it
    programs: isKnown ? [...new Set(programs.filter((program) => program !== null))] : [],
    paths: [],
    hosts: [],
    unknown: commands.some(isRunTime),
  }
}
