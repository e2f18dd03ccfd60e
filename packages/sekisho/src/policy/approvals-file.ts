import * as z from 'zod'
import type { DecisionBundle } from '../wire/decision.ts'
import { readDuration } from './quantity.ts'
import { readStrictFile } from './strict-file.ts'
import { text } from './text.ts'

type ApprovalSettings = DecisionBundle['approvals']

/** An agent's client waits as long, with the connection open. */
export const DEFAULT_APPROVALS: ApprovalSettings = { timeoutMs: 300_000 }

const ApprovalsSchema = z.strictObject({
  version: z.literal(1),
  timeout: text((input) => readDuration(input, { min: '1s', max: '24h' })).optional(),
})

/**
 * How approvals are asked for: `approvals.yaml`.
 *
 * @throws SekishoError CONFIG_INVALID with file, line and column
 */
export function parseApprovals(source: string, path: string): ApprovalSettings {
  const { timeout } = readStrictFile(source, path, { schema: ApprovalsSchema })
  return timeout === undefined ? DEFAULT_APPROVALS : { timeoutMs: timeout }
}
