import type { IndexedLeaf } from '@sekisho/verify'
import { formatMicroUsd } from '../budget/money.ts'

export const SPEND_GROUPS = ['session', 'agent', 'user', 'model', 'provider', 'day'] as const
export type SpendGroup = (typeof SPEND_GROUPS)[number]

type Leaf = Readonly<Record<string, unknown>>

/** What calls of models have come to that have something in common. */
export type SpendRow = {
  key: string
  calls: number
  input: number
  cacheRead: number
  cacheWrite: number
  output: number
  microUsd: number
  /** calls whose cost nobody knows: their model had no price */
  unpriced: number
  /** calls counted by what was reserved, or by a part: their provider told no usage */
  untold: number
}

/** Sums `llm.call` leaves as they come by; money at these leaves alone, so nothing counts twice. */
export class SpendTally {
  readonly #group: SpendGroup
  readonly #starts = new Map<string, { agent: string; user: string }>()
  readonly #rows = new Map<string, SpendRow>()

  constructor(group: SpendGroup) {
    this.#group = group
  }

  /** A session's start, which says whose its calls are; to come before them. */
  addStart(leaf: Leaf): void {
    const { session, agent } = leaf
    const { uid } = membersOf(leaf['initiator'])
    const user = typeof uid === 'number' ? `uid-${uid}` : '?'
    this.#starts.set(textOf(session), { agent: textOf(agent), user })
  }

  addCall({ leaf }: Pick<IndexedLeaf, 'leaf'>): void {
    const row = this.#rowOf(this.#keyOf(leaf))
    const { input, cacheRead, cacheWrite, output } = membersOf(leaf['counted'])
    const { microUsd } = leaf
    row.calls += 1
    row.input += numberOf(input)
    row.cacheRead += numberOf(cacheRead)
    row.cacheWrite += numberOf(cacheWrite)
    row.output += numberOf(output)
    row.microUsd += numberOf(microUsd)
    if (microUsd === null) row.unpriced += 1
    if (leaf['usage'] === null) row.untold += 1
  }

  /** The dearest first; days in their order. */
  rows(): SpendRow[] {
    const rows = [...this.#rows.values()]
    return this.#group === 'day'
      ? rows.toSorted((a, b) => (a.key < b.key ? -1 : 1))
      : rows.toSorted((a, b) => b.microUsd - a.microUsd || (a.key < b.key ? -1 : 1))
  }

  #keyOf(leaf: Leaf): string {
    const session = textOf(leaf['session'])
    switch (this.#group) {
      case 'session':
        return session
      case 'agent':
      case 'user':
        return this.#starts.get(session)?.[this.#group] ?? '?'
      case 'model':
        return `${textOf(leaf['provider'])}:${textOf(leaf['served'] ?? leaf['model'])}`
      case 'provider':
        return textOf(leaf['provider'])
      case 'day':
        return textOf(leaf['at']).slice(0, 10)
    }
  }

  #rowOf(key: string): SpendRow {
    const empty = { input: 0, cacheRead: 0, cacheWrite: 0, output: 0, microUsd: 0 }
    const row = this.#rows.get(key) ?? { key, calls: 0, ...empty, unpriced: 0, untold: 0 }
    this.#rows.set(key, row)
    return row
  }
}

export function sumOf(rows: readonly SpendRow[]): SpendRow {
  const sum = (valueOf: (row: SpendRow) => number): number =>
    rows.reduce((total, row) => total + valueOf(row), 0)
  return {
    key: 'all',
    calls: sum(({ calls }) => calls),
    input: sum(({ input }) => input),
    cacheRead: sum(({ cacheRead }) => cacheRead),
    cacheWrite: sum(({ cacheWrite }) => cacheWrite),
    output: sum(({ output }) => output),
    microUsd: sum(({ microUsd }) => microUsd),
    unpriced: sum(({ unpriced }) => unpriced),
    untold: sum(({ untold }) => untold),
  }
}

/** Cells of a table, to stand under {@link SPEND_HEADINGS}. */
export function spendCells({ key, microUsd, unpriced, untold, ...row }: SpendRow): string[] {
  const notes = [
    ...(unpriced > 0 ? [`${unpriced} without a price`] : []),
    ...(untold > 0 ? [`${untold} estimated`] : []),
  ]
  const counts = [row.calls, row.input, row.cacheRead, row.cacheWrite, row.output].map(String)
  return [key, ...counts, formatMicroUsd(microUsd), notes.join(', ')]
}

export const SPEND_HEADINGS = ['CALLS', 'INPUT', 'CACHE READ', 'CACHE WRITE', 'OUTPUT', 'COST', '']

function membersOf(value: unknown): Leaf {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '?'
}
