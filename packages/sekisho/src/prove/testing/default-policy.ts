import { readFileSync } from 'node:fs'
import * as cedar from '@cedar-policy/cedar-wasm/nodejs'
import * as z from 'zod'
import { CedarPolicies } from '../../wire/cedar.ts'
import { CedarSchemaJson } from '../../wire/cedar-schema.ts'
import { NO_LLM_SETTINGS } from '../../wire/llm.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import type { ComparedBundle } from '../../wire/solver.ts'

const POLICY = new URL('../../../../../policy/', import.meta.url)
const REST = `sha256:${'0'.repeat(64)}`

/** The platform's own schema, and one declared operation with arguments. */
export const SCHEMA = CedarSchemaJson.parse(
  success(
    cedar.schemaToJson(
      readFileSync(new URL('sekisho.cedarschema', POLICY), 'utf8').replace(
        /\}\s*$/,
        `action "tool.call/mail.send" in ["tool.call"] appliesTo {
           principal: [Session, User], resource: Tool,
           context: { facts: Facts, call: { operation: String }, args: { to: Set<String>, amount?: Long } }
         };
         }`,
      ),
    ),
  ),
)

export const DEFAULTS = parsePolicies(readFileSync(new URL('defaults.cedar', POLICY), 'utf8'))

/** @param text of policies; an `@id` names one, else it is `p0` and so on */
export function parsePolicies(text: string): CedarPolicies {
  const parts = cedar.policySetTextToParts(text)
  if (parts.type === 'failure') throw new Error(JSON.stringify(parts.errors))
  const policies = parts.policies.map((policy, index) => {
    const json = success(cedar.policyToJson(policy))
    const { annotations } = z
      .looseObject({ annotations: z.record(z.string(), z.string()).optional() })
      .parse(json)
    return { id: annotations?.['id'] ?? `p${index}`, policy: json }
  })
  return CedarPolicies.parse(policies)
}

function success(answer: { type: string; json?: unknown }): unknown {
  if (answer.type !== 'success') throw new Error(JSON.stringify(answer))
  return answer.json
}

/** A bundle of these policies and one agent. */
export function bundleOf(
  policies: CedarPolicies,
  rules: readonly PolicyRule[] = [],
  changes: Partial<ComparedBundle['bundle']> = {},
): ComparedBundle {
  return {
    schema: SCHEMA,
    bundle: {
      cedar: policies,
      hosts: [],
      operations: [],
      constraints: [],
      mandates: [],
      users: [],
      llm: NO_LLM_SETTINGS,
      ...changes,
    },
    agents: [{ name: 'builder', rules: [...rules], rest: REST }],
  }
}

/** An allow rule for HTTPS, unless changed. */
export function rule(id: string, host: string, changes: Partial<PolicyRule> = {}): PolicyRule {
  return {
    id,
    effect: 'allow',
    scheme: 'https',
    host,
    port: 443,
    methods: [],
    paths: [],
    ...changes,
  }
}
