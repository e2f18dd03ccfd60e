import { CREDENTIAL_RULES } from './credentials.ts'
import { viewOf } from './exec-view.ts'
import { FETCHED_CODE_RULES } from './fetched-code.ts'
import { GIT_HOOK_RULES } from './git-hooks.ts'
import { MINER_RULES } from './miners.ts'
import { PACKAGE_RULES } from './packages.ts'
import { PROGRAM_RULES } from './programs.ts'
import { REVERSE_SHELL_RULES } from './reverse-shell.ts'
import type { ExecFacts, ExecFinding, ExecRule } from './rule.ts'
import { TOOL_RULES } from './tools.ts'

export { isLoader } from './programs.ts'
export type { ExecFacts, ExecFinding } from './rule.ts'

export const EXEC_RULES: readonly ExecRule[] = [
  ...REVERSE_SHELL_RULES,
  ...FETCHED_CODE_RULES,
  ...PROGRAM_RULES,
  ...MINER_RULES,
  ...CREDENTIAL_RULES,
  ...GIT_HOOK_RULES,
  ...TOOL_RULES,
  ...PACKAGE_RULES,
]

const MAX_SUBJECT = 300

/** What one exec looks like, worst first. Arguments are the agent's own words: an alarm is a hint. */
export function judgeExec(facts: ExecFacts): ExecFinding[] {
  const view = viewOf(facts)
  const found = EXEC_RULES.filter(({ matches }) => matches(view))
  const subject = subjectOf(facts)
  return found
    .toSorted((a, b) => RANK[b.severity] - RANK[a.severity])
    .map(({ name, severity }) => ({ rule: `exec.${name}`, severity, subject }))
}

const RANK = { low: 0, medium: 1, high: 2 } as const

function subjectOf({ path, argv }: ExecFacts): string {
  const said = [path, ...argv.slice(1)].join(' ')
  return said.length <= MAX_SUBJECT ? said : `${said.slice(0, MAX_SUBJECT - 1).toWellFormed()}…`
}
