import type { LlmBudget } from '../wire/llm.ts'

/** A sliding window is kept in so many parts: what is spent counts up to a part too long. */
const PARTS_OF_WINDOW = 32
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** 1970-01-05 was a Monday; Unix ms. */
const FIRST_MONDAY = 4 * DAY_MS

/** Where in a cell something is counted: together with all else of the same two times. */
export type Period = {
  startMs: number
  /** from then on it counts no more; null: for ever */
  untilMs: number | null
}

type Window = Pick<LlmBudget, 'windowMs' | 'calendar'>

/** @param nowMs Unix ms */
export function periodOf({ windowMs, calendar }: Window, nowMs: number): Period {
  if (calendar !== undefined) return CALENDAR[calendar](nowMs)
  if (windowMs === null) return { startMs: 0, untilMs: null }
  const partMs = Math.max(1, Math.ceil(windowMs / PARTS_OF_WINDOW))
  const startMs = Math.floor(nowMs / partMs) * partMs
  return { startMs, untilMs: startMs + partMs + windowMs }
}

/** When all that counts now counts no more; null: never. */
export function endOfWindow(window: Window, nowMs: number): number | null {
  if (window.calendar === undefined && window.windowMs !== null) return nowMs + window.windowMs
  return periodOf(window, nowMs).untilMs
}

const CALENDAR: Readonly<Record<NonNullable<Window['calendar']>, (nowMs: number) => Period>> = {
  hour: (nowMs) => every(HOUR_MS, 0, nowMs),
  day: (nowMs) => every(DAY_MS, 0, nowMs),
  week: (nowMs) => every(7 * DAY_MS, FIRST_MONDAY, nowMs),
  month: (nowMs) => {
    const at = new Date(nowMs)
    const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()]
    return { startMs: Date.UTC(year, month), untilMs: Date.UTC(year, month + 1) }
  },
}

function every(lengthMs: number, firstMs: number, nowMs: number): Period {
  const startMs = Math.max(0, Math.floor((nowMs - firstMs) / lengthMs) * lengthMs + firstMs)
  return { startMs, untilMs: Math.floor((nowMs - firstMs) / lengthMs + 1) * lengthMs + firstMs }
}
