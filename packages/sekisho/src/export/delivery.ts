import { setTimeout as pause } from 'node:timers/promises'
import type { Alarms } from './alarms.ts'
import type { ExportRecord } from './record.ts'
import { describeFailure, RefusedError, RetryError, type Sink } from './sink.ts'

/** A receiver that has not acknowledged by then is tried again. */
const SEND_TIMEOUT_MS = 30_000
const BACKOFF_MS = { first: 500, most: 60_000 }
/** A receiver that asks for more is asked again all the same. */
const MAX_RETRY_AFTER_MS = 15 * 60_000

export type DeliveryOptions = {
  name: string
  alarms: Alarms
  stop: AbortSignal
  /** monotonic, ms */
  elapsedMs: () => number
  sendTimeoutMs?: number
  backoffMs?: { first: number; most: number }
}

/** Brings batches to one sink, as often as it takes; nobody but that sink's own pump waits. */
export class Delivery {
  readonly #options: DeliveryOptions
  /** why it is being tried again; null where it is not */
  failure: string | null = null
  /** records that the receiver will never take */
  refused = 0
  /** when something was last acknowledged */
  lastSentMs: number
  /** the oldest record that is being sent (the log's time, Unix ms), and since when */
  inFlight: { atMs: number; sinceMs: number } | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.lastSentMs = options.elapsedMs()
  }

  /** @returns false when it was stopped before all was acknowledged */
  async deliver(sink: Sink, records: readonly ExportRecord[]): Promise<boolean> {
    const { elapsedMs } = this.#options
    this.inFlight = { atMs: Date.parse(records[0]?.at ?? ''), sinceMs: elapsedMs() }
    const delivered = await this.#deliver(sink, records)
    this.inFlight = undefined
    return delivered
  }

  /** One try. @throws whatever the sink does, or RetryError when it takes too long */
  async sendOnce(sink: Sink, records: readonly ExportRecord[]): Promise<number> {
    const { sendTimeoutMs: timeoutMs = SEND_TIMEOUT_MS, stop, elapsedMs } = this.#options
    const signal = AbortSignal.any([AbortSignal.timeout(timeoutMs), stop])
    // a sink that does not heed the signal is not waited for
    const broken = Promise.withResolvers<never>()
    const breakOff = (): void =>
      broken.reject(new RetryError(`no acknowledgement in ${timeoutMs} ms`))
    signal.addEventListener('abort', breakOff, { once: true })
    try {
      const refused = await Promise.race([sink.send(records, signal), broken.promise])
      this.lastSentMs = elapsedMs()
      return refused
    } finally {
      signal.removeEventListener('abort', breakOff)
    }
  }

  /** Something failed, and is tried again after a while. @returns false when it was stopped meanwhile */
  async backOff(attempt: number, error: unknown): Promise<boolean> {
    this.failure = describeFailure(error)
    const { backoffMs: { first, most } = BACKOFF_MS, stop } = this.#options
    const askedMs = error instanceof RetryError ? error.afterMs : undefined
    const usualMs = Math.min(first * 2 ** Math.min(attempt, 20), most)
    const delayMs = askedMs === undefined ? usualMs : Math.min(askedMs, MAX_RETRY_AFTER_MS)
    await pause(delayMs, undefined, { signal: stop }).catch(() => undefined)
    return !stop.aborted
  }

  async #deliver(sink: Sink, records: readonly ExportRecord[]): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const refused = await this.sendOnce(sink, records)
        if (refused > 0) this.#thrownAway(records, refused)
        else this.#options.alarms.clear(`refused ${this.#options.name}`)
        this.failure = null
        return true
      } catch (error) {
        if (this.#options.stop.aborted) return false
        if (error instanceof RefusedError) return this.#refuse(sink, records, error)
        if (!(await this.backOff(attempt, error))) return false
      }
    }
  }

  /** What is refused is found by halves, so that one bad record takes no other with it. */
  async #refuse(
    sink: Sink,
    records: readonly ExportRecord[],
    { message }: RefusedError,
  ): Promise<boolean> {
    this.failure = null
    if (records.length > 1) {
      const half = Math.ceil(records.length / 2)
      const first = await this.#deliver(sink, records.slice(0, half))
      return first && this.#deliver(sink, records.slice(half))
    }
    this.refused += 1
    this.#tellRefused(records, records[0]?.id ?? '', message)
    return true
  }

  /** It has acknowledged the batch and says that it kept less: sent again, it would do so again. */
  #thrownAway(records: readonly ExportRecord[], refused: number): void {
    this.refused += refused
    const what = `${refused} records up to ${records.at(-1)?.id ?? ''}`
    this.#tellRefused(records, what, 'partial success')
  }

  /** The refusal of an alert makes no alert. */
  #tellRefused(records: readonly ExportRecord[], what: string, why: string): void {
    const { name, alarms } = this.#options
    const others = records.filter(({ kind }) => kind === 'leaf').filter(isNoAlert)
    if (others.length === 0) return
    const subject = `sink ${name} refuses ${what}, which it does not have now: ${why}`
    alarms.raise(`refused ${name}`, { rule: 'export.refused', severity: 'high', subject })
  }
}

function isNoAlert(record: ExportRecord): boolean {
  return record.kind === 'leaf' && record.type !== 'platform.alert'
}
