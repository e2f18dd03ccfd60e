import { canonicalJson } from '../../core/canonical-json.ts'
import { SekishoError } from '../../core/error.ts'
import { parseAgentFile } from '../agent-file.ts'
import type { AgentFile } from '../agent-schema.ts'
import { type Ground, networkOf } from './candidates.ts'
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
  const lines = ['rules:', ...rules.flat().map((line) => `  ${line}`)]
  const isSetup = ground.phase === 'setup'
  const fragment = [...(isSetup ? ['setup:', ...lines.map((l) => `  ${l}`)] : lines), ''].join('\n')
  const byHand = (why: string): Patch => ({ kind: 'fragment', text: fragment, why })
  const edits = insertRules(file.text, rules, ground.phase)
  if (edits === undefined) return byHand(whyByHand(ground))
  const why = explainMismatch(applyEdits(file.text, edits), { proposal, path: file.path, ground })
  if (why !== undefined) return byHand(why)
  return { kind: 'patch', text: unifiedDiff(file.path, file.text, edits) }
}

function whyByHand({ agent, phase }: Ground): string {
  return phase === 'setup' && agent.setup === null
    ? 'it has no setup phase'
    : 'its list of rules is not written line by line'
}

type Expected = { proposal: Proposal; path: string; ground: Ground }

function explainMismatch(after: string, expected: Expected): string | undefined {
  const { proposal, path, ground } = expected
  try {
    const changed = parseAgentFile(after, path, ground.registries)
    return isAsProposed(changed, proposal, ground)
      ? undefined
      : 'the file would say something else than the proposal'
  } catch (error) {
    if (!(error instanceof SekishoError)) throw error
    return `with the rules the file would not be valid: ${error.message}`
  }
}

function isAsProposed(changed: AgentFile, { rules }: Proposal, ground: Ground): boolean {
  const now = networkOf({ ...ground, agent: changed })
  const before = networkOf(ground)
  const kept = now.rules.slice(0, before.rules.length)
  const presets = before.presets.filter((name) => name !== 'none')
  const same = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)
  if (!same([now.presets, kept], [presets, before.rules])) return false
  if (!same(withoutNetwork(changed, ground), withoutNetwork(ground.agent, ground))) return false
  const shown = ({ id, host, methods, paths }: Shown): unknown => [id, host, methods, paths]
  const added = now.rules.slice(before.rules.length)
  return added.every(({ effect }) => effect === 'allow') && same(added.map(shown), rules.map(shown))
}

type Shown = { id: string; host: string; methods: readonly string[]; paths: readonly string[] }

/** Everything that the proposal has no business with. */
function withoutNetwork(agent: AgentFile, { phase }: Ground): unknown {
  if (phase === 'agent') return { ...agent, presets: [], rules: [] }
  return { ...agent, setup: { ...agent.setup, presets: [], rules: [] } }
}
