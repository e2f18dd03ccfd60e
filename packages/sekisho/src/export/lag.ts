import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { listSegments, segmentName } from '@sekisho/verify'
import type { LagBounds } from '../wire/exporter.ts'
import type { Position } from './follow.ts'

export type Behind = { leaves: number; bytes: number; ageMs: number }

/** One that lags has caught up at half of a bound, so that it does not come and go. */
export function isBehind(behind: Behind, bounds: LagBounds, wasBehind: boolean): boolean {
  const part = wasBehind ? 0.5 : 1
  return (
    behind.leaves > bounds.leaves * part ||
    behind.bytes > bounds.bytes * part ||
    behind.ageMs > bounds.ageMs * part
  )
}

/** Bytes of the log after a position, checkpoints included. */
export async function behindBytes(dir: string, position: Position | null): Promise<number> {
  const from = position ?? { segment: 0, offset: 0 }
  let bytes = -from.offset
  for (const number of await listSegments(dir)) {
    if (number < from.segment) continue
    bytes += (await stat(join(dir, segmentName(number)))).size
  }
  return Math.max(0, bytes)
}
