import { deny } from '../core/verdict.ts'
import type { LeafInput } from '../wire/leaves.ts'

/** Records per second one session may cause from outside the gate, and how many at once. */
const REFILL_PER_SECOND = 20
const BURST = 100
/** Kinds of attempt that are each recorded once, whatever the rate; a session can invent more. */
const MAX_KINDS = 256

type KernelAction = Extract<
  Extract<LeafInput, { type: 'action.intent' }>['action'],
  { kind: 'process.syscall' | 'file.open' }
>

/**
 * Denials that the supervisor sees itself (system calls, tripwires): each is recorded before it
 * is answered. Past the rate a sandbox may cause, they are counted and the count goes into the
 * next record, so that a loop inside cannot flood the log.
 */
export class DenialRecords {
  readonly #session: string
  readonly #record: (leaf: LeafInput) => Promise<unknown>
  readonly #nowMs: () => number
  readonly #kinds = new Set<string>()
  #tokens = BURST
  #refilledAtMs: number
  #skipped = 0
  #count = 0

  constructor(options: {
    session: string
    record: (leaf: LeafInput) => Promise<unknown>
    nowMs: () => number
  }) {
    this.#session = options.session
    this.#record = options.record
    this.#nowMs = options.nowMs
    this.#refilledAtMs = this.#nowMs()
  }

  get count(): number {
    return this.#count
  }

  async deny(action: KernelAction, rule: string, reason: string): Promise<void> {
    this.#count += 1
    const isNew = this.#isFirstOfKind(action)
    if (!this.#takeToken() && !isNew) {
      this.#skipped += 1
      return
    }
    await this.#write(action, rule, reason)
  }

  /**
   * Writes what was counted and not yet recorded; called at the session's end. What cannot be
   * written stays counted.
   */
  async flush(): Promise<void> {
    if (this.#skipped === 0) return
    const skipped = this.#skipped
    this.#skipped -= 1 // this record stands for one of them
    await this.#write(
      { kind: 'process.syscall', syscall: 'many', args: [], pid: 0, command: '' },
      'invariant.flood',
      `${skipped} more denials than can be recorded one by one`,
    )
  }

  async #write(action: KernelAction, rule: string, reason: string): Promise<void> {
    const repeated = this.#skipped
    this.#skipped = 0
    try {
      await this.#record({
        type: 'action.intent',
        session: this.#session,
        id: `k${this.#count}`,
        action: { ...action },
        verdict: { ...deny(rule, reason), rules: [rule] },
        credentials: [],
        repeated,
      })
    } catch (error) {
      this.#skipped += repeated + 1 // counted into the next record
      throw error
    }
  }

  /** However many came before: a new kind of attempt is never lost in the noise of another. */
  #isFirstOfKind(action: KernelAction): boolean {
    const kind =
      action.kind === 'file.open' ? action.path : `${action.syscall} ${action.args[0] ?? ''}`
    if (this.#kinds.has(kind) || this.#kinds.size >= MAX_KINDS) return false
    this.#kinds.add(kind)
    return true
  }

  #takeToken(): boolean {
    const now = this.#nowMs()
    const refill = (Math.max(0, now - this.#refilledAtMs) / 1000) * REFILL_PER_SECOND
    this.#tokens = Math.min(BURST, this.#tokens + refill)
    this.#refilledAtMs = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
