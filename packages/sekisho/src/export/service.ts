import { hostname } from 'node:os'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import {
  type ExporterConfig,
  exporterToSupervisor,
  type SinkConfig,
  type SinkStatus,
  supervisorToExporter,
} from '../wire/exporter.ts'
import type { LeafInput } from '../wire/leaves.ts'
import { Peer, type Transport } from '../wire/peer.ts'
import type { WitnessAnswer, WitnessStatus } from '../wire/witness.ts'
import { Alarms } from './alarms.ts'
import { AlertSink } from './alert-sink.ts'
import { openSink } from './all.ts'
import { CursorFile } from './cursor-file.ts'
import { LogSize } from './log-size.ts'
import { Pump, type PumpOptions } from './pump.ts'

/** What a task that runs beside the exporters has of them. */
export type TaskContext = {
  config: ExporterConfig
  logDir: string
  /** the exporter's own, for a task to make a directory of its own below */
  stateDir: string
  /** resolves once the leaf is durable; only the types that wire/exporter.ts lets through */
  record: (leaf: LeafInput) => Promise<{ index: number }>
  alarms: Alarms
  /** leaves that the keyholder has acknowledged, as last heard */
  size: () => number
  say: (line: string) => void
}

/** Work on the log that is no sink, such as the client of a witness. */
export type ExporterTask = {
  /** the log has grown; never called twice at a time, and not waited for by others */
  grown?(size: number): void
  /** of a task that is the client of witnesses */
  witnesses?(): WitnessStatus[]
  ask?(size: number): Promise<WitnessAnswer[]>
  stop(): Promise<void>
}

export type ExporterOptions = {
  supervisor: Transport
  logDir: string
  stateDir: string
  now: () => Date
  say: (line: string) => void
  tasks?: readonly ((context: TaskContext) => ExporterTask)[]
}

const LAG_CHECK_MS = 1000

/** Serves one supervisor until `stop`: nothing is sent before it is configured. */
export async function serveExporter(options: ExporterOptions): Promise<{ stop(): Promise<void> }> {
  let running: Running | undefined
  const peer: Peer<typeof exporterToSupervisor, typeof supervisorToExporter> = new Peer(
    'supervisor',
    options.supervisor,
    {
      out: exporterToSupervisor,
      in: supervisorToExporter,
      handlers: {
        configure: (config) => {
          if (running !== undefined) throw new SekishoError('USAGE', 'configured already')
          running = new Running(config, options, peer)
          return {}
        },
        status: async () => ({
          sinks: (await running?.status()) ?? [],
          witnesses: running?.witnesses() ?? [],
        }),
        'witness.ask': async ({ size }) => ({ answers: (await running?.ask(size)) ?? [] }),
      },
    },
  )
  return { stop: async () => running?.stop() }
}

/** All sinks, and what wakes them. */
class Running {
  readonly #pumps: readonly Pump[]
  readonly #tasks: readonly ExporterTask[]
  readonly #size: LogSize
  readonly #alarms: Alarms
  readonly #ticker: NodeJS.Timeout
  #isStarted = false

  constructor(
    config: ExporterConfig,
    options: ExporterOptions,
    peer: Peer<typeof exporterToSupervisor, typeof supervisorToExporter>,
  ) {
    const { logDir, stateDir, say } = options
    const record = (leaf: LeafInput): Promise<{ index: number }> => peer.call('record', { leaf })
    this.#alarms = new Alarms({ record, say, elapsedMs: () => performance.now() })
    const alarms = this.#alarms
    this.#size = new LogSize({
      dir: logDir,
      ask: async () => (await peer.call('log.size', {})).size,
      grown: (size) => this.#grown(size),
    })
    const size = (): number => this.#size.known ?? 0
    this.#pumps = [
      this.#watch(config, options),
      ...config.sinks.map((sink) => this.#pumpOf(sink, config, options)),
    ]
    const context = { config, logDir, stateDir, record, alarms, size, say }
    this.#tasks = (options.tasks ?? []).map((make) => make(context))
    this.#size.start()
    this.#ticker = setInterval(() => void this.#tick(), LAG_CHECK_MS)
  }

  witnesses(): WitnessStatus[] {
    return this.#tasks.flatMap((task) => task.witnesses?.() ?? [])
  }

  async ask(size: number): Promise<WitnessAnswer[]> {
    const answers = await Promise.all(this.#tasks.map(async (task) => task.ask?.(size) ?? []))
    return answers.flat()
  }

  status(): Promise<SinkStatus[]> {
    return Promise.all(this.#pumps.map((pump) => pump.status()))
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticker)
    this.#size.stop()
    await Promise.all([...this.#pumps, ...this.#tasks].map((part) => part.stop()))
  }

  /** Nothing is read before the first answer: against a size that is not known all would be too long. */
  #grown(size: number): void {
    if (!this.#isStarted) for (const pump of this.#pumps) pump.start()
    this.#isStarted = true
    for (const pump of this.#pumps) pump.wake()
    for (const task of this.#tasks) task.grown?.(size)
  }

  async #tick(): Promise<void> {
    await this.#alarms.flush()
    for (const pump of this.#pumps) await pump.checkLag()
  }

  #pumpOf(sink: SinkConfig, config: ExporterConfig, options: ExporterOptions): Pump {
    const { origin, version } = config
    const dir = join(options.stateDir, 'sinks', sink.name)
    return new Pump({
      ...this.#common(config, options),
      name: sink.name,
      kind: sink.kind,
      heartbeatMs: sink.heartbeatMs,
      begin: 'first',
      cursor: new CursorFile(join(options.stateDir, 'cursors', `${sink.name}.json`)),
      open: (state) => openSink(sink, { dir, version, origin, hostname: hostname(), state }),
    })
  }

  /** Rules are about what happens from now on; a log that was there before is history. */
  #watch(config: ExporterConfig, options: ExporterOptions): Pump {
    return new Pump({
      ...this.#common(config, options),
      name: 'alert rules',
      kind: 'rules',
      heartbeatMs: null,
      begin: 'now',
      cursor: new CursorFile(join(options.stateDir, 'alerts.json')),
      open: (state) => new AlertSink(config.alerts, this.#alarms, state),
    })
  }

  #common(
    { origin, lag }: ExporterConfig,
    { logDir, now }: ExporterOptions,
  ): Pick<PumpOptions, 'origin' | 'lag' | 'logDir' | 'alarms' | 'size' | 'now' | 'elapsedMs'> {
    const size = (): number => this.#size.known ?? 0
    const elapsedMs = (): number => performance.now()
    return { origin, lag, logDir, alarms: this.#alarms, size, now, elapsedMs }
  }
}
