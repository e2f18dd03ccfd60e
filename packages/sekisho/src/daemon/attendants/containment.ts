import type { Attend } from './attendant.ts'

/** From here on an attempt to escape ends the session and shuts its agent out. */
export const contain: Attend = (live) => live.platform.containment.attend(live)
