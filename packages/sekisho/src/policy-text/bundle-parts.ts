import { parseAlerts } from '../policy/alerts-file.ts'
import { DEFAULT_APPROVALS, parseApprovals } from '../policy/approvals-file.ts'
import type { Bundle } from '../policy/bundle.ts'
import { parseConstraints } from '../policy/constraints-file.ts'
import { parseHosts } from '../policy/hosts-file.ts'
import type { Known } from '../policy/known-names.ts'
import { parseMandates } from '../policy/mandates-file.ts'
import { parseOperations, requireDistinct } from '../policy/operations/operations-file.ts'
import { presetLabels } from '../policy/presets.ts'
import type { Approver, DecisionBundle, HostLabel, Mandate } from '../wire/decision.ts'
import type { Operation } from '../wire/operations.ts'
import { configInvalid } from '../policy/problem.ts'

export type BundleParts = Pick<
  DecisionBundle,
  'hosts' | 'operations' | 'constraints' | 'mandates' | 'approvals'
>

/**
 * What the bundle says beside agents, people and policies.
 *
 * @throws SekishoError CONFIG_INVALID
 */
export function readBundleParts(
  files: ReadonlyMap<string, string>,
  {
    bundle,
    users,
    approvers,
  }: { bundle: Bundle; users: readonly { name: string }[]; approvers: readonly Approver[] },
): BundleParts {
  const operations = readOperations(files)
  const known: Known = {
    agents: bundle.agents,
    users: users.map(({ name }) => name),
    operations: operations.map(({ id }) => id),
    rules: allowIds(bundle),
  }
  const constraints = files.get('constraints.yaml')
  const approvals = files.get('approvals.yaml')
  const alerts = files.get('alerts.yaml')
  if (alerts !== undefined) parseAlerts(alerts, 'alerts.yaml') // the exporter's, at the next start
  return {
    hosts: [...readHosts(files.get('hosts.yaml'), bundle)],
    operations: [...operations],
    constraints:
      constraints === undefined
        ? []
        : [...parseConstraints(constraints, 'constraints.yaml', known)],
    mandates: [...readMandates(files, { ...known, approvers })],
    approvals:
      approvals === undefined ? DEFAULT_APPROVALS : parseApprovals(approvals, 'approvals.yaml'),
  }
}

/** What the operator says of a host stands in place of what a preset says. */
function readHosts(text: string | undefined, bundle: Bundle): readonly HostLabel[] {
  const own = text === undefined ? [] : parseHosts(text, 'hosts.yaml')
  const agents = bundle.agents.map((name) => bundle.agent(name))
  const presets = agents.flatMap(({ presets: all, setup }) => [...all, ...(setup?.presets ?? [])])
  const said = new Set(own.map(({ host }) => host))
  return [...presetLabels([...new Set(presets)]).filter(({ host }) => !said.has(host)), ...own]
}

function readOperations(files: ReadonlyMap<string, string>): readonly Operation[] {
  const read = below(files, 'operations/').map(
    ([path, text]) => [path, parseOperations(text, path)] as const,
  )
  return requireDistinct(new Map(read))
}

function readMandates(
  files: ReadonlyMap<string, string>,
  known: Known & { approvers: readonly Approver[] },
): readonly Mandate[] {
  const mandates = new Map<string, Mandate>()
  for (const [path, text] of below(files, 'mandates/')) {
    for (const mandate of parseMandates(text, path, known)) {
      if (mandates.has(mandate.id)) {
        const message = `a second mandate \`${mandate.id}\`; another file has one`
        throw configInvalid(path, [{ line: 1, column: 1, message, hint: 'rename one of them' }])
      }
      mandates.set(mandate.id, mandate)
    }
  }
  return [...mandates.values()]
}

function below(files: ReadonlyMap<string, string>, directory: string): [string, string][] {
  return [...files]
    .filter(([path]) => path.startsWith(directory))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function allowIds(bundle: Bundle): readonly string[] {
  const rules = bundle.agents.flatMap((name) => {
    const agent = bundle.agent(name)
    return [...bundle.policyOf(agent).rules, ...(bundle.setupPolicyOf(agent)?.rules ?? [])]
  })
  return [...new Set(rules.flatMap(({ id, effect }) => (effect === 'allow' ? [id] : [])))]
}
