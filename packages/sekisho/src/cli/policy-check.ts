import type { AgentFile } from '../policy/agent-file.ts'
import { FINDING_IDS } from '../daemon/detector-ids.ts'
import { HostLabels } from '../policy/decision/host-labels.ts'
import { expiringRules } from '../policy/expiring-rules.ts'
import { describeProblem, type FileProblem } from '../policy/problem.ts'
import { readTemplate } from '../policy/provenance/templates.ts'
import { schemaOf } from '../policy-text/compared-bundle.ts'
import { defaultPolicies } from '../policy-text/default-policies.ts'
import type { LoadedPolicy } from '../policy-text/load-policy.ts'
import { referenceWarnings } from '../policy-text/references.ts'
import type { Lint } from '../prove/lint.ts'
import type { Terminal } from './command.ts'
import { expiryText } from './expiry-text.ts'
import { jsonFlag, maybePositional } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { withZ3 } from './policy-z3.ts'
import { printable } from './terminal.ts'

/** Time to ask a rule's owner whether it is still needed. */
const EXPIRY_NOTICE_DAYS = 14
const LINT_TIMEOUT_MS = 20_000
/** Hosts of one agent that are printed; `--json` has all. */
const MAX_HOSTS_SHOWN = 12

/** Finds what is wrong with a bundle, and says what is in it. 1: a policy cannot mean what it says. */
export async function checkPolicy(
  usage: string,
  argv: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { values, positionals } = jsonFlag(usage, argv)
  const { bundle, policy, directory } = await readBundle(
    maybePositional(usage, positionals),
    terminal,
  )
  const { agents, unusableRegistries } = bundle
  const files = agents.map((name) => bundle.agent(name))
  const lints = await lintOwn(policy)
  const report = {
    agents,
    digest: policy.digest,
    unusableRegistries,
    expiring: expiringRules(files, Date.now(), EXPIRY_NOTICE_DAYS),
    templates: files.flatMap(capacitiesOf),
    policies: policy.decision(1).cedar.map(({ id }) => ({ id, ...policy.cedar.places.get(id) })),
    missingDefaults: missingDefaults(policy),
    problems: [...lints, ...policy.warnings, ...referenceWarnings(policy, FINDING_IDS)],
    reach: files.map((agent) => ({ agent: agent.name, hosts: reachOf(agent, policy) })),
  }
  if (values['json'] === true) terminal.out(JSON.stringify(report))
  else for (const line of linesOf(directory, report)) terminal.out(line)
  return report.problems.some(({ severity }) => severity === 'error') ? 1 : 0
}

type Report = {
  agents: readonly string[]
  digest: string
  unusableRegistries: LoadedPolicy['bundle']['unusableRegistries']
  expiring: ReturnType<typeof expiringRules>
  templates: readonly TemplateCapacity[]
  policies: readonly { id: string }[]
  missingDefaults: readonly string[]
  problems: readonly Found[]
  reach: readonly { agent: string; hosts: readonly Reach[] }[]
}
type Found = FileProblem & { severity: 'error' | 'warning' }

function linesOf(directory: string, report: Report): readonly string[] {
  const { agents, digest, policies, missingDefaults } = report
  return [
    `${directory}: ${agents.length} agents (${agents.join(', ')}), ${policies.length} policies, ${digest}`,
    ...report.problems.map((one) => `  ${one.severity}: ${describeProblem(one)}`),
    ...missingDefaults.map((id) => `  without the platform's policy ${id}`),
    ...report.unusableRegistries.map(({ url, reason }) => `  left out ${url}: ${reason}`),
    ...report.expiring.map((one) => `  ${expiryText(one)}`),
    ...report.templates.map(
      ({ agent, template, bits }) =>
        `  ${agent}: one URL of ${template} can say ${Math.ceil(bits)} bits`,
    ),
    ...report.reach.flatMap(({ agent, hosts }) =>
      hosts.length === 0 ? [] : [`  ${agent} reaches ${describeReach(hosts)}`],
    ),
  ].map((line) => printable(line))
}

function describeReach(hosts: readonly Reach[]): string {
  const shown = hosts
    .slice(0, MAX_HOSTS_SHOWN)
    .map(({ host, integrity, confidentiality }) => `${host} (${integrity}, ${confidentiality})`)
  const more = hosts.length - shown.length
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** Policies that are word for word the platform's have been looked at. */
async function lintOwn(policy: LoadedPolicy): Promise<readonly Found[]> {
  const { cedar, operations } = policy.decision(1)
  const ours = new Map(defaultPolicies().policies.map((one) => [one.id, JSON.stringify(one)]))
  const own = cedar.filter((one) => ours.get(one.id) !== JSON.stringify(one))
  if (own.length === 0) return []
  const { lintPolicies } = await import('../prove/lint.ts')
  const schema = await schemaOf(operations)
  const { lints, unsettled } = await withZ3(LINT_TIMEOUT_MS, async (effort) =>
    lintPolicies({ schema, policies: cedar }, effort, new Set(own.map(({ id }) => id))),
  )
  const place = (id: string): { file: string; line: number; column: number } =>
    policy.cedar.places.get(id) ?? { file: id, line: 1, column: 1 }
  return [
    ...lints.map((lint) => ({ ...place(lint.policy), ...explainLint(lint) })),
    ...unsettled.slice(0, 1).map((id) => ({
      ...place(id),
      message: `whether ${unsettled.length} policies can match was not settled in time, \`${id}\` among them`,
      severity: 'warning' as const,
    })),
  ]
}

function explainLint(lint: Lint): Pick<Found, 'message' | 'hint' | 'severity'> {
  const what = `\`${lint.policy}\``
  switch (lint.kind) {
    case 'never-matches':
      return {
        message: `${what} can never match: no action satisfies all of its conditions`,
        hint: 'look for conditions that contradict each other, or delete it',
        severity: 'error',
      }
    case 'always-errors':
      return {
        message: `${what} always fails to be evaluated, so it is skipped`,
        hint: 'look for arithmetic beyond 64 bits, or delete it',
        severity: 'error',
      }
    case 'always-forbidden':
      return {
        message: `${what} permits nothing: \`${lint.by}\` forbids all that it permits`,
        hint: 'a forbid wins over every permit; narrow the forbid, or delete the permit',
        severity: 'warning',
      }
    case 'already-permitted':
      return {
        message: `${what} adds nothing: \`${lint.by}\` permits all that it permits`,
        hint: 'delete one of the two',
        severity: 'warning',
      }
  }
}

/** A bundle that brings policies brings all of them; what it leaves out is worth a line. */
function missingDefaults(policy: LoadedPolicy): readonly string[] {
  const there = new Set(policy.decision(1).cedar.map(({ id }) => id))
  return defaultPolicies()
    .policies.map(({ id }) => id)
    .filter((id) => !there.has(id))
}

type Reach = { host: string; integrity: string; confidentiality: string; external: boolean }

function reachOf(agent: AgentFile, { bundle, decision }: LoadedPolicy): readonly Reach[] {
  const labels = new HostLabels(decision(1).hosts)
  const rules = [...bundle.policyOf(agent).rules, ...(bundle.setupPolicyOf(agent)?.rules ?? [])]
  const hosts = rules.flatMap(({ host, effect }) => (effect === 'allow' ? [host] : []))
  return [...new Set(hosts)].map((host) => {
    const { integrity, confidentiality, external } = labels.find(host)
    return { host, integrity, confidentiality, external }
  })
}

/** How much the agent's templates let through: what a reviewer of a file cannot see in it. */
function capacitiesOf({ name, provenance }: AgentFile): TemplateCapacity[] {
  return (provenance?.templates ?? []).flatMap((template) => {
    const read = readTemplate(template)
    return 'value' in read ? [{ agent: name, template, bits: read.value.bits }] : []
  })
}

type TemplateCapacity = { agent: string; template: string; bits: number }
