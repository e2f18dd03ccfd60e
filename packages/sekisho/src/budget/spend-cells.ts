import type { SpendEntry, SpendMeasure } from '../wire/spend.ts'
import { scopeOf } from './account.ts'
import { sumOf } from './measures.ts'
import { SpendCell } from './spend-cell.ts'
import type { Period } from './window.ts'

/** Sums, of all budgets and whoever they count for; without room for one more, calls are refused. */
const MAX_CELLS = 65_536
/** A chain that nobody has gone on with for so long is forgotten, though its budget is for ever. */
const FORGET_CHAIN_MS = 31 * 24 * 3_600_000

/** One measure of one account. */
export function cellName(account: string, measure: SpendMeasure): string {
  return `${account} ${measure}`
}

export function accountOf(cell: string): string {
  return cell.slice(0, cell.lastIndexOf(' '))
}

export class SpendCells {
  readonly #cells = new Map<string, SpendCell>()
  /** of each sum, what calls in flight may give back */
  readonly #inFlight = new Map<string, number>()

  /** @returns what is to be kept: nothing of what is over with its session */
  add(
    cell: string,
    period: Period,
    { amount, atMs }: { amount: number; atMs: number },
  ): SpendEntry[] {
    let kept = this.#cells.get(cell)
    if (kept === undefined) {
      if (amount <= 0) return [] // let go of already
      kept = new SpendCell()
      this.#cells.set(cell, kept)
    }
    kept.add(period, amount, atMs)
    const { startMs, untilMs } = period
    return isKept(cell) ? [{ kind: 'count', cell, startMs, untilMs, atMs, amount }] : []
  }

  /** A call that comes to at most so much has left. */
  leave(cell: string, amount: number): void {
    this.#inFlight.set(cell, sumOf(this.inFlight(cell), amount))
  }

  /** It has come back. */
  land(cell: string, amount: number): void {
    const rest = this.inFlight(cell) - amount
    if (rest > 0) this.#inFlight.set(cell, rest)
    else this.#inFlight.delete(cell)
  }

  inFlight(cell: string): number {
    return this.#inFlight.get(cell) ?? 0
  }

  sum(cell: string, nowMs: number): number {
    return this.#cells.get(cell)?.sum(nowMs) ?? 0
  }

  /** What it comes to if calls in flight give everything back. */
  settled(cell: string, nowMs: number): number {
    return Math.max(0, this.sum(cell, nowMs) - this.inFlight(cell))
  }

  hasRoomFor(cells: readonly string[], nowMs: number): boolean {
    const more = cells.filter((cell) => !this.#cells.has(cell)).length
    if (this.#cells.size + more <= MAX_CELLS) return true
    this.prune(nowMs)
    return this.#cells.size + more <= MAX_CELLS
  }

  drop(isOver: (cell: string) => boolean): void {
    for (const cell of this.#cells.keys()) if (isOver(cell)) this.#cells.delete(cell)
  }

  prune(nowMs: number): void {
    for (const [name, cell] of this.#cells) {
      cell.prune(nowMs)
      const isForgotten = scopeOf(name) === 'chain' && cell.touchedMs + FORGET_CHAIN_MS <= nowMs
      if (cell.isEmpty || (isForgotten && this.inFlight(name) === 0)) this.#cells.delete(name)
    }
  }

  entries(): SpendEntry[] {
    return [...this.#cells].flatMap(([cell, kept]) =>
      isKept(cell)
        ? kept.parts().map(
            ({ startMs, untilMs, amount }): SpendEntry => ({
              kind: 'count',
              cell,
              startMs,
              untilMs,
              atMs: kept.touchedMs,
              amount,
            }),
          )
        : [],
    )
  }

  /** Of which anything is counted. */
  accounts(): string[] {
    return [...new Set(Array.from(this.#cells.keys(), accountOf))]
  }
}

function isKept(cell: string): boolean {
  return scopeOf(cell) !== 'session'
}
