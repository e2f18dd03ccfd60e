import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { type Operator, parseOperators } from '../policy/operators.ts'
import { isMissing } from './session-record.ts'

export const OPERATORS_FILE = 'operators.yaml'

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
