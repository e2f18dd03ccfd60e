import type { Attend } from './attendant.ts'
import { contain } from './containment.ts'
import { monitorExecs } from './exec-monitor.ts'
import { watchLimits } from './limits.ts'
import { allowSnapshots } from './snapshots.ts'
import { collectTranscripts } from './transcripts.ts'

/** In this order at a session's start, in reverse at its end. */
export const ATTENDANTS: readonly Attend[] = [
  watchLimits,
  contain,
  allowSnapshots,
  collectTranscripts,
  monitorExecs,
]
