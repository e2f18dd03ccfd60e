import type { DecisionBundle, SessionDecision } from '../../wire/decision.ts'
import type { PolicyRule } from '../../wire/policy.ts'
import { NO_LLM_SETTINGS } from '../../wire/llm.ts'

/** What the agent file grants is permitted, to every user, and nothing else is asked. */
export const PLAIN_BUNDLE: DecisionBundle = {
  generation: 1,
  digest: `sha256:${'0'.repeat(64)}`,
  cedar: [
    {
      id: 'granted',
      policy: {
        effect: 'permit',
        principal: { op: 'All' },
        action: { op: 'All' },
        resource: { op: 'All' },
        conditions: [],
      },
    },
  ],
  hosts: [],
  operations: [],
  constraints: [],
  mandates: [],
  users: [],
  approvals: { timeoutMs: 60_000 },
  llm: NO_LLM_SETTINGS,
}

/** A session by the plain bundle. */
export function plainDecision(rules: PolicyRule[]): SessionDecision {
  return { generation: 1, agent: 'tester', uid: 0, policy: { rules }, begins: [], task: [] }
}
