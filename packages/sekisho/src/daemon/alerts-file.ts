import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { DEFAULT_ALERTS, parseAlerts } from '../policy/alerts-file.ts'
import type { AlertRule } from '../wire/exporter.ts'
import { isMissing } from './session-record.ts'

/**
 * `alerts.yaml` of the bundle, read once at start; a bundle without it has the default rules.
 *
 * @throws SekishoError CONFIG_INVALID
 */
export function readAlerts(bundle: string): readonly AlertRule[] {
  const path = join(bundle, 'alerts.yaml')
  try {
    return parseAlerts(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (isMissing(error)) return DEFAULT_ALERTS
    if (error instanceof SekishoError) throw error
    throw new SekishoError('CONFIG_INVALID', `${path} cannot be read`, { cause: error })
  }
}
