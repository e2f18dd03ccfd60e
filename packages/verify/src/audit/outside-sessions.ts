import type { Leaf } from './fields.ts'
import type { FindingKind } from './findings.ts'
import { isSignedType } from './leaf-types.ts'

/** What the supervisor may still see as a session ends: recorded after it, and then unsigned. */
const LATE: ReadonlySet<string> = new Set([
  'process.exec',
  'limit.breach',
  'budget.breaker',
  'alert',
])

/** A leaf of a session that is not open where it stands, or of none. */
export type Outside = {
  leaf: Leaf
  type: string
  /** never: no start of it stands in the log before; null: it is of no session */
  session: 'ended' | 'never' | null
}

/** What stands outside of every session, and may not; undefined where it may. */
export function whyNotOutside({
  leaf,
  type,
  session,
}: Outside): { kind: FindingKind; reason: string } | undefined {
  if (leaf['sig'] !== undefined) {
    return { kind: 'signature', reason: 'signed, and of no session that is open' }
  }
  if (leaf['state'] !== undefined) {
    return { kind: 'state', reason: 'a state of no session that is open' }
  }
  if (type === 'identity.issued') {
    if (session === null) return undefined // a gate’s
    return { kind: 'identity', reason: 'a key for a session that is not open' }
  }
  if (!isSignedType(type) || (session === 'ended' && LATE.has(type))) return undefined
  const whose = { ended: 'of a session that had ended', never: 'of a session that never began' }
  const reason = session === null ? 'of no session' : whose[session]
  return { kind: 'signature', reason: `${type} ${reason}: nobody has signed it` }
}

/** Nobody signs for a session any more that has ended: the checkpoints alone vouch for it. */
export function isLate({ type, session }: Outside): boolean {
  return session === 'ended' && LATE.has(type)
}
