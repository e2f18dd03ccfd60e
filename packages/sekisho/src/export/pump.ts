import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import type { LagBounds, SinkStatus } from '../wire/exporter.ts'
import type { CursorFile } from './cursor-file.ts'
import { Delivery, type DeliveryOptions } from './delivery.ts'
import { DivergedError, type FollowedLeaf, LogFollower, type Position } from './follow.ts'
import { type Behind, behindBytes, isBehind } from './lag.ts'
import { leafRecord, type NoticeRecord } from './record.ts'
import { describeFailure, RetryError, type Sink } from './sink.ts'

/** What is sent, and so repeated, at once, where a sink says nothing else. */
const BATCH = { leaves: 256, bytes: 1024 * 1024 }

export type PumpOptions = Omit<DeliveryOptions, 'stop'> & {
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
  now: () => Date
}

/**
 * Carries the log to one sink, in order, at least once: the cursor moves when the receiver has
 * acknowledged. A sink that fails or hangs keeps nobody waiting but itself.
 */
export class Pump {
  readonly #options: PumpOptions
  readonly #stop = new AbortController()
  readonly #delivery: Delivery
  #sink: Sink | undefined
  /** after the last leaf that was acknowledged */
  #acknowledged: Position | null = null
  #isStopped: string | undefined
  #isBusy = false
  #lagging = false
  #sent = 0
  #wake: (() => void) | undefined
  /** something came while nobody waited for it */
  #woken = false
  #running: Promise<void> | undefined

  constructor(options: PumpOptions) {
    this.#options = options
    this.#delivery = new Delivery({ ...options, stop: this.#stop.signal })
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
    const failure = this.#failure
    return {
      name,
      kind,
      state: this.#state,
      sent: this.#sent,
      refused: this.#delivery.refused,
      behind: await this.#behind(),
      lagging: this.#lagging,
      failure: failure?.slice(0, 512) ?? null,
    }
  }

  /** Raises the alarm when the sink begins to lag, and says when it has caught up. */
  async checkLag(): Promise<void> {
    const { name, lag, alarms } = this.#options
    const behind = await this.#behind()
    this.#lagging = isBehind(behind, lag, this.#lagging)
    if (!this.#lagging) {
      const subject = `sink ${name} has caught up`
      return alarms.clear(`lag ${name}`, { rule: 'export.lag', severity: 'low', subject })
    }
    const { leaves, bytes, ageMs } = behind
    const how = `${leaves} leaves, ${bytes} bytes, ${Math.round(ageMs / 1000)} s behind`
    const why = this.#failure === null ? '' : `: ${this.#failure}`
    const subject = `sink ${name} is ${how}${why}`
    alarms.raise(`lag ${name}`, { rule: 'export.lag', severity: 'high', subject })
  }

  get #failure(): string | null {
    return this.#isStopped ?? this.#delivery.failure
  }

  get #state(): SinkStatus['state'] {
    if (this.#isStopped !== undefined) return 'stopped'
    if (this.#delivery.failure !== null) return 'retrying'
    return this.#isBusy ? 'sending' : 'idle'
  }

  async #run(): Promise<void> {
    const { sink, follower } = await this.#open()
    while (!this.#stop.signal.aborted) {
      const leaves = await this.#take(follower, sink.batch ?? BATCH)
      this.#isBusy = leaves.length > 0
      if (leaves.length === 0) await this.#idle(sink)
      else await this.#carry(sink, leaves)
    }
  }

  async #open(): Promise<{ sink: Sink; follower: LogFollower }> {
    const { cursor, origin, open, logDir, begin } = this.#options
    const kept = cursor.read()
    if (kept !== null && kept.origin !== origin) {
      throw new DivergedError('the cursor is of another log')
    }
    this.#acknowledged = kept?.position ?? null
    const sink = open(kept?.state)
    this.#sink = sink
    const follower = new LogFollower(logDir, this.#acknowledged)
    if (kept === null && begin === 'now') await this.#skip(follower)
    return { sink, follower }
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
  async #take(follower: LogFollower, batch: typeof BATCH): Promise<FollowedLeaf[]> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const taken = await follower.take(this.#options.size(), batch)
        if (attempt > 0) this.#delivery.failure = null
        return taken
      } catch (error) {
        if (error instanceof DivergedError || error instanceof TypeError) throw error
        follower.rewind(this.#acknowledged)
        const failure = new RetryError(`the log cannot be read: ${describeFailure(error)}`)
        if (!(await this.#delivery.backOff(attempt, failure))) return []
      }
    }
  }

  async #carry(sink: Sink, leaves: readonly FollowedLeaf[]): Promise<void> {
    const { origin } = this.#options
    const records = leaves.map(({ line, after }) =>
      leafRecord(origin, { index: after.index - 1, leaf: parseLeaf(line), line }),
    )
    if (!(await this.#delivery.deliver(sink, records))) return
    this.#acknowledged = leaves.at(-1)?.after ?? this.#acknowledged
    this.#sent += records.length
    await this.#saveDurably()
  }

  async #idle(sink: Sink): Promise<void> {
    const { heartbeatMs, elapsedMs } = this.#options
    const left = heartbeatMs === null ? null : this.#delivery.lastSentMs + heartbeatMs - elapsedMs()
    if (left !== null && left <= 0) return this.#beat(sink)
    if (!this.#woken) await this.#sleep(left)
    this.#woken = false
  }

  async #sleep(ms: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === null ? undefined : setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      if (this.#stop.signal.aborted) this.#wake()
    })
    this.#wake = undefined
  }

  async #beat(sink: Sink): Promise<void> {
    const text = `alive after ${this.#index} leaves`
    await this.#delivery.deliver(sink, [this.#notice('heartbeat', text)])
    this.#delivery.lastSentMs = this.#options.elapsedMs() // a refused one is no reason to hurry
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
        this.#save()
        this.#delivery.failure = null
        return
      } catch (error) {
        const failure = new RetryError(`the cursor cannot be written: ${describeFailure(error)}`)
        if (!(await this.#delivery.backOff(attempt, failure))) return
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
    const isOurs = [DivergedError, SekishoError, TypeError].some((known) => error instanceof known)
    const why = isOurs && error instanceof Error ? error.message : describeFailure(error)
    this.#isStopped = why
    const subject = `sink ${name} is stopped: ${why}`
    alarms.raise(`stopped ${name}`, { rule: 'export.stopped', severity: 'high', subject })
    if (this.#sink === undefined) return
    try {
      await this.#delivery.sendOnce(this.#sink, [this.#notice('stopped', subject)])
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
    const { inFlight } = this.#delivery
    if (inFlight === undefined) return 0
    const { now, elapsedMs } = this.#options
    const byLog = Number.isNaN(inFlight.atMs) ? 0 : now().getTime() - inFlight.atMs
    return Math.round(Math.max(0, byLog, elapsedMs() - inFlight.sinceMs))
  }
}

function parseLeaf(line: string): Record<string, unknown> {
  const value: unknown = parseJson(line)
  if (typeof value !== 'object' || value === null) throw new TypeError('a leaf that is no object')
  return { ...value }
}
