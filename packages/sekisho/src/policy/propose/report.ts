import { printable } from '../problem.ts'
import type { Patch } from './patch.ts'
import type { Proposal, ProposedRule } from './proposal.ts'
import { times } from './tally.ts'

/**
 * For the reviewer: what each rule opens, what stays closed, what is not proposed and why. Every
 * line begins with `#`, so that `patch` and a YAML reader pass over them.
 */
export function describeProposal(proposal: Proposal): string[] {
  const { session, agent, phase, rules, notProposed, leftOut, unrecorded, expires } = proposal
  const count = rules.length === 1 ? '1 rule' : `${rules.length} rules`
  const head = `${count} proposed for ${phase === 'setup' ? 'the setup of ' : ''}agent ${agent} from session ${session}`
  const lines = [
    rules.length === 0 ? `${head}.` : `${head}, until ${expires}. Nothing is changed yet.`,
    ...rules.flatMap(describeRule),
    ...(notProposed.length === 0 ? [] : ['', 'Not proposed:']),
    ...notProposed.map(
      ({ what, because, attempts }) => `  ${what} (${times(attempts)}): ${because}`,
    ),
    ...(leftOut === 0
      ? []
      : ['', `${leftOut} denials more, too many different ones to be told apart`]),
    ...(unrecorded === 0
      ? []
      : ['', `${unrecorded} attempts more that the log has as a number only`]),
  ]
  return lines.map((line) => `# ${printable(line, 2048)}`.trimEnd())
}

function describeRule(rule: ProposedRule): string[] {
  const { id, attempts, firstAt, lastAt, opens, staysClosed, risks } = rule
  return [
    '',
    `${id}: denied ${times(attempts)}, ${firstAt} to ${lastAt}`,
    `  opens: ${opens}`,
    `  stays closed: ${staysClosed}`,
    ...risks.map((risk) => `  risk: ${risk}`),
  ]
}

/** How to go on from the patch. */
export function describePatch(patch: Patch, path: string): string[] {
  const text =
    patch.kind === 'patch'
      ? 'Name an owner in each rule that you keep, then: patch -p1 -d BUNDLE < THIS'
      : `No patch for ${path}: ${patch.why}. Put these rules in by hand.`
  return ['#', `# ${printable(text, 1024)}`]
}
