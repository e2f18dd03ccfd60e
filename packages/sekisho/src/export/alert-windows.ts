import * as z from 'zod'
import type { AlertRule } from '../wire/exporter.ts'

const Window = z.strictObject({
  /** of the leaves that count, by the log's clock, oldest first, Unix ms */
  times: z.array(z.int()).max(1000),
  /** of the last alert; null before the first */
  firedAtMs: z.int().nullable(),
  /** leaves since then for which there was no alert of their own */
  unsaid: z.int().min(0),
  /** after which the window means nothing any more */
  untilMs: z.int(),
})
type Window = z.infer<typeof Window>
const Kept = z.array(z.tuple([z.string(), Window]))

/** Windows of which something is known; above this the oldest is forgotten. */
const MAX_WINDOWS = 1024
/** Over all windows, of at most 14 bytes each: the state is written whole with every batch. */
const MAX_TIMES = 24_576

/**
 * Counts what rules are about: an alert when the threshold is reached within the window, and then
 * none until the window has passed, so that a flood of leaves is not a flood of alerts.
 */
export class AlertWindows {
  readonly #windows: Map<string, Window>
  #times = 0

  /** @param kept of {@link state}; anything else begins anew */
  constructor(kept: unknown) {
    const parsed = Kept.safeParse(kept)
    this.#windows = new Map(parsed.success ? parsed.data : [])
    for (const { times } of this.#windows.values()) this.#times += times.length
  }

  /** @returns how many leaves the alert stands for; undefined for no alert */
  count(rule: AlertRule, per: string, atMs: number): number | undefined {
    const key = `${rule.name} ${per}`
    const known = this.#windows.get(key)
    const window = known ?? { times: [], firedAtMs: null, unsaid: 0, untilMs: 0 }
    this.#windows.delete(key) // to the end: the oldest stands first
    this.#windows.set(key, window)
    window.untilMs = atMs + rule.windowMs
    this.#times -= window.times.length
    window.times = [...window.times, atMs]
      .filter((time) => time > atMs - rule.windowMs)
      .slice(-rule.threshold)
    this.#times += window.times.length
    this.#forgetOldest()
    window.unsaid += 1
    if (window.times.length < rule.threshold) return undefined
    if (window.firedAtMs !== null && atMs < window.firedAtMs + rule.windowMs) return undefined
    const leaves = window.firedAtMs === null ? window.times.length : window.unsaid
    window.firedAtMs = atMs
    window.unsaid = 0
    return leaves
  }

  /** Never the newest: one window has 1000 times at most. */
  #forgetOldest(): void {
    for (const [key, { times }] of this.#windows) {
      if (this.#windows.size <= MAX_WINDOWS && this.#times <= MAX_TIMES) return
      this.#windows.delete(key)
      this.#times -= times.length
    }
  }

  /** What still means something at a time of the log, to be kept. */
  state(nowMs: number): unknown {
    return [...this.#windows].filter(([, { untilMs }]) => untilMs > nowMs)
  }
}
