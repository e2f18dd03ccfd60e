import type { ApprovalKind } from './label.ts'

/** `rules` names every rule that decided; `reason` is for the operator, `agentReason` for the agent. */
export type Allow = { kind: 'allow'; rules: readonly string[] }
export type Deny = {
  kind: 'deny'
  rules: readonly string[]
  /** for the operator: the rule, the input, and what would have been allowed */
  reason: string
}
export type Hold = {
  kind: 'hold'
  rules: readonly string[]
  reason: string
  /** whose yes it takes; left out for one operator's */
  needs?: readonly ApprovalKind[] | undefined
  /** rules of the agent file that grant it; an approval does not widen those */
  grants?: readonly string[] | undefined
}
export type Verdict = Allow | Deny | Hold

export function deny(rule: string, reason: string): Deny {
  return { kind: 'deny', rules: [rule], reason }
}
