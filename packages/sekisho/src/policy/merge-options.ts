import { CONSEQUENCES, EFFECTS, REVERSIBILITIES } from '../core/label.ts'
import type { RuleOptions, Treatments } from '../wire/policy.ts'
import { stricter } from './treatment.ts'

/**
 * What several rules that allow the same thing say together: what any of them grants is granted,
 * the widest body counts, and of two treatments of one key the stricter. What a request does counts
 * as the worst that any of them says, and one that says nothing says what goes without saying.
 *
 * @param all in the order in which they may name the ecosystem of packages: the first counts
 */
export function mergeOptions(all: readonly RuleOptions[]): RuleOptions {
  const [first = NO_OPTIONS, ...others] = all
  return others.length === 0 ? first : others.reduce(mergeTwo, first)
}

/** Frozen: it is handed out to everybody. */
export const NO_OPTIONS: RuleOptions = Object.freeze({})

const GRANTS = ['websocket', 'withoutSni', 'uninspected', 'revealsPersonalData'] as const

function mergeTwo(a: RuleOptions, b: RuleOptions): RuleOptions {
  const merged: RuleOptions = { ...b, ...a }
  for (const grant of GRANTS) {
    if (a[grant] === true || b[grant] === true) merged[grant] = true
  }
  if (a.maxBodyBytes !== undefined && b.maxBodyBytes !== undefined) {
    merged.maxBodyBytes = Math.max(a.maxBodyBytes, b.maxBodyBytes)
  }
  if (a.treatments !== undefined && b.treatments !== undefined) {
    merged.treatments = mergeTreatments(a.treatments, b.treatments)
  }
  const { effect: _effect, reversibility: _reversibility, ...rest } = merged
  return { ...rest, ...mergeClasses(a, b) }
}

/** What one leaves out is as its method and its host say, which may be as bad as these usual ones. */
function mergeClasses(a: RuleOptions, b: RuleOptions): RuleOptions {
  const effect = worst(EFFECTS, [a.effect, b.effect], 'external')
  const usual = 'externally_reversible'
  const reversibility = worst(REVERSIBILITIES, [a.reversibility, b.reversibility], usual)
  const consequence = worst(CONSEQUENCES, [a.consequence, b.consequence], 'low')
  return {
    ...(effect === undefined ? {} : { effect }),
    ...(reversibility === undefined ? {} : { reversibility }),
    ...(consequence === undefined ? {} : { consequence }),
  }
}

/** @param usual the worst that it can be where a rule says nothing */
function worst<T>(order: readonly T[], said: readonly (T | undefined)[], usual: T): T | undefined {
  const rank = (one: T | undefined): number => order.indexOf(one ?? usual)
  const explicitFirst = said.toSorted((a, b) => Number(a === undefined) - Number(b === undefined))
  return explicitFirst.reduce((a, b) => (rank(a) >= rank(b) ? a : b))
}

function mergeTreatments(a: Treatments, b: Treatments): Treatments {
  const merged = new Map(Object.entries(a))
  for (const [key, treatment] of Object.entries(b)) {
    merged.set(key, stricter(merged.get(key) ?? treatment, treatment))
  }
  return Object.fromEntries(merged)
}
