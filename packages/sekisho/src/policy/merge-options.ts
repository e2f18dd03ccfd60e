import type { RuleOptions, Treatments } from '../wire/policy.ts'
import { stricter } from './treatment.ts'

/**
 * What several rules that allow the same thing say together: what any of them grants is granted,
 * the widest body counts, and of two treatments of one key the stricter.
 *
 * @param all in the order in which they may name the ecosystem of packages: the first counts
 */
export function mergeOptions(all: readonly RuleOptions[]): RuleOptions {
  const [first = NO_OPTIONS, ...others] = all
  return others.length === 0 ? first : others.reduce(mergeTwo, first)
}

/** Frozen: it is handed out to everybody. */
export const NO_OPTIONS: RuleOptions = Object.freeze({})

function mergeTwo(a: RuleOptions, b: RuleOptions): RuleOptions {
  const merged: RuleOptions = { ...b, ...a }
  for (const grant of ['websocket', 'withoutSni', 'uninspected'] as const) {
    if (a[grant] === true || b[grant] === true) merged[grant] = true
  }
  if (a.maxBodyBytes !== undefined && b.maxBodyBytes !== undefined) {
    merged.maxBodyBytes = Math.max(a.maxBodyBytes, b.maxBodyBytes)
  }
  if (a.treatments !== undefined && b.treatments !== undefined) {
    merged.treatments = mergeTreatments(a.treatments, b.treatments)
  }
  return merged
}

function mergeTreatments(a: Treatments, b: Treatments): Treatments {
  const merged = new Map(Object.entries(a))
  for (const [key, treatment] of Object.entries(b)) {
    merged.set(key, stricter(merged.get(key) ?? treatment, treatment))
  }
  return Object.fromEntries(merged)
}
