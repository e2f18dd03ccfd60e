import type { Constraint } from '../../wire/constraints.ts'
import type { LedgerEntry } from '../../wire/ledger.ts'
import { bucketOf, LedgerCell } from './ledger-cell.ts'
import {
  type Exceeded,
  entriesOf,
  exceeded,
  explain,
  isOfSession,
  keyOf,
  longer,
  orNought,
  type Part,
  partsOf,
  type Reservation,
  variableOf,
} from './ledger-part.ts'
import { type OpenProblem, openProblem, type OpenSum, type Unknown } from './open-problem.ts'

/** Cells, of all constraints and whoever they count for; without room for one more, it is denied. */
const MAX_CELLS = 16_384
/** Reservations that may still be released; above, the oldest stand for good. */
const MAX_PENDING = 65_536
/** From a verdict to the first byte takes less; what is released later has been counted for good. */
const PENDING_MS = 10 * 60_000

export type Assessed =
  | { kind: 'holds' }
  | Exceeded
  /** plain evaluation cannot tell */
  | { kind: 'open'; open: OpenProblem }

type Pending = { session: string; atMs: number; parts: readonly Part[] }

/**
 * What all actions have come to, as far as constraints ask. An action that is reserved counts with
 * the most that it may come to, at once and until it is released: two that race for what is left
 * cannot both have it. What may still be released counts for nothing where it would lower a sum.
 */
export class LedgerState {
  readonly #cells = new Map<string, { cell: LedgerCell; windowMs: number | null }>()
  /** in the order of their times */
  readonly #pending = new Map<string, Pending>()
  /** by cell: what is pending there; of what is known only the sum above nought is asked for */
  readonly #raised = new Map<string, { known: number; count: number; unknown: Map<string, Part> }>()

  /** what has come to stand since somebody last kept anything */
  readonly #unkept: LedgerEntry[] = []

  /** What of an earlier run still counts. */
  load(entries: readonly LedgerEntry[]): void {
    for (const { cell, windowMs, ...bucket } of entries) this.#cellAt(cell, windowMs).merge(bucket)
  }

  /** Whether a reservation would hold, whatever those that are pending and unknown come to. */
  assess(reservation: Reservation, constraints: readonly Constraint[], nowMs: number): Assessed {
    this.#settleOld(nowMs)
    const parts = partsOf(reservation, constraints)
    if ('kind' in parts) return parts
    const fresh = parts.filter(({ cell }) => !this.#cells.has(cell) && !this.#raised.has(cell))
    const [first] = fresh
    if (first !== undefined && !this.#hasRoom(fresh.length, nowMs)) {
      return exceeded(first.constraint.id, `the ledger has no room for more than ${MAX_CELLS} sums`)
    }
    const open: OpenSum[] = []
    for (const part of parts) {
      const { base, unknown } = this.#sumAt(part, keyOf(reservation), nowMs)
      const { max, id } = part.constraint
      const most = unknown.reduce((sum, each) => sum + each.most, base)
      const least = unknown.reduce((sum, each) => sum + each.least, base)
      if (least > max) return exceeded(id, explain(part, least - part.least))
      if (most > max) open.push({ constraint: part.constraint, base, unknown })
    }
    if (open.length === 0) return { kind: 'holds' }
    return {
      kind: 'open',
      open: openProblem(open, this.#boundsOf(open, keyOf(reservation), parts)),
    }
  }

  /**
   * Counts a reservation from now on.
   *
   * @returns what outlives the sessions, to be kept
   */
  reserve(
    reservation: Reservation,
    constraints: readonly Constraint[],
    nowMs: number,
  ): readonly LedgerEntry[] {
    const parts = partsOf(reservation, constraints)
    if ('kind' in parts) return []
    const key = keyOf(reservation)
    this.#settle(key) // an id is used once; twice must not count for less
    this.#pending.set(key, { session: reservation.session, atMs: nowMs, parts })
    for (const part of parts) {
      const there = this.#raised.get(part.cell) ?? { known: 0, count: 0, unknown: new Map() }
      this.#raised.set(part.cell, there)
      there.count += 1
      if (part.isKnown) there.known += Math.max(0, part.most)
      else there.unknown.set(key, part)
    }
    this.#settleOld(nowMs)
    return [...this.#unkept.splice(0), ...parts.flatMap((part) => entriesOf(part, nowMs, 'raises'))]
  }

  /** The action was not performed. @returns what is to be kept */
  release({ session, id }: Pick<Reservation, 'session' | 'id'>): readonly LedgerEntry[] {
    const pending = this.#takeOut(keyOf({ session, id }))
    if (pending === undefined) return []
    return pending.parts.flatMap((part) => entriesOf(part, pending.atMs, 'is taken back'))
  }

  /** What counts for a session only is over with it. */
  endSession(session: string): void {
    for (const [key, pending] of this.#pending) {
      if (pending.session === session) this.#settle(key)
    }
    for (const cell of this.#cells.keys()) {
      if (cell.endsWith(` session ${session}`)) this.#cells.delete(cell)
    }
  }

  /** All that counts and outlives the sessions, for a file that is written anew. */
  snapshot(nowMs: number): readonly LedgerEntry[] {
    this.#unkept.length = 0 // it is in the cells
    this.#prune(nowMs)
    const entries: LedgerEntry[] = []
    for (const [cell, { cell: kept, windowMs }] of this.#cells) {
      if (isOfSession(cell)) continue
      for (const bucket of kept.buckets()) entries.push({ cell, windowMs, ...bucket })
    }
    for (const { atMs, parts } of this.#pending.values()) {
      entries.push(...parts.flatMap((part) => entriesOf(part, atMs, 'raises')))
    }
    return entries
  }

  /** @param own key of the reservation that the part is of */
  #sumAt(part: Part, own: string, nowMs: number): Omit<OpenSum, 'constraint'> {
    const { windowMs } = part.constraint
    const kept = this.#cells.get(part.cell)
    if (kept !== undefined) kept.windowMs = longer(kept.windowMs, windowMs)
    let base = kept?.cell.sum(nowMs, windowMs) ?? 0
    const unknown: Unknown[] = []
    const raised = this.#raised.get(part.cell)
    base += raised?.known ?? 0
    for (const [key, pending] of raised?.unknown ?? []) {
      unknown.push({ ...orNought(pending), variable: variableOf(key, pending.constraint) })
    }
    const { least, most } = part
    if (part.isKnown) base += most
    else unknown.push({ least, most, variable: variableOf(own, part.constraint) })
    return { base, unknown }
  }

  /** What each constraint says of an amount that several of them count. */
  #boundsOf(open: readonly OpenSum[], own: string, parts: readonly Part[]): Unknown[] {
    const wanted = new Set(open.flatMap(({ unknown }) => unknown.map(({ variable }) => variable)))
    const all = [
      ...Array.from(this.#pending, ([key, pending]) => ({ key, ...pending })),
      { key: own, parts },
    ]
    return all.flatMap(({ key, parts: counted }) =>
      counted.flatMap((part): Unknown[] => {
        const variable = variableOf(key, part.constraint)
        if (part.isKnown || !wanted.has(variable)) return []
        const { least, most } = key === own ? part : orNought(part)
        return [{ variable, least, most }]
      }),
    )
  }

  #settleOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#pending) {
      if (this.#pending.size <= MAX_PENDING && atMs + PENDING_MS > nowMs) break
      this.#settle(key)
    }
  }

  /** From here on it stands: what lowers a sum was not kept when it was reserved. */
  #settle(key: string): void {
    const pending = this.#takeOut(key)
    for (const part of pending?.parts ?? []) {
      const { windowMs } = part.constraint
      const atMs = pending?.atMs ?? 0
      this.#cellAt(part.cell, windowMs).merge(bucketOf(part.most, atMs, windowMs))
      this.#unkept.push(...entriesOf(part, atMs, 'lowers'))
    }
  }

  #takeOut(key: string): Pending | undefined {
    const pending = this.#pending.get(key)
    this.#pending.delete(key)
    for (const { cell, isKnown, most } of pending?.parts ?? []) {
      const there = this.#raised.get(cell)
      if (there === undefined) continue
      if (isKnown) there.known -= Math.max(0, most)
      there.unknown.delete(key)
      there.count -= 1
      if (there.count === 0) this.#raised.delete(cell)
    }
    return pending
  }

  #cellAt(name: string, windowMs: number | null): LedgerCell {
    const kept = this.#cells.get(name) ?? { cell: new LedgerCell(), windowMs }
    kept.windowMs = longer(kept.windowMs, windowMs)
    this.#cells.set(name, kept)
    return kept.cell
  }

  #hasRoom(more: number, nowMs: number): boolean {
    if (this.#cells.size + this.#raised.size + more <= MAX_CELLS) return true
    this.#prune(nowMs)
    return this.#cells.size + this.#raised.size + more <= MAX_CELLS
  }

  #prune(nowMs: number): void {
    for (const [name, { cell, windowMs }] of this.#cells) {
      cell.prune(nowMs, windowMs)
      if (cell.isEmpty) this.#cells.delete(name)
    }
  }
}
