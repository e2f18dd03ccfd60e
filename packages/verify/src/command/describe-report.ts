import type { AuditReport, BrokenAudit } from '../audit/audit-log.ts'
import type { Finding } from '../audit/findings.ts'
import type { BundleReport } from '../bundle/audit-bundle.ts'

/** Findings and gaps that a person is shown; `--json` has all. */
const MAX_SHOWN = 50

/** The verdict in words, a line each; nothing that a log says can steer a terminal. */
export function describeReport(report: BundleReport): string[] {
  const lines = report.kind === 'broken' ? describeBroken(report) : describeWhole(report)
  return lines.map(printable)
}

/** 0 sound, 1 broken or findings. */
export function exitCodeOf({ kind }: { kind: BundleReport['kind'] }): 0 | 1 {
  return kind === 'sound' ? 0 : 1
}

/** One object: what is said of the log stands beside what was found. */
export function flatReport(report: BundleReport): object {
  if (report.kind === 'broken') return report
  const { log, ...found } = report
  return { ...log, ...found }
}

function describeBroken({ index, segment, line, reason, findings }: BrokenAudit): string[] {
  return [`broken at index ${index}: ${reason} (${segment}:${line})`, ...describeFindings(findings)]
}

function describeWhole(report: AuditReport & { scope: string | null }): string[] {
  const { log, findings, kind, scope, signatures, identities } = report
  const { size, checkpoints, root, gaps, open, openSessions } = log
  const what = scope === null ? `${size} leaves` : `session ${scope}, in a log of ${size} leaves`
  const counted = findings.length + report.findingsOmitted
  const verdict = kind === 'sound' ? 'sound' : `${counted} findings`
  return [
    `${verdict}: ${what}, ${checkpoints} checkpoints, root ${root}, ${gaps} gaps, ${open.length} actions and ${openSessions.length} sessions open`,
    report.depth === 'tree'
      ? 'no root was given: signatures, identities and counters were not looked at'
      : `${signatures} signatures by ${identities} certified keys`,
    ...describePostQuantum(report),
    ...describeOld(report),
    ...describeLate(report),
    ...describeFindings(findings),
    ...describeGaps(report),
    ...describeWitnesses(report),
  ]
}

function describePostQuantum({ lastPostQuantum, depth, log }: AuditReport): string[] {
  if (depth === 'tree') return []
  return lastPostQuantum === null
    ? ['no checkpoint has an ML-DSA-44 signature of the log']
    : [`ML-DSA-44 signatures cover ${lastPostQuantum} of ${log.size} leaves`]
}

function describeOld({ versions, depth }: AuditReport): string[] {
  const old = versions['1'] ?? 0
  return old === 0 || depth === 'tree'
    ? []
    : [`${old} leaves of version 1, from before identities: their checkpoints alone vouch for them`]
}

function describeLate({ late }: AuditReport): string[] {
  return late === 0
    ? []
    : [`${late} leaves of sessions that had ended: their checkpoints alone vouch for them`]
}

function describeFindings(findings: readonly Finding[]): string[] {
  const shown = findings
    .slice(0, MAX_SHOWN)
    .map(
      ({ index, kind, session, reason }) =>
        `index ${index}, ${kind}${session === null ? '' : `, ${session}`}: ${reason}`,
    )
  const more = findings.length - shown.length
  return more > 0 ? [...shown, `and ${more} more: --json lists them`] : shown
}

function describeGaps({ gaps }: AuditReport): string[] {
  return gaps
    .slice(0, MAX_SHOWN)
    .map(({ index, session, id, reason }) => `gap at index ${index}, ${session} ${id}: ${reason}`)
}

function describeWitnesses({ witnessed }: AuditReport): string[] {
  if (witnessed === null) return []
  const { size, operators } = witnessed
  return operators.length === 0
    ? ['no witness that was named has cosigned it']
    : [`cosigned at ${size} leaves by ${operators.length} operators: ${operators.join(', ')}`]
}

/** Control characters, and whatever turns text around, as their numbers. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}
