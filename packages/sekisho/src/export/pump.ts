import { setTimeout as pause } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import type { LagBounds, SinkStatus } from '../wire/exporter.ts'
import type { Alarms } from './alarms.ts'
import type { CursorFile } from './cursor-file.ts'
import { DivergedError, type FollowedLeaf, LogFollower, type Position } from './follow.ts'
import { type Behind, behindBytes, isBehind } from './lag.ts'
import { type ExportRecord, leafRecord, type NoticeRecord } from './record.ts'
import { describeFailure, RefusedError, RetryError, type Sink } from './sink.ts'

/** What is sent, and so repeated, at once. */
const BATCH = { leaves: 256, bytes: 1024 * 1024 }
/** A receiver that has not acknowledged by then is tried again. */
const SEND_TIMEOUT_MS = 30_000
const BACKOFF_MS = { first: 500, most: 60_000 }
/** A receiver that asks for more is asked again all the same. */
const MAX_RETRY_AFTER_MS = 15 * 60_000

export type PumpOptions = {
  name: string
  kind: string
  /** null: no heartbeat */
  heartbeatMs: number | null
  origin: string
  logDir: string
  lag: LagBounds
  /** given what was kept with the cursor */
  open: (state: unknown) => Sink
  cursor: CursorFile
  /** where a first start begins: at the log's first leaf, or at what comes from now on */
  begin: 'first' | 'now'
  /** leaves that the keyholder has acknowledged */
  size: () => number
  alarms: Alarms
  now: () => Date
  /** monotonic, ms */
  elapsedMs: () => number
  sendTimeoutMs?: number
  backoffMs?: { first: number; most: number }
}

/**
 * Carries the log to one sink, in order, at least once: the cursor moves when the receiver has
 * acknowledged. A sink that fails or hangs keeps nobody waiting but itself.
 */
export class Pump {
  readonly #options: PumpOptions
  readonly #stop = new AbortController()
  #sink: Sink | undefined
  /** after the last leaf that was acknowledged */
  #acknowledged: Position | null = null
  #state: SinkStatus['state'] = 'idle'
  #failure: string | null = null
  #lagging = false
  #sent = 0
  #refused = 0
  /** the oldest record that is being sent, and since when */
  #inFlight: { atMs: number; sinceMs: number } | undefined
  #lastSentMs: number
  #wake: (() => void) | undefined
  /** something came while nobody waited for it */
  #woken = false
  #running: Promise<void> | undefined

  constructor(options: PumpOptions) {
    this.#options = options
    this.#lastSentMs = options.elapsedMs()
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => this.#halt(error))
  }

  /** The log has grown, or may have. */
  wake(): void {
    this.#woken = true
    this.#wake?.()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    this.#wake?.()
    await this.#running
    await this.#sink?.close()
  }

  async status(): Promise<SinkStatus> {
    const { name, kind } = this.#options
    return {
      name,
      kind,
      state: this.#state,
      sent: this.#sent,
      refused: this.#refused,
      behind: await this.#behind(),
      lagging: this.#lagging,
      failure: this.#failure?.slice(0, 512) ?? null,
    }
  }

  /** Raises the alarm when the sink begins to lag, and says when it has caught up. */
  async checkLag(): Promise<void> {
    const { name, lag, alarms } = this.#options
    const behind = await this.#behind()
    const lagging = isBehind(behind, lag, this.#lagging)
    if (lagging === this.#lagging) return
    this.#lagging = lagging
    const { leaves, bytes, ageMs } = behind
    const how = `${leaves} leaves, ${bytes} bytes, ${Math.round(ageMs / 1000)} s behind`
    if (!lagging) {
      const subject = `sink ${name} has caught up`
      return alarms.clear(`lag ${name}`, { rule: 'export.lag', severity: 'low', subject })
    }
    const why = this.#failure === null ? '' : `: ${this.#failure}`
    const subject = `sink ${name} is ${how}${why}`
    alarms.raise(`lag ${name}`, { rule: 'export.lag', severity: 'high', subject })
  }

  async #run(): Promise<void> {
    const follower = await this.#open()
    while (!this.#stop.signal.aborted) {
      const leaves = await this.#take(follower)
      if (leaves.length === 0) await this.#idle()
      else await this.#carry(leaves)
    }
  }

  async #open(): Promise<LogFollower> {
    const { cursor, origin, open, logDir, begin } = this.#options
    const kept = cursor.read()
    if (kept !== null && kept.origin !== origin) {
      throw new DivergedError('the cursor is of another log')
    }
    this.#acknowledged = kept?.position ?? null
    this.#sink = open(kept?.state)
    const follower = new LogFollower(logDir, this.#acknowledged)
    if (kept === null && begin === 'now') await this.#skip(follower)
    return follower
  }

  async #skip(follower: LogFollower): Promise<void> {
    const end = this.#options.size()
    while (follower.index < end && !this.#stop.signal.aborted) {
      const taken = await follower.take(end, BATCH)
      if (taken.length === 0) return
      this.#acknowledged = follower.position
    }
    this.#save()
  }

  /** Files that cannot be read now are tried again: the log may be on a disk that comes back. */
  async #take(follower: LogFollower): Promise<FollowedLeaf[]> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const taken = await follower.take(this.#options.size(), BATCH)
        if (attempt > 0) this.#recovered()
        return taken
      } catch (error) {
        if (error instanceof DivergedError || error instanceof TypeError) throw error
        follower.rewind(this.#acknowledged)
        this.#failed(new RetryError(`the log cannot be read: ${describeFailure(error)}`))
        if (!(await this.#backOff(attempt, undefined))) return []
      }
    }
  }

  async #carry(leaves: readonly FollowedLeaf[]): Promise<void> {
    const { origin } = this.#options
    const records = leaves.map(({ line, after }) =>
      leafRecord(origin, { index: after.index - 1, leaf: parseLeaf(line), line }),
    )
    this.#state = 'sending'
    const delivered = await this.#deliver(records)
    this.#inFlight = undefined
    if (!delivered) return
    this.#acknowledged = leaves.at(-1)?.after ?? this.#acknowledged
    this.#sent += records.length
    await this.#saveDurably()
    this.#state = 'idle'
  }

  /** @returns false when it was stopped before all was acknowledged */
  async #deliver(records: readonly ExportRecord[]): Promise<boolean> {
    for (let attempt = 0; ; attempt += 1) {
      this.#inFlight ??= {
        atMs: Date.parse(records[0]?.at ?? ''),
        sinceMs: this.#options.elapsedMs(),
      }
      try {
        this.#thrownAway(records, await this.#send(records))
        this.#recovered()
        return true
      } catch (error) {
        if (this.#stop.signal.aborted) return false
        if (error instanceof RefusedError) return this.#refuse(records, error)
        this.#failed(error)
        const afterMs = error instanceof RetryError ? error.afterMs : undefined
        if (!(await this.#backOff(attempt, afterMs))) return false
      }
    }
  }

  async #send(records: readonly ExportRecord[]): Promise<number> {
    const timeoutMs = this.#options.sendTimeoutMs ?? SEND_TIMEOUT_MS
    const late = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([late, this.#stop.signal])
    // a sink that does not heed the signal is not waited for
    const broken = Promise.withResolvers<never>()
    const breakOff = (): void =>
      broken.reject(new RetryError(`no acknowledgement in ${timeoutMs} ms`))
    signal.addEventListener('abort', breakOff, { once: true })
    try {
      const sent = this.#sink?.send(records, signal) ?? 0
      const refused = await Promise.race([sent, broken.promise])
      this.#lastSentMs = this.#options.elapsedMs()
      return refused
    } finally {
      signal.removeEventListener('abort', breakOff)
    }
  }

  /** What is refused is found by halves, so that one bad record takes no other with it. */
  async #refuse(records: readonly ExportRecord[], error: RefusedError): Promise<boolean> {
    if (records.length > 1) {
      const half = Math.ceil(records.length / 2)
      return (
        (await this.#deliver(records.slice(0, half))) && (await this.#deliver(records.slice(half)))
      )
    }
    const [record] = records
    if (record?.kind === 'leaf') {
      this.#refused += 1
      // the refusal of an alert makes no alert
      if (record.type !== 'platform.alert') this.#tellRefused(record.id, error)
    }
    return true
  }

  /** It has acknowledged the batch and says that it kept less: sent again, it would do so again. */
  #thrownAway(records: readonly ExportRecord[], refused: number): void {
    if (refused === 0) return
    this.#refused += refused
    const cause = records.findLast(({ kind }) => kind === 'leaf')
    const isOurs = records.every(
      (record) => record.kind !== 'leaf' || record.type === 'platform.alert',
    )
    if (cause === undefined || isOurs) return
    this.#tellRefused(`${refused} records up to ${cause.id}`, new RefusedError('partial success'))
  }

  #tellRefused(id: string, { message }: RefusedError): void {
    const { name, alarms } = this.#options
    const subject = `sink ${name} refuses ${id}, which it does not have now: ${message}`
    alarms.raise(`refused ${name}`, { rule: 'export.refused', severity: 'high', subject })
  }

  #failed(error: unknown): void {
    this.#state = 'retrying'
    this.#failure = describeFailure(error)
  }

  #recovered(): void {
    this.#failure = null
    if (this.#state === 'retrying') this.#state = 'sending'
  }

  /** @returns false when it was stopped meanwhile */
  async #backOff(attempt: number, afterMs: number | undefined): Promise<boolean> {
    const { first, most } = this.#options.backoffMs ?? BACKOFF_MS
    const usual = Math.min(first * 2 ** Math.min(attempt, 20), most)
    const delayMs = afterMs === undefined ? usual : Math.min(afterMs, MAX_RETRY_AFTER_MS)
    await pause(delayMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    return !this.#stop.signal.aborted
  }

  async #idle(): Promise<void> {
    if (this.#state !== 'idle') this.#state = 'idle'
    const { heartbeatMs, elapsedMs } = this.#options
    const left = heartbeatMs === null ? null : this.#lastSentMs + heartbeatMs - elapsedMs()
    if (left !== null && left <= 0) return this.#beat()
    if (!this.#woken) await this.#sleep(left)
    this.#woken = false
  }

  async #sleep(left: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = left === null ? undefined : setTimeout(resolve, left)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stop.signal.aborted) this.#wake()
    })
    this.#wake = undefined
  }

  async #beat(): Promise<void> {
    const text = `alive after ${this.#index} leaves`
    await this.#deliver([this.#notice('heartbeat', text)])
    this.#inFlight = undefined
    this.#lastSentMs = this.#options.elapsedMs()
  }

  #notice(kind: NoticeRecord['kind'], text: string): NoticeRecord {
    const { origin, name, now } = this.#options
    const at = now().toISOString()
    return { kind, id: `${origin}/${kind}/${name}/${at}`, at, index: this.#index, text }
  }

  get #index(): number {
    return this.#acknowledged?.index ?? 0
  }

  /** A cursor that cannot be written is a sink that does not go on: it would repeat ever more. */
  async #saveDurably(): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return this.#save()
      } catch (error) {
        this.#failed(new RetryError(`the cursor cannot be written: ${describeFailure(error)}`))
        if (!(await this.#backOff(attempt, undefined))) return
      }
    }
  }

  #save(): void {
    const { cursor, origin } = this.#options
    if (this.#acknowledged === null) return
    cursor.write({ origin, position: this.#acknowledged, state: this.#sink?.state?.() ?? null })
  }

  /** The log is not what it was: its receiver is told, and gets nothing more. */
  async #halt(error: unknown): Promise<void> {
    const { name, alarms } = this.#options
    const isKnown = error instanceof DivergedError || error instanceof SekishoError
    const why = isKnown || error instanceof TypeError ? error.message : describeFailure(error)
    this.#state = 'stopped'
    this.#failure = why
    this.#inFlight = undefined
    const subject = `sink ${name} is stopped: ${why}`
    alarms.raise(`stopped ${name}`, { rule: 'export.stopped', severity: 'high', subject })
    try {
      await this.#send([this.#notice('stopped', subject)])
    } catch {
      // it may be gone too: the alarm is raised, and the status says it
    }
  }

  async #behind(): Promise<Behind> {
    const leaves = Math.max(0, this.#options.size() - this.#index)
    if (leaves === 0) return { leaves: 0, bytes: 0, ageMs: 0 }
    return { leaves, bytes: await this.#behindBytes(), ageMs: this.#age() }
  }

  /** 0 where the files cannot be looked at, which `failure` says. */
  async #behindBytes(): Promise<number> {
    try {
      return await behindBytes(this.#options.logDir, this.#acknowledged)
    } catch {
      return 0
    }
  }

  /** By the log's time, and by our own where a clock was set back. */
  #age(): number {
    if (this.#inFlight === undefined) return 0
    const { atMs, sinceMs } = this.#inFlight
    const { now, elapsedMs } = this.#options
    const byLog = Number.isNaN(atMs) ? 0 : now().getTime() - atMs
    return Math.round(Math.max(0, byLog, elapsedMs() - sinceMs))
  }
}

function parseLeaf(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null) throw new TypeError('a leaf that is no object')
  return { ...value }
}
