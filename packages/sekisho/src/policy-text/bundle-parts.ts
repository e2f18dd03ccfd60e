import { parseAlerts } from '../policy/alerts-file.ts'
import { DEFAULT_APPROVALS, parseApprovals } from '../policy/approvals-file.ts'
import { parseBudgets } from '../policy/budgets-file.ts'
import type { Bundle } from '../policy/bundle.ts'
import { parseConstraints } from '../policy/constraints-file.ts'
import { parseHosts } from '../policy/hosts-file.ts'
import type { Known } from '../policy/known-names.ts'
import { parseMandates } from '../policy/mandates-file.ts'
import { BUILT_IN_PROVIDERS, parseModels, providerLabels } from '../policy/models-file.ts'
import { parseOperations, requireDistinct } from '../policy/operations/operations-file.ts'
import { presetLabels } from '../policy/presets.ts'
import { parsePrices } from '../policy/prices-file.ts'
import { ANY_TOOL } from '../policy/tools/tool-index.ts'
import type { Approver, DecisionBundle, HostLabel, Mandate } from '../wire/decision.ts'
import { type LlmSettings, NO_LLM_SETTINGS } from '../wire/llm.ts'
import type { Operation } from '../wire/operations.ts'
import { configInvalid } from '../policy/problem.ts'

export type BundleParts = Pick<
  DecisionBundle,
  'hosts' | 'operations' | 'constraints' | 'mandates' | 'approvals' | 'llm'
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
  }: {
    bundle: Bundle
    users: readonly { name: string; groups: readonly string[] }[]
    approvers: readonly Approver[]
  },
): BundleParts {
  const operations = readOperations(files)
  const known: Known = {
    agents: bundle.agents,
    users: users.map(({ name }) => name),
    operations: operations.map(({ id }) => id),
    rules: allowIds(bundle),
  }
  const llm = readLlm(files, { ...known, teams: users.flatMap(({ groups }) => groups) })
  const constraints = files.get('constraints.yaml')
  const approvals = files.get('approvals.yaml')
  const alerts = files.get('alerts.yaml')
  if (alerts !== undefined) parseAlerts(alerts, 'alerts.yaml') // the exporter's, at the next start
  return {
    hosts: [...readHosts(files.get('hosts.yaml'), { bundle, llm })],
    operations: [...operations],
    constraints:
      constraints === undefined
        ? []
        : [...parseConstraints(constraints, 'constraints.yaml', known)],
    mandates: [...readMandates(files, { ...known, approvers })],
    approvals:
      approvals === undefined ? DEFAULT_APPROVALS : parseApprovals(approvals, 'approvals.yaml'),
    llm,
  }
}

/** What models cost and may come to, each in a file of its own. */
function readLlm(
  files: ReadonlyMap<string, string>,
  known: Pick<Known, 'agents' | 'users'> & { teams: readonly string[] },
): LlmSettings {
  const [models, prices, budgets] = ['models.yaml', 'prices.yaml', 'budgets.yaml'].map((name) =>
    files.get(name),
  )
  const settings = models === undefined ? NO_LLM_SETTINGS : parseModels(models, 'models.yaml')
  const providers = [...BUILT_IN_PROVIDERS, ...settings.providers.map(({ id }) => id)]
  return {
    ...settings,
    prices: prices === undefined ? [] : parsePrices(prices, 'prices.yaml', { providers }),
    budgets: budgets === undefined ? [] : parseBudgets(budgets, 'budgets.yaml', known),
  }
}

/** What the operator says of a host stands in place of what a preset or a provider's entry says. */
function readHosts(
  text: string | undefined,
  { bundle, llm }: { bundle: Bundle; llm: LlmSettings },
): readonly HostLabel[] {
  const own = text === undefined ? [] : parseHosts(text, 'hosts.yaml')
  const agents = bundle.agents.map((name) => bundle.agent(name))
  const presets = agents.flatMap(({ presets: all, setup }) => [...all, ...(setup?.presets ?? [])])
  const known = new Map(
    [...presetLabels([...new Set(presets)]), ...providerLabels(llm.providers), ...own].map(
      (label) => [label.host, label],
    ),
  )
  return [...known.values()]
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
  const ids = bundle.agents.flatMap((name) => {
    const agent = bundle.agent(name)
    const { rules, tools } = bundle.policyOf(agent)
    const all = [...rules, ...(bundle.setupPolicyOf(agent)?.rules ?? []), ...(tools?.rules ?? [])]
    const granting = all.filter(({ effect }) => effect === 'allow').map(({ id }) => id)
    return (tools?.rules ?? null) === null ? [...granting, ANY_TOOL] : granting
  })
  return [...new Set(ids)]
}
