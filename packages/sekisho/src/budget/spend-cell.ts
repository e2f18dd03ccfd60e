import type { Period } from './window.ts'

type Part = Period & { amount: number }

/** What one measure of one account has come to, as time passes. */
export class SpendCell {
  readonly #parts: Part[] = []
  /** when something was last counted, Unix ms */
  touchedMs = 0

  /** Never below nought; beyond exact numbers it stays at the greatest of them. */
  add({ startMs, untilMs }: Period, amount: number, atMs: number): void {
    this.touchedMs = Math.max(this.touchedMs, atMs)
    let part = this.#parts.find((each) => each.startMs === startMs && each.untilMs === untilMs)
    if (part === undefined) {
      part = { startMs, untilMs, amount: 0 }
      this.#parts.push(part)
    }
    part.amount = Math.max(0, Math.min(Number.MAX_SAFE_INTEGER, part.amount + amount))
  }

  sum(nowMs: number): number {
    const sum = this.#parts.reduce(
      (total, { untilMs, amount }) => (isOver(untilMs, nowMs) ? total : total + amount),
      0,
    )
    return Math.min(Number.MAX_SAFE_INTEGER, sum)
  }

  prune(nowMs: number): void {
    for (let index = this.#parts.length - 1; index >= 0; index -= 1) {
      if (isOver(this.#parts[index]?.untilMs ?? null, nowMs)) this.#parts.splice(index, 1)
    }
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  parts(): readonly Readonly<Part>[] {
    return this.#parts
  }
}

function isOver(untilMs: number | null, nowMs: number): boolean {
  return untilMs !== null && untilMs <= nowMs
}
