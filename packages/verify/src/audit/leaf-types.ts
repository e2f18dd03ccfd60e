/**
 * Every leaf type of version 2. A `signed` one carries the signature of its session's key while
 * that session is open: the keyholder has it open then, and signs what it writes.
 */
const SIGNED = [
  'session.start',
  'session.end',
  'session.state',
  'action.intent',
  'action.outcome',
  'action.held',
  'action.preimage',
  'llm.call',
  'process.exec',
  'limit.breach',
  'budget.breaker',
  'alert',
] as const

const UNSIGNED = [
  'platform.start',
  'platform.stop',
  'session.refused',
  'session.contained',
  'quarantine.set',
  'quarantine.release',
  'workspace.snapshot',
  'image.import',
  'approval.answer',
  'approval.ended',
  'policy.generation',
  'policy.refused',
  'policy.drift',
  'content.removed',
  'recording.removed',
  'identity.authority',
  'identity.issued',
  'identity.revoked',
  'identity.revocation-heard',
  'identity.conflict',
  'log.read',
  'transcript.collected',
  'witness.refused',
  'platform.alert',
  'gap',
] as const

const SIGNED_TYPES: ReadonlySet<string> = new Set(SIGNED)
const TYPES: ReadonlySet<string> = new Set([...SIGNED, ...UNSIGNED])

export function isKnownType(type: string): boolean {
  return TYPES.has(type)
}

export function isSignedType(type: string): boolean {
  return SIGNED_TYPES.has(type)
}
