import { readFileSync } from 'node:fs'
import { policyToJson, policySetTextToParts } from '@cedar-policy/cedar-wasm/nodejs'
import { CedarPolicies } from '../../../wire/cedar.ts'
import type { DecisionBundle } from '../../../wire/decision.ts'
import { NO_LLM_SETTINGS } from '../../../wire/llm.ts'

/** Policies of a text, as the loader would have them. */
export function cedarOf(text: string): CedarPolicies {
  const parts = policySetTextToParts(text)
  if (parts.type === 'failure') throw new Error(JSON.stringify(parts.errors))
  return CedarPolicies.parse(
    parts.policies.map((part, at) => {
      const answer = policyToJson(part)
      if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
      const id = answer.json.annotations?.['id'] ?? `policy${at}`
      return { id, policy: answer.json }
    }),
  )
}

/** Whatever is granted is permitted: only what no bundle can allow is denied. */
export const PERMIT_ALL = '@id("all") permit (principal, action, resource);'

export const DEFAULTS = readFileSync(
  new URL('../../../../../../policy/defaults.cedar', import.meta.url),
  'utf8',
)

export function bundleOf(text: string, over: Partial<DecisionBundle> = {}): DecisionBundle {
  return {
    generation: 1,
    digest: `sha256:${'0'.repeat(64)}`,
    cedar: cedarOf(text),
    hosts: [],
    operations: [],
    constraints: [],
    mandates: [],
    users: [],
    approvals: { timeoutMs: 5_000 },
    llm: NO_LLM_SETTINGS,
    ...over,
  }
}
