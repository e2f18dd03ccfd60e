import type { ModelApi } from '../../core/action.ts'
import type { Deny } from '../../core/verdict.ts'
import { refusalFor, type RefusalKind } from '../../llm/refusal/refusal-for.ts'
import type { AgentReply } from '../denial.ts'

/** What the client of a model is told in place of a reply, in the way that it takes for an end. */
export function refusalReply(api: ModelApi, { rules }: Pick<Deny, 'rules'>): AgentReply {
  const message = `Sekisho: this session's policy does not allow this model call (${rules.join(', ')})`
  const { status, fields, body } = refusalFor(api, kindOf(rules), message)
  return { status, type: 'sekisho_denied', message, rules, own: { fields, body } }
}

function kindOf(rules: readonly string[]): RefusalKind {
  if (rules.some((rule) => rule.startsWith('budget.'))) return 'budget'
  if (rules.includes('llm.malformed')) return 'malformed'
  return 'denied'
}
