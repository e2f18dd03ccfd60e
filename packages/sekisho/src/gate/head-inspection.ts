import type { HttpRequestAction } from '../core/action.ts'
import type { Deny } from '../core/verdict.ts'
import type { Allowed, Clear, Misuse, Stopped } from '../flow/ports.ts'
import type { RuleOptions } from '../wire/policy.ts'
import type { FindingSet } from './inspection/finding-set.ts'
import type { Inspector } from './inspection/inspector.ts'
import type { Placeholders } from './placeholders.ts'

export type HeadInspector = {
  placeholders: Placeholders
  inspector: Inspector
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
  { options }: Allowed,
  performer: HeadInspector,
): LookedAt | Misuse | Stopped | Deny {
  const { placeholders, inspector } = performer
  const inHead = placeholders.inspectHead(action, fields)
  if (inHead.kind !== 'clear') return inHead
  const findings = inspector.findings(options)
  const recordAs = inspector.inspectHead(action, fields, findings)
  if (findings.stopping?.kind === 'deny') return stoppedBy(findings, recordAs)
  return {
    kind: 'looked-at',
    clear: { ...inHead, ...seenBy(findings), ...heldBy(findings), recordAs },
    findings,
    options,
  }
}

/** @param findings that stop the request */
function stoppedBy(findings: FindingSet, recordAs: Clear['recordAs']): Stopped {
  const { stopping: verdict } = findings
  if (verdict?.kind !== 'deny') throw new Error('nothing stops it')
  return { kind: 'stopped', verdict, recordAs, ...seenBy(findings) }
}

/** Undefined where nothing that was found stops it outright. */
export function stoppedWhere(
  findings: FindingSet,
  recordAs: Clear['recordAs'],
): Stopped | undefined {
  return findings.stopping?.kind === 'deny' ? stoppedBy(findings, recordAs) : undefined
}

/** What was found wants somebody's yes. */
export function heldBy({ stopping }: FindingSet): Pick<Clear, 'hold'> {
  return stopping?.kind === 'hold' ? { hold: stopping } : {}
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
