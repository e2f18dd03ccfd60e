import type { ExpiringRule } from '../policy/expiring-rules.ts'
import { printable } from '../policy/problem.ts'

/** One line for whoever reads the check: what to renew or delete, and whom to ask. */
export function expiryText(one: ExpiringRule): string {
  const { agent, phase, rule, lastDay, daysLeft, owner, reason } = one
  const where = phase === 'setup' ? `${agent} (setup)` : agent
  const when =
    daysLeft < 0
      ? `expired on ${lastDay} and allows nothing`
      : `expires on ${lastDay}, ${daysLeft === 0 ? 'today' : `in ${daysLeft} days`}`
  const who = [owner, reason].filter((text) => text !== '').map((text) => printable(text))
  return `${where}: rule ${rule} ${when}${who.length === 0 ? '' : ` (${who.join(': ')})`}`
}
