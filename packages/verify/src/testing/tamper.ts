import {
  auditLog,
  type AuditOptions,
  type AuditReport,
  type BrokenAudit,
} from '../audit/audit-log.ts'
import { parseObject } from '../canonical.ts'
import { logIn } from '../log-files.ts'
import type { AuditedLog } from './audited-log.ts'
import { type Leaf, LogBuilder } from './build-log.ts'

export type Judged = { kind: string; index?: number; reason?: string; found: [number, string][] }

function judged(report: AuditReport | BrokenAudit): Judged {
  const found = report.findings.map(({ index, kind }): [number, string] => [index, kind])
  if (report.kind !== 'broken') return { kind: report.kind, found }
  return { kind: 'broken', index: report.index, reason: report.reason, found }
}

export async function judge(log: LogBuilder, options: AuditOptions): Promise<Judged> {
  return judged(await log.inDirectory((dir) => auditLog(logIn(dir), options)))
}

export function leavesOf(made: AuditedLog): Leaf[] {
  return made.log.segments
    .flat()
    .filter((line) => line.startsWith('{'))
    .map((line) => parseObject(Buffer.from(line)) ?? {})
}

/** The log written anew with its own key: what an operator who has that key can do. */
export function rewritten(made: AuditedLog, leaves: readonly Leaf[]): LogBuilder {
  const log = new LogBuilder(made.log.signer).segment()
  for (const leaf of leaves) log.batch(leaf)
  return log
}
