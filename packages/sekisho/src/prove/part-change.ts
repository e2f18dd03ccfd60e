import type { Comparison } from '../wire/solver.ts'

/** What a change of one part of a bundle means, with its reason. */
export type PartChange = { change: Comparison['change']; why: string }
