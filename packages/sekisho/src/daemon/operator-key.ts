import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { type Operator, parseOperators } from '../policy/operators.ts'
import { isMissing } from './session-record.ts'

export const OPERATORS_FILE = 'operators.yaml'

/** What is in force, as far as it says who the operators are. */
export type ApprovedFiles = { approved(): { files: Record<string, string> | null } }

/**
 * Who may release. Once a bundle names operators, whoever writes to its directory makes nobody an
 * operator by that: those of the bundle in force count until they have signed another.
 *
 * @throws SekishoError CONFIG_INVALID
 */
export function operatorsNow(bundle: string, policy: ApprovedFiles): readonly Operator[] {
  const text = policy.approved().files?.[OPERATORS_FILE]
  const approved = text === undefined ? [] : parseOperators(text, `${OPERATORS_FILE} in force`)
  return approved.length > 0 ? approved : readOperators(bundle)
}

/**
 * Read anew at each use: an operator who has left must not release anything after a restart only.
 *
 * @throws SekishoError CONFIG_INVALID
 */
export function readOperators(bundle: string): readonly Operator[] {
  const path = join(bundle, OPERATORS_FILE)
  try {
    return parseOperators(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (isMissing(error)) return []
    if (error instanceof SekishoError) throw error
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
}
