import type { HttpRequestAction } from '../core/action.ts'
import type { Clear, Misuse, Stopped } from '../flow/ports.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { Inspector } from './inspection/inspector.ts'
import type { Placeholders } from './placeholders.ts'

export type HeadInspector = {
  placeholders: Placeholders
  inspector: Inspector
  /** what the rules that allow a request say of how it is looked at */
  optionsOf(action: HttpRequestAction, allowedBy: readonly string[]): RuleOptions
}

export type LookedAt = {
  kind: 'looked-at'
  clear: Clear
  findings: FindingSet
  options: RuleOptions
}

/** Looks at URL and fields, for placeholders and for what detectors know. */
export function lookAtHead(
  { action, fields }: { action: HttpRequestAction; fields: readonly string[] },
  allowedBy: readonly string[],
  performer: HeadInspector,
): LookedAt | Misuse | Stopped {
  const { placeholders, inspector } = performer
  const inHead = placeholders.inspectHead(action, fields)
  if (inHead.kind === 'misuse') return inHead
  const options = performer.optionsOf(action, allowedBy)
  const findings = inspector.findings(options)
  const recordAs = inspector.inspectHead(action, fields, findings)
  if (findings.stopping !== undefined) return stoppedBy(findings, recordAs)
  return {
    kind: 'looked-at',
    clear: { ...inHead, ...seenBy(findings), recordAs },
    findings,
    options,
  }
}

/** @param findings that stop the request */
export function stoppedBy(findings: FindingSet, recordAs: Clear['recordAs']): Stopped {
  const { stopping: verdict } = findings
  if (verdict === undefined) throw new Error('nothing stops it')
  return { kind: 'stopped', verdict, recordAs, ...seenBy(findings) }
}

export function seenBy(findings: FindingSet | undefined): Pick<Clear, 'findings'> {
  return findings === undefined || findings.isEmpty ? {} : { findings: findings.recorded }
}

/** What may stand in the log of a request that goes nowhere, and what was found in its head. */
export function describeHead(
  { action, fields }: { action: HttpRequestAction; fields: readonly string[] },
  { inspector }: Pick<HeadInspector, 'inspector'>,
): Pick<Clear, 'recordAs' | 'findings'> {
  const findings = inspector.findings({})
  const recordAs = inspector.inspectHead(action, fields, findings)
  return { recordAs, ...seenBy(findings) }
}
