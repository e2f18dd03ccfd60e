import type { AgentFile, AgentRule } from './agent-schema.ts'
import { lastDayOf } from './expired-rules.ts'

const DAY_MS = 86_400_000

/** A rule that allows nothing any more, or soon. */
export type ExpiringRule = {
  agent: string
  phase: 'agent' | 'setup'
  rule: string
  /** as the file writes it: 2027-01-31 */
  lastDay: string
  /** whole days that are left after today, in UTC; negative once it has expired */
  daysLeft: number
  owner: string
  reason: string
}

/** What of these agents has expired or does so within so many days, the first first. */
export function expiringRules(
  agents: readonly AgentFile[],
  nowMs: number,
  withinDays: number,
): readonly ExpiringRule[] {
  return agents
    .flatMap((agent) => [
      ...expiringOf(agent.rules, { agent: agent.name, phase: 'agent' }, nowMs),
      ...expiringOf(agent.tools?.rules ?? [], { agent: agent.name, phase: 'agent' }, nowMs),
      ...expiringOf(agent.setup?.rules ?? [], { agent: agent.name, phase: 'setup' }, nowMs),
    ])
    .filter(({ daysLeft }) => daysLeft <= withinDays)
    .toSorted((a, b) => a.daysLeft - b.daysLeft)
}

function expiringOf(
  rules: readonly Pick<AgentRule, 'id' | 'owner' | 'reason' | 'expiresAtMs'>[],
  where: Pick<ExpiringRule, 'agent' | 'phase'>,
  nowMs: number,
): ExpiringRule[] {
  const today = Math.floor(nowMs / DAY_MS)
  return rules.flatMap(({ id, owner, reason, expiresAtMs }) => {
    if (expiresAtMs === null) return []
    const daysLeft = Math.floor((expiresAtMs - 1) / DAY_MS) - today
    return [{ ...where, rule: id, lastDay: lastDayOf(expiresAtMs), daysLeft, owner, reason }]
  })
}
