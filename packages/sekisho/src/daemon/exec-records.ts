import type { LeafInput } from '../wire/leaves.ts'
import type { Clock } from './clock.ts'

/** Execs that one session may have recorded one by one: this many each second, and at once. */
const REFILL_PER_SECOND = 200
const BURST = 1000
/** One that is not like any before waits its turn, no longer than this. */
const MAX_WAIT_MS = 3_000
/** How long a count may be known to nobody but this process. */
const FLUSH_AFTER_MS = 1_000
/** Kinds of exec that are told apart, by program, content and caller. */
const MAX_KINDS = 1024

type ExecLeaf = Extract<LeafInput, { type: 'process.exec' }>
export type Exec = Omit<ExecLeaf, 'type' | 'session' | 'id' | 'repeated'>

export type Recorded =
  /** it is in the log; `id` of its leaf */
  | { kind: 'recorded'; id: string }
  /** it is counted, and the count is in the log within a second */
  | { kind: 'counted' }
  /** more new kinds of exec than can be recorded */
  | { kind: 'refused' }

type Kind = { exec: Exec; skipped: number }

type Options = {
  session: string
  record: (leaf: LeafInput) => Promise<unknown>
  clock: Clock
  onError: (error: unknown) => void
}

/**
 * Writes each exec of a session into the log before it happens. Past the rate, one that is like
 * another that was recorded (program, content, caller, verdict) is counted, so that no loop can
 * flood the log; one that is like no other waits.
 */
export class ExecRecords {
  readonly #options: Options
  /** oldest use first */
  readonly #kinds = new Map<string, Kind>()
  #tokens = BURST
  #refilledAtMs: number
  #next = 1
  #cancelFlush: (() => void) | undefined
  #closed = false

  constructor(options: Options) {
    this.#options = options
    this.#refilledAtMs = options.clock.nowMs()
  }

  /**
   * @param key what makes two execs alike
   * @param isTelling one that is never only counted: it waits for its turn
   * @throws what the log answers: then the exec must not be
   */
  async write(exec: Exec, key: string, isTelling: boolean): Promise<Recorded> {
    if (!this.#hasToken() && !isTelling && this.#kinds.has(key)) {
      this.count(exec, key)
      return { kind: 'counted' }
    }
    if (!(await this.#takeToken())) return { kind: 'refused' }
    return { kind: 'recorded', id: await this.#write(exec, key) }
  }

  /** Counts without a record of its own: within a second one leaf stands for all of this kind. */
  count(exec: Exec, key: string): void {
    const kind = this.#kinds.get(key) ?? { exec, skipped: 0 }
    kind.skipped += 1
    this.#kinds.set(key, kind)
    this.#flushSoon()
  }

  /** @returns how many execs the log has not taken */
  async close(): Promise<number> {
    this.#closed = true
    this.#cancelFlush?.()
    await this.#flush().catch((error: unknown) => this.#options.onError(error))
    return [...this.#kinds.values()].reduce((sum, { skipped }) => sum + skipped, 0)
  }

  /** What cannot be written stays counted. */
  async #flush(): Promise<void> {
    this.#cancelFlush = undefined
    const counted = [...this.#kinds].filter(([, { skipped }]) => skipped > 0)
    await Promise.all(counted.map(([key, { exec }]) => this.#write(exec, key, 1)))
  }

  /** @param standsFor how many of those counted this record is itself */
  async #write(exec: Exec, key: string, standsFor = 0): Promise<string> {
    const skipped = this.#kinds.get(key)?.skipped ?? 0
    this.#addSkipped(key, -skipped)
    const id = `x${this.#next++}`
    const { session, record } = this.#options
    const repeated = skipped - standsFor
    try {
      await record({ type: 'process.exec', session, id, ...exec, repeated })
    } catch (error) {
      this.#addSkipped(key, skipped)
      throw error
    }
    this.#remember(exec, key)
    return id
  }

  #addSkipped(key: string, count: number): void {
    const kind = this.#kinds.get(key)
    if (kind !== undefined) kind.skipped += count
  }

  /** Only what is in the log can others be likened to. */
  #remember(exec: Exec, key: string): void {
    const skipped = this.#kinds.get(key)?.skipped ?? 0
    this.#kinds.delete(key)
    this.#kinds.set(key, { exec, skipped })
    if (this.#kinds.size > MAX_KINDS) this.#forgetOne()
  }

  /** The one that was recorded longest ago; one with a count has its record to come. */
  #forgetOne(): void {
    for (const [key, { skipped }] of this.#kinds) {
      if (skipped > 0) continue
      this.#kinds.delete(key)
      return
    }
  }

  #flushSoon(): void {
    if (this.#closed) return
    this.#cancelFlush ??= this.#options.clock.after(FLUSH_AFTER_MS, () => {
      this.#flush().catch((error: unknown) => {
        this.#options.onError(error)
        this.#flushSoon()
      })
    })
  }

  #hasToken(): boolean {
    this.#refill()
    return this.#tokens >= 1
  }

  /** Each takes its place in line at once. */
  async #takeToken(): Promise<boolean> {
    this.#refill()
    const waitMs = ((1 - this.#tokens) / REFILL_PER_SECOND) * 1000
    if (waitMs > MAX_WAIT_MS) return false
    this.#tokens -= 1
    if (waitMs > 0) {
      await new Promise<void>((resolve) => void this.#options.clock.after(waitMs, resolve))
    }
    return true
  }

  #refill(): void {
    const nowMs = this.#options.clock.nowMs()
    const refill = (Math.max(0, nowMs - this.#refilledAtMs) / 1000) * REFILL_PER_SECOND
    this.#tokens = Math.min(BURST, this.#tokens + refill)
    this.#refilledAtMs = nowMs
  }
}
