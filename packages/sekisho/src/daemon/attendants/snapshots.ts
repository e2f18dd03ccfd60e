import type { Attend } from './attendant.ts'

/** From here on a snapshot of the running session can be taken. */
export const allowSnapshots: Attend = (live) => live.platform.snapshots.attend(live)
