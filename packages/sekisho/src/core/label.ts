/**
 * Who can have chosen a value, from the most to the least trusted: the person who began the
 * session, a source that the operator vouches for, anybody.
 */
export const INTEGRITIES = ['user', 'trusted', 'untrusted'] as const
export type Integrity = (typeof INTEGRITIES)[number]

/** Who may know a value, from everybody to nobody outside. */
export const CONFIDENTIALITIES = ['public', 'internal', 'secret'] as const
export type Confidentiality = (typeof CONFIDENTIALITIES)[number]

export type Label = { integrity: Integrity; confidentiality: Confidentiality }

/** Of what nobody has touched yet. */
export const CLEAN: Label = Object.freeze({ integrity: 'user', confidentiality: 'public' })

/**
 * The label of what was made from both: as little trusted as the less trusted of the two, as
 * confidential as the more confidential (the least upper bound of the lattice).
 */
export function joinLabels(a: Label, b: Label): Label {
  return {
    integrity: later(INTEGRITIES, a.integrity, b.integrity),
    confidentiality: later(CONFIDENTIALITIES, a.confidentiality, b.confidentiality),
  }
}

function later<T>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}

/** What can be taken back after an action, from nothing to take back to nothing that can be. */
export const REVERSIBILITIES = [
  'read_only',
  'reversible',
  'externally_reversible',
  'irreversible',
] as const
export type Reversibility = (typeof REVERSIBILITIES)[number]

export const CONSEQUENCES = ['low', 'medium', 'high', 'critical'] as const
export type Consequence = (typeof CONSEQUENCES)[number]

/** What an action does outside: nothing that counts, reads, or changes and tells. */
export const EFFECTS = ['none', 'read', 'external'] as const
export type Effect = (typeof EFFECTS)[number]

/** Arguments that decide where an action strikes. */
export const CRITICAL_ARGUMENTS = ['recipient', 'url', 'branch', 'command', 'amount'] as const
export type CriticalArgument = (typeof CRITICAL_ARGUMENTS)[number]

/** Who must have said yes: the person who began the session, an operator, another operator. */
export const APPROVALS = ['initiator', 'approver', 'second-approver'] as const
export type ApprovalKind = (typeof APPROVALS)[number]
