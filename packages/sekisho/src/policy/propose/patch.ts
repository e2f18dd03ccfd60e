import { SekishoError } from '../../core/error.ts'
import { parseAgentFile } from '../agent-file.ts'
import type { AgentFile } from '../agent-schema.ts'
import { configurationDigest } from '../bundle.ts'
import type { Ground } from './candidates.ts'
import { insertRules, ruleLines } from './insert-rules.ts'
import type { Proposal } from './proposal.ts'
import { applyEdits, unifiedDiff } from './unified-insertion.ts'

/** `patch`: a unified diff. `fragment`: rules to put in by hand, and why there is no patch. */
export type Patch =
  | { kind: 'patch'; text: string }
  | { kind: 'fragment'; text: string; why: string }

/**
 * The proposal as a change to the agent's file. What the file would then say is read as any agent
 * file is, and must be the agent as it was with exactly these rules more.
 *
 * @param file its path below the bundle, and its text
 */
export function writePatch(
  proposal: Proposal,
  file: { path: string; text: string },
  ground: Ground,
): Patch {
  const rules = proposal.rules.map((rule) => ruleLines(rule, proposal))
  const fragment = ['rules:', ...rules.flat().map((line) => `  ${line}`), ''].join('\n')
  const byHand = (why: string): Patch => ({ kind: 'fragment', text: fragment, why })
  const edits = insertRules(file.text, rules)
  if (edits === undefined) return byHand('its list of rules is not written line by line')
  const why = explainMismatch(applyEdits(file.text, edits), { proposal, path: file.path, ground })
  if (why !== undefined) return byHand(why)
  return { kind: 'patch', text: unifiedDiff(file.path, file.text, edits) }
}

type Expected = { proposal: Proposal; path: string; ground: Ground }

function explainMismatch(after: string, expected: Expected): string | undefined {
  const { proposal, path, ground } = expected
  try {
    const changed = parseAgentFile(after, path, ground.registries)
    return isAsProposed(changed, proposal, ground.agent)
      ? undefined
      : 'the file would say something else than the proposal'
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error
    return `with the rules the file would not be valid: ${error.message}`
  }
}

function isAsProposed(changed: AgentFile, { rules }: Proposal, agent: AgentFile): boolean {
  const presets = agent.presets.filter((name) => name !== 'none')
  const before = changed.rules.slice(0, agent.rules.length)
  const same = (a: AgentFile, b: AgentFile): boolean =>
    configurationDigest(a) === configurationDigest(b)
  if (!same({ ...changed, rules: before }, { ...agent, presets })) return false
  const added = changed.rules.slice(agent.rules.length)
  return (
    added.length === rules.length &&
    added.every((rule, index) => {
      const wanted = rules[index]
      if (wanted === undefined || rule.effect !== 'allow') return false
      const [a, b] = [rule, wanted].map(({ id, host, methods, paths }) =>
        JSON.stringify([id, host, methods, paths]),
      )
      return a === b
    })
  )
}
