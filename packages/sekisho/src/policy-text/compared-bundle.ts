import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import type { Bundle } from '../policy/bundle.ts'
import { CedarSchemaJson } from '../wire/cedar-schema.ts'
import type { DecisionBundle } from '../wire/decision.ts'
import type { ComparedBundle } from '../wire/solver.ts'
import { actionsOf } from './bundle-cedar.ts'
import { cedarLibrary } from './cedar-library.ts'
import type { LoadedPolicy } from './load-policy.ts'
import { schemaWith } from './schema.ts'

/** All of a bundle that decides an action, as a comparison of two of them takes it. */
export async function comparedBundle({
  bundle,
  decision,
}: Pick<LoadedPolicy, 'bundle' | 'decision'>): Promise<ComparedBundle> {
  const { cedar, hosts, operations, constraints, mandates, users, llm } = decision(1)
  return {
    schema: await schemaOf(operations),
    bundle: { cedar, hosts, operations, constraints, mandates, users, llm },
    agents: bundle.agents.map((name) => comparedAgent(bundle, name)),
  }
}

/** The platform's schema in Cedar's JSON form, with an action for each declared operation. */
export async function schemaOf(operations: DecisionBundle['operations']): Promise<CedarSchemaJson> {
  return CedarSchemaJson.parse(schemaWith(await cedarLibrary(), actionsOf(operations)))
}

function comparedAgent(bundle: Bundle, name: string): ComparedBundle['agents'][number] {
  const agent = bundle.agent(name)
  // rules are compared as they come to with presets; a description decides nothing
  const { rules: _rules, presets: _presets, description: _description, tools: _, ...rest } = agent
  const setup = rest.setup === null ? null : (bundle.setupPolicyOf(agent)?.rules ?? null)
  const text = canonicalJson({ ...rest, setup })
  return {
    name,
    ...bundle.policyOf(agent),
    rest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
  }
}
