import type { CedarPolicy, CedarPolicyJson, Expr } from '../../wire/cedar.ts'

/** {@link INVARIANT_TEXTS} as `policyToJson` of Cedar's own library gives them. */
export const INVARIANTS: readonly CedarPolicy[] = [
  invariant('irreversible', {
    when: [both(is('reversibility', 'irreversible'), is('effect', 'external'))],
    unless: [{ containsAny: { left: fact('approvals'), right: set('initiator', 'approver') } }],
  }),
  invariant('critical', {
    when: [both(is('consequence', 'critical'), is('effect', 'external'))],
    unless: [{ containsAll: { left: fact('approvals'), right: set('initiator', 'approver') } }],
  }),
  invariant('unconfirmed', {
    when: [{ '!': { arg: { isEmpty: { arg: fact('unconfirmed') } } } }],
    unless: [{ contains: { left: fact('approvals'), right: { Value: 'initiator' } } }],
  }),
  invariant('secret-flow', {
    when: [both(is('confidentiality', 'secret'), is('effect', 'external'))],
  }),
  invariant('administration', {
    principal: { op: 'is', entity_type: 'Sekisho::Session' },
    action: { op: 'in', entity: { type: 'Sekisho::Action', id: 'admin' } },
  }),
  invariant('user-disabled', {
    principal: { op: 'is', entity_type: 'Sekisho::User' },
    when: [{ '!': { arg: { '.': { left: { Var: 'principal' }, attr: 'enabled' } } } }],
  }),
]

type Parts = Partial<Pick<CedarPolicyJson, 'principal' | 'action'>> & {
  when?: Expr[]
  unless?: Expr[]
}

function invariant(name: string, { when = [], unless = [], ...scope }: Parts): CedarPolicy {
  const all = { op: 'All' } as const
  return {
    id: `invariant.${name}`,
    policy: {
      effect: 'forbid',
      principal: scope.principal ?? all,
      action: scope.action ?? all,
      resource: all,
      conditions: [
        ...when.map((body) => ({ kind: 'when' as const, body })),
        ...unless.map((body) => ({ kind: 'unless' as const, body })),
      ],
    },
  }
}

function fact(name: string): Expr {
  const facts: Expr = { '.': { left: { Var: 'context' }, attr: 'facts' } }
  return { '.': { left: facts, attr: name } }
}

function is(name: string, value: string): Expr {
  return { '==': { left: fact(name), right: { Value: value } } }
}

function both(left: Expr, right: Expr): Expr {
  return { '&&': { left, right } }
}

function set(...members: string[]): Expr {
  return { Set: members.map((Value) => ({ Value })) }
}
