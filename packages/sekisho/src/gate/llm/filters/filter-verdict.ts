import type { RecordedFinding } from '../../../core/finding.ts'
import { type Deny, deny, type Hold } from '../../../core/verdict.ts'
import type { Clear, Stopped } from '../../../flow/ports.ts'
import type { FilterLook, LlmFilter } from '../../../wire/llm.ts'
import type { ChannelFinding } from './content-filter.ts'

/** Rule of what nobody has looked at, and without a look does not pass. */
const UNLOOKED = 'invariant.filter'
/** Of one request, on record. */
const MAX_FINDINGS = 64

/** What one filter was asked and what came of it. */
export type Asked = {
  filter: LlmFilter
  look: FilterLook
  findings: readonly ChannelFinding[]
}

/** What all filters together make of the texts of one side of a call. */
export type FilterVerdict = {
  looks: readonly FilterLook[]
  findings: readonly RecordedFinding[]
  refusal: Deny | undefined
  hold: Hold | undefined
  /** why the session's label is to be raised */
  raises: readonly string[]
  /** what has passed without a look */
  unlooked: string | undefined
}

const DID = { label: 'recorded', hold: 'held', deny: 'denied' } as const

export function verdictOf(all: readonly Asked[]): FilterVerdict {
  const failed = all.filter(({ look }) => look.said === 'failed')
  const strict = failed.filter(({ filter }) => filter.onFailure === 'deny')
  const found = all.filter(({ findings }) => findings.length > 0)
  const that = (onMatch: LlmFilter['onMatch']): Asked[] =>
    found.filter(({ filter }) => filter.onMatch === onMatch)
  const denying = that('deny').map(tell)
  const holding = that('hold')
  return {
    looks: all.map(({ look }) => look),
    findings: found.flatMap(recorded).slice(0, MAX_FINDINGS),
    refusal: refusalOf({ strict, rules: that('deny').map(ruleOf), denying }),
    hold:
      holding.length === 0
        ? undefined
        : {
            kind: 'hold',
            rules: holding.map(ruleOf),
            reason: holding.map(tell).join('; '),
            needs: ['approver'],
          },
    raises: that('label').map(tell),
    unlooked: failed.length === 0 ? undefined : failed.map(whyOf).join('; ').slice(0, 1024),
  }
}

function refusalOf({
  strict,
  rules,
  denying,
}: {
  strict: readonly Asked[]
  rules: readonly string[]
  denying: readonly string[]
}): Deny | undefined {
  if (denying.length > 0) return { kind: 'deny', rules, reason: denying.join('; ') }
  return strict.length === 0 ? undefined : deny(UNLOOKED, strict.map(whyOf).join('; '))
}

/** What a request is after the filters have spoken: it only ever gets harder to pass. */
export function tightened(clear: Clear, verdict: FilterVerdict): Clear | Stopped {
  const { refusal, hold, unlooked } = verdict
  const findings = [...(clear.findings ?? []), ...verdict.findings].slice(0, MAX_FINDINGS)
  const seen = findings.length === 0 ? {} : { findings }
  if (refusal !== undefined) {
    return { kind: 'stopped', verdict: refusal, recordAs: clear.recordAs, ...seen }
  }
  const unseen = [clear.uninspected, unlooked].filter((why) => why !== undefined).join('; ')
  return {
    ...clear,
    ...seen,
    ...(unseen === '' ? {} : { uninspected: unseen.slice(0, 1024) }),
    ...(hold === undefined ? {} : { hold: joined(clear.hold, hold) }),
  }
}

function joined(first: Hold | undefined, second: Hold): Hold {
  if (first === undefined) return second
  return {
    ...first,
    rules: [...first.rules, ...second.rules],
    reason: `${first.reason}; ${second.reason}`,
    needs: [...new Set([...(first.needs ?? ['approver']), ...(second.needs ?? ['approver'])])],
  }
}

function recorded({ filter, findings }: Asked): RecordedFinding[] {
  return findings.map(({ id, channel }) => ({
    detector: id.slice(0, 128),
    place: `${channel}, by ${filter.id}`,
    count: 1,
    did: DID[filter.onMatch],
  }))
}

const ruleOf = ({ filter }: Asked): string => `filter.${filter.id}`

function tell({ filter, look, findings }: Asked): string {
  const what = findings.map(({ id, channel, permille }) => `${id} (${permille} ‰) in ${channel}`)
  const asked = `of ${look.bytes} bytes in ${look.durationMs} ms`
  return `the filter ${filter.id} has found ${what.join(', ')}, ${asked}`.slice(0, 1024)
}

function whyOf({ filter, look }: Asked): string {
  const at = look.bytes === 0 ? '' : ` at ${look.bytes} bytes`
  return `the filter ${filter.id} has not looked${at}: ${look.why ?? 'nobody knows why'}`
}
