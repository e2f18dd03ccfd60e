import type { ApprovalKind, CriticalArgument } from '../../core/label.ts'
import type { Mandate } from '../../wire/decision.ts'
import { isNamedIn } from '../values/known-values.ts'

type Critical = { kind: CriticalArgument; value: string }

/** An action that a mandate might stand for. */
export type MandateUse = {
  agent: string
  user: string
  /** whose yes it takes */
  needs: readonly ApprovalKind[]
  /** of a service's declared operations; null for none */
  operation: string | null
  /** names of the allow rules of the agent file that grant it */
  rules: readonly string[]
  /** every argument that decides where it strikes */
  critical: readonly Critical[]
  /** those of them that nobody trusted has named */
  unconfirmed: readonly Critical[]
  nowMs: number
}

/** Whether the mandate stands for all that the action needs. How often it was used is counted elsewhere. */
export function covers(mandate: Mandate, use: MandateUse): boolean {
  return isFor(mandate, use) && speaksOf(mandate, use) && isWithin(mandate, use)
}

function isFor({ agent, user, kinds, expiresAtMs }: Mandate, use: MandateUse): boolean {
  if (agent !== null && agent !== use.agent) return false
  if (user !== null && user !== use.user) return false
  return use.nowMs < expiresAtMs && use.needs.every((kind) => kinds.includes(kind))
}

/** A request that is a declared operation is meant as that, whatever rule lets it pass. */
function speaksOf({ operations, rules }: Mandate, use: MandateUse): boolean {
  if (use.operation !== null) return operations.includes(use.operation)
  return use.rules.some((rule) => rules.includes(rule))
}

function isWithin({ counterparties, maxAmount }: Mandate, use: MandateUse): boolean {
  // where it names none, whoever is meant must have been named by somebody trusted
  const places = counterparties.length === 0 ? use.unconfirmed : use.critical
  return (
    places.every(
      ({ kind, value }) => kind === 'amount' || isNamedIn(counterparties, kind, value),
    ) && use.critical.every(({ kind, value }) => kind !== 'amount' || isAtMost(value, maxAmount))
  )
}

/** Plain decimals only: what another reader could take for another number is too much. */
function isAtMost(value: string, max: number | null): boolean {
  return max !== null && /^\d{1,15}(?:\.\d{1,9})?$/.test(value) && Number(value) <= max
}
