import { hash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import type { LlmBudget } from '../wire/llm.ts'
import { coversModel } from './price-list.ts'

/** Whose call it is, by everything that a budget may ask. */
export type Spender = {
  session: string
  /** the session that it was forked from first, or itself */
  chain: string
  agent: string
  user: string
  /** groups of the user, each of which counts */
  teams: readonly string[]
  model: string
}

/** What one budget counts for one session, agent, user … */
export type Account = {
  /** id, what it counts, scope and subject, between spaces */
  name: string
  budget: LlmBudget
  subject: string
}

/** Of all budgets that a call falls under; a user in two teams counts in both, in no team in none. */
export function accountsOf(spender: Spender, budgets: readonly LlmBudget[]): Account[] {
  return budgets.flatMap((budget) =>
    subjectsOf(budget, spender).map((subject) => ({
      name: accountName(budget, subject),
      budget,
      subject,
    })),
  )
}

/** Whether some budget may have something to say of a call; the chain does not matter for that. */
export function isBudgeted(
  spender: Omit<Spender, 'chain'>,
  budgets: readonly LlmBudget[],
): boolean {
  return budgets.some((budget) => subjectsOf(budget, { ...spender, chain: '' }).length > 0)
}

function subjectsOf({ per, of }: LlmBudget, spender: Spender): readonly string[] {
  if (!isMeant(of, spender)) return []
  switch (per) {
    case 'session':
    case 'chain':
    case 'agent':
    case 'user':
      return [spender[per]]
    case 'team':
      return of.team === undefined ? spender.teams : [of.team]
    case 'tenant':
      return ['default'] // there is one
    case 'platform':
      return ['all']
  }
}

function isMeant(of: LlmBudget['of'], { agent, user, teams, model }: Spender): boolean {
  return (
    (of.agent ?? agent) === agent &&
    (of.user ?? user) === user &&
    (of.team === undefined || teams.includes(of.team)) &&
    (of.model === undefined || coversModel(of.model, model))
  )
}

/** A budget that counts something else has other accounts; its bounds and its length may change. */
export function accountName(
  { id, of, per, calendar, windowMs }: LlmBudget,
  subject: string,
): string {
  const window = calendar ?? (windowMs === null ? 'ever' : 'sliding')
  const meaning = hash('sha256', canonicalJson({ of, per, window }), 'base64url')
  return `${id} ${meaning.slice(0, 16)} ${per} ${subject}`
}

/** @param name of an account, or of a cell of one */
export function scopeOf(name: string): string | undefined {
  return name.split(' ')[2]
}

export function subjectOf(account: string): string {
  return account.split(' ').slice(3).join(' ')
}
