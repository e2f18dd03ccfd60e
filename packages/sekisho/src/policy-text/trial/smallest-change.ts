import type { Action } from '../../core/action.ts'
import type { Verdict } from '../../core/verdict.ts'
import { compileBundle } from '../../policy/decision/compiled-bundle.ts'
import type { DecisionBundle } from '../../wire/decision.ts'
import type { PolicyRule, SessionPolicy } from '../../wire/policy.ts'
import { decide, type Question } from './question.ts'
import { type ToolChange, toolChangesFor, withToolChange } from './tool-changes.ts'

/** One thing that could have been otherwise. */
export type Change =
  | { kind: 'approvals'; needs: readonly string[] }
  /** a rule that the agent file does not have, no wider than this action */
  | { kind: 'add-rule'; rule: PolicyRule }
  | { kind: 'drop-rule'; rule: string }
  | { kind: 'fact'; name: string; from: string; to: string }
  | { kind: 'drop-policy'; policy: string }
  | { kind: 'enable-user' }
  | ToolChange

export type Escape = { changes: readonly Change[]; verdict: Verdict }

type Situation = { bundle: DecisionBundle; question: Question }

/**
 * The least that would have had to be otherwise for an action to be allowed: one change, or two.
 * Every proposal has been decided again with it, so that what is printed is true.
 *
 * @returns the smallest ones of each kind, those first that ask for the least; empty where nothing
 * of all that helps, as with what no bundle can allow
 */
export function smallestChanges(situation: Situation): readonly Escape[] {
  const { verdict } = decideIn(situation)
  if (verdict.kind === 'allow') return []
  const single = changesFor(situation, verdict).flatMap((change) => tryChanges(situation, [change]))
  if (single.length > 0) return distinct(single)
  const double = changesFor(situation, verdict).flatMap((first) => {
    const after = applyChange(situation, first)
    const next = decideIn(after).verdict
    if (next.kind === 'allow') return []
    return changesFor(after, next).flatMap((second) => tryChanges(situation, [first, second]))
  })
  return distinct(double)
}

/** Two orders of the same two changes are one escape; of one fact the first value that helps is. */
function distinct(escapes: readonly Escape[]): readonly Escape[] {
  const seen = new Map<string, Escape>()
  for (const escape of escapes) {
    const key = escape.changes
      .map((change) => (change.kind === 'fact' ? change.name : JSON.stringify(change)))
      .toSorted()
      .join()
    if (!seen.has(key)) seen.set(key, escape)
  }
  return [...seen.values()]
}

function tryChanges(situation: Situation, changes: readonly Change[]): readonly Escape[] {
  const after = changes.reduce(applyChange, situation)
  const { verdict } = decideIn(after)
  return verdict.kind === 'allow' ? [{ changes, verdict }] : []
}

function decideIn({ bundle, question }: Situation): { verdict: Verdict } {
  return decide(compileBundle(bundle), question)
}

/** What is worth trying, by what the verdict names. */
function changesFor(
  { bundle, question }: Situation,
  verdict: Exclude<Verdict, { kind: 'allow' }>,
): readonly Change[] {
  const { rules } = question.policy
  const named = verdict.rules
  const ofTools = toolChangesFor(question, named)
  if (ofTools !== undefined) return ofTools
  const isGranted = !named.some((id) => id === 'default' || rules.some((rule) => rule.id === id))
  if (!isGranted) {
    const denying = rules.filter(({ id, effect }) => effect === 'deny' && named.includes(id))
    const drops = [...new Set(denying.map(({ id }) => id))]
    const rule = ruleFor(question.action)
    return [
      ...drops.map((id): Change => ({ kind: 'drop-rule', rule: id })),
      ...(drops.length === 0 && rule !== undefined ? [{ kind: 'add-rule' as const, rule }] : []),
    ]
  }
  const policies = named.filter((id) => bundle.cedar.some((policy) => policy.id === id))
  return [
    ...(verdict.kind === 'hold'
      ? [{ kind: 'approvals' as const, needs: verdict.needs ?? ['approver'] }]
      : []),
    ...factChanges(question),
    ...(bundle.users.some(({ uid, enabled }) => uid === question.uid && !enabled)
      ? [{ kind: 'enable-user' as const }]
      : []),
    ...policies.map((policy): Change => ({ kind: 'drop-policy', policy })),
  ]
}

/** Of the session and of the action, from what costs least. */
function factChanges({ facts }: Question): readonly Change[] {
  const { integrity, confidentiality } = facts.label
  const changes: Change[] = []
  const add = (name: string, from: string, to: string): void => {
    if (from !== to) changes.push({ kind: 'fact', name, from, to })
  }
  if (facts.unconfirmed.length > 0) {
    add('unconfirmed', facts.unconfirmed.map(({ kind }) => kind).join(' '), 'none')
  }
  if (facts.findings.length > 0) add('findings', facts.findings.join(' '), 'none')
  if (facts.hasPreImage === false) add('preImage', 'missing', 'kept')
  if (integrity === 'untrusted') add('integrity', integrity, 'trusted')
  add('integrity', integrity, 'user')
  if (confidentiality === 'secret') add('confidentiality', confidentiality, 'internal')
  add('confidentiality', confidentiality, 'public')
  return changes
}

function applyChange({ bundle, question }: Situation, change: Change): Situation {
  switch (change.kind) {
    case 'approvals': {
      const approvals = (['initiator', 'approver', 'second-approver'] as const).filter((kind) =>
        change.needs.includes(kind),
      )
      return { bundle, question: { ...question, facts: { ...question.facts, approvals } } }
    }
    case 'add-rule':
      return withRules({ bundle, question }, [...question.policy.rules, change.rule])
    case 'drop-rule':
      return withRules(
        { bundle, question },
        question.policy.rules.filter(({ id }) => id !== change.rule),
      )
    case 'drop-policy':
      return {
        bundle: { ...bundle, cedar: bundle.cedar.filter(({ id }) => id !== change.policy) },
        question,
      }
    case 'enable-user':
      return {
        bundle: {
          ...bundle,
          users: bundle.users.map((user) =>
            user.uid === question.uid ? { ...user, enabled: true } : user,
          ),
        },
        question,
      }
    case 'add-tool-rule':
    case 'drop-tool-rule':
    case 'grant-server-tool':
      return { bundle, question: { ...question, policy: withToolChange(question.policy, change) } }
    case 'fact':
      return { bundle, question: { ...question, facts: factsWith(question, change) } }
  }
}

function withRules({ bundle, question }: Situation, rules: SessionPolicy['rules']): Situation {
  return { bundle, question: { ...question, policy: { ...question.policy, rules } } }
}

function factsWith(
  { facts }: Question,
  { name, to }: Extract<Change, { kind: 'fact' }>,
): Question['facts'] {
  switch (name) {
    case 'unconfirmed':
      return { ...facts, unconfirmed: [] }
    case 'findings':
      return { ...facts, findings: [] }
    case 'preImage':
      return { ...facts, hasPreImage: true }
    case 'integrity':
      return { ...facts, label: { ...facts.label, integrity: to === 'user' ? 'user' : 'trusted' } }
    default: {
      const confidentiality = to === 'public' ? 'public' : 'internal'
      return { ...facts, label: { ...facts.label, confidentiality } }
    }
  }
}

const PLAIN = { id: 'proposed', effect: 'allow', methods: [], paths: [] } as const

/** No wider than this one action; undefined where no rule of an agent file speaks of it. */
function ruleFor(action: Action): PolicyRule | undefined {
  if (action.kind === 'http.request') {
    const { scheme, host, port, method, path, upgrade } = action
    const options = upgrade === undefined ? {} : { options: { websocket: true } }
    return { ...PLAIN, scheme, host, port, methods: [method], paths: [path], ...options }
  }
  if (action.kind === 'dns.resolve') return placeRule('https', action.name, 443)
  if (action.kind !== 'net.connect') return undefined
  const { host, port } = action
  if (host === null || port === null) return undefined
  return placeRule(port === 443 ? 'https' : 'tcp', host, port)
}

function placeRule(scheme: PolicyRule['scheme'], host: string, port: number): PolicyRule {
  return { ...PLAIN, scheme, host, port, methods: [], paths: [] }
}
