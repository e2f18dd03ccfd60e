import { type LogLeaf, membersOf } from './leaf-fields.ts'

export type Totals = {
  leaves: number
  /** by type */
  types: Record<string, number>
  /** intents by verdict */
  verdicts: Record<string, number>
  /** of what was performed */
  bytesOut: number
  bytesIn: number
  /** attempts that stand in no leaf of their own */
  repeated: number
  credentials: Record<string, number>
}

/** Counts leaves as they come by. */
export class TotalsCount {
  readonly totals: Totals = {
    leaves: 0,
    types: {},
    verdicts: {},
    bytesOut: 0,
    bytesIn: 0,
    repeated: 0,
    credentials: {},
  }

  add(leaf: LogLeaf): void {
    const { totals } = this
    totals.leaves += 1
    count(totals.types, leaf['type'])
    totals.repeated += numberOf(leaf['repeated'])
    if (leaf['type'] === 'action.intent') {
      count(totals.verdicts, membersOf(leaf['verdict'])['kind'])
      const { credentials } = leaf
      if (Array.isArray(credentials)) for (const one of credentials) count(totals.credentials, one)
    }
    const outcome = membersOf(leaf['outcome'])
    totals.bytesOut += numberOf(outcome['bytesOut'])
    totals.bytesIn += numberOf(outcome['bytesIn'])
  }
}

function count(into: Record<string, number>, name: unknown): void {
  if (typeof name !== 'string') return
  const before = Object.hasOwn(into, name) ? (into[name] ?? 0) : 0
  Object.defineProperty(into, name, {
    value: before + 1,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}
