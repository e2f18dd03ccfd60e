import type { Attend } from './attendant.ts'
import { contain } from './containment.ts'

/** In this order at a session's start, in reverse at its end. */
export const ATTENDANTS: readonly Attend[] = [contain]
