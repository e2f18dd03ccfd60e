import type { Outcome, Refused, Tree } from './submit.ts'

/** How one witness stands to the log: a pure reducer over what became of each submission. */
export type Standing = {
  /** the newest tree that we hold its cosignature over */
  cosigned: Tree | null
  /** since when there is something that it has not cosigned, ms of the caller's clock */
  behindSinceMs: number | null
  trouble: Trouble | null
  /** the trouble that is on record: it is recorded once, until it changes */
  recorded: Trouble['reason'] | null
  /** in a row */
  failures: number
}

export type Trouble = { reason: Refused['reason'] | 'unreachable'; detail: string }

export type Bounds = {
  /** between two submissions while there is something new */
  everyMs: number
  /** behind for longer is trouble to be recorded */
  lagMs: number
}

/** Who refuses us is asked again, but seldom: somebody has to look first. */
const MAX_DELAY_MS = 60_000

export function initialStanding(
  cosigned: Tree | null,
  recorded: Standing['recorded'] = null,
): Standing {
  return { cosigned, behindSinceMs: null, trouble: null, recorded, failures: 0 }
}

/** The log has grown. */
export function afterGrowth(standing: Standing, nowMs: number): Standing {
  return { ...standing, behindSinceMs: standing.behindSinceMs ?? nowMs }
}

/** All is cosigned. */
export function afterNothing(standing: Standing): Standing {
  return { ...standing, behindSinceMs: null }
}

/** A submission has come back; `record` is what the log is to say of it. */
export function afterOutcome(
  standing: Standing,
  outcome: Outcome,
  { nowMs, lagMs }: { nowMs: number; lagMs: number },
): { standing: Standing; record: Trouble | null } {
  const trouble = troubleOf(outcome)
  const behindSinceMs = standing.behindSinceMs ?? nowMs
  const next: Standing =
    outcome.kind === 'cosigned'
      ? { ...standing, cosigned: outcome.tree, behindSinceMs: null, failures: 0, trouble }
      : { ...standing, behindSinceMs, failures: standing.failures + 1, trouble }
  if (trouble === null) return { standing: { ...next, recorded: null }, record: null }
  const isNews = trouble.reason !== standing.recorded
  if (!isNews || (trouble.reason === 'unreachable' && nowMs - behindSinceMs < lagMs)) {
    return { standing: next, record: null }
  }
  return { standing: { ...next, recorded: trouble.reason }, record: trouble }
}

/** Until the next submission, should there be anything to submit. */
export function delayMs({ trouble, failures }: Standing, { everyMs }: Bounds): number {
  if (trouble === null || failures === 0) return everyMs
  if (trouble.reason !== 'unreachable') return Math.max(everyMs, MAX_DELAY_MS)
  return Math.max(everyMs, Math.min(everyMs * 2 ** Math.min(failures - 1, 16), MAX_DELAY_MS))
}

export function isCurrent(
  standing: Standing,
  { nowMs, lagMs }: { nowMs: number; lagMs: number },
): boolean {
  const { cosigned, behindSinceMs, trouble } = standing
  if (cosigned === null || (trouble !== null && trouble.reason !== 'unreachable')) return false
  return behindSinceMs === null || nowMs - behindSinceMs < lagMs
}

function troubleOf(outcome: Outcome): Trouble | null {
  if (outcome.kind === 'unreachable') return { reason: 'unreachable', detail: outcome.detail }
  if (outcome.kind === 'refused') return { reason: outcome.reason, detail: outcome.detail }
  const { forgotten } = outcome
  if (forgotten === null) return null
  return {
    reason: 'refused',
    detail: `it has forgotten all but ${forgotten} leaves that it cosigned`,
  }
}
