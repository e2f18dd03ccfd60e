import { createHash } from 'node:crypto'
import { CedarPolicies } from '../wire/cedar.ts'
import { COMPILED_DEFAULTS, DEFAULTS_DIGEST } from './compiled-defaults.ts'
import type { CedarReading } from './load-cedar.ts'

/** The file of a bundle that says what the platform says where a bundle says nothing. */
export const DEFAULTS_FILE = 'defaults.cedar'

/**
 * `policy/defaults.cedar` as Cedar's library reads it, so that a bundle without policies of its own,
 * or with exactly these, takes no library to load.
 */
export function defaultPolicies(): CedarReading {
  const policies = CedarPolicies.parse(
    COMPILED_DEFAULTS.map(({ id, policy }): unknown => ({ id, policy: JSON.parse(policy) })),
  )
  const places = COMPILED_DEFAULTS.map(
    ({ id, line }) => [id, { file: DEFAULTS_FILE, line, column: 1 }] as const,
  )
  return { policies, places: new Map(places), sources: new Map(), problems: [] }
}

/** Whether a bundle's Cedar files are the platform's own. */
export function areDefaults(files: ReadonlyMap<string, string>): boolean {
  if (files.size === 0) return true
  const text = files.get(DEFAULTS_FILE)
  if (files.size > 1 || text === undefined) return false
  return createHash('sha256').update(text).digest('hex') === DEFAULTS_DIGEST
}
