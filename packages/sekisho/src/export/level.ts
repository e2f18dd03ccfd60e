import { valueAt } from './alert-match.ts'
import type { ExportRecord } from './record.ts'

/** How much a record matters, for formats that want it said. */
export type Level = 'info' | 'low' | 'medium' | 'high'

/** Leaves that call for somebody, whatever is in them. */
const BY_TYPE: Readonly<Record<string, Level>> = {
  'session.contained': 'high',
  'quarantine.set': 'high',
  'identity.conflict': 'high',
  'witness.refused': 'high',
  'policy.drift': 'high',
  gap: 'medium',
  'limit.breach': 'medium',
  'budget.breaker': 'medium',
  'session.refused': 'medium',
  'policy.refused': 'medium',
  'identity.revoked': 'medium',
  'action.held': 'low',
  'content.removed': 'low',
  'recording.removed': 'low',
}

/** What an honest program never does. */
const ATTEMPTS: readonly unknown[] = ['process.syscall', 'file.open']

export function levelOf(record: ExportRecord): Level {
  if (record.kind !== 'leaf') return record.kind === 'stopped' ? 'high' : 'info'
  const { leaf, type, isKnown } = record
  if (!isKnown) return 'medium'
  if (type === 'alert' || type === 'platform.alert') return severityOf(leaf['severity'])
  if (ATTEMPTS.includes(valueAt(leaf, 'action.kind'))) return 'high'
  if (valueAt(leaf, 'verdict.kind') === 'deny') return 'medium'
  return BY_TYPE[type] ?? 'info'
}

function severityOf(severity: unknown): Level {
  return severity === 'high' || severity === 'low' ? severity : 'medium'
}
