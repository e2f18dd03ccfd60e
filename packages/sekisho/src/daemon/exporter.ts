import { SekishoError } from '../core/error.ts'
import type { Handlers } from '../wire/peer.ts'
import type { AlertRule, exporterToSupervisor, SinkStatus } from '../wire/exporter.ts'
import type { WitnessAnswer, WitnessStatus } from '../wire/witness.ts'
import { type ExporterPeer, type KeyholderPeer, makeExporter } from './child-kinds.ts'
import { type ExportSettings, resolveSinks } from './export-settings.ts'
import { UIDS } from './identities.ts'
import { degradedWitnesses, healthyWitnesses, refuseBroken, unasked } from './witness-report.ts'
import { type WitnessSettings, witnessingOf } from './witness-settings.ts'

/** A status is not waited for longer: a sink that hangs must not make it hang. */
const STATUS_TIMEOUT_MS = 2000

type Options = {
  settings: ExportSettings
  witnesses: WitnessSettings
  alerts: readonly AlertRule[]
  version: string
  /** @throws SekishoError PEER_UNAVAILABLE while it is down */
  keyholder: () => KeyholderPeer
  /** name of the log */
  origin: () => string
  /** what the log signs by */
  logVkeys: () => readonly string[]
  warn: (line: string) => void
  /** in place of a process of its own */
  make?: (...parts: Parameters<typeof makeExporter>) => ExporterChild
}

export type ExporterChild = Pick<
  ReturnType<typeof makeExporter>,
  'pid' | 'peer' | 'start' | 'stop' | 'kill'
>

/**
 * The process that carries the log to others and watches it. Nothing waits for it: without it,
 * actions go on and are recorded, and it goes on from its cursors when it is back.
 */
export class Exporter {
  readonly #options: Options
  readonly #child: ExporterChild
  /** before it is configured a process answers, and sends nothing */
  #configured: ExporterPeer | undefined
  #status: readonly SinkStatus[] = []
  #witnesses: readonly WitnessStatus[] = []
  #failure: string | undefined

  constructor(options: Options) {
    this.#options = options
    const { make = makeExporter } = options
    this.#child = make(this.#handlers(), {
      onUp: (peer) => this.#configure(peer),
      report: options.warn,
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get healthy(): string[] {
    if (this.#failure !== undefined) return []
    const process = `exporter   pid ${this.pid}, uid ${UIDS.exporter}, reads the log`
    const sinks = this.#status.filter((sink) => !isDegraded(sink))
    const exports = sinks.map((sink) => `export     ${describeSink(sink)}`)
    return [process, ...exports, ...healthyWitnesses(this.#witnesses)]
  }

  get degraded(): string[] {
    const failure = this.#failure === undefined ? [] : [`export: ${this.#failure}`]
    return [
      ...failure,
      ...this.#status.filter(isDegraded).map((sink) => `export: ${describeSink(sink)}`),
      ...degradedWitnesses(this.#witnesses, this.#quorum),
    ]
  }

  /** @throws SekishoError SECRET_MISSING: a sink that could never work is told at the start */
  async start(): Promise<void> {
    resolveSinks(this.#options.settings, process.env)
    try {
      await this.#child.start()
      await this.refresh()
    } catch (error) {
      this.#failure = `the exporter did not start: ${String(error)}`
      this.#options.warn(this.#failure)
      this.#child.kill() // one that is half up is started anew, as after any other end
    }
  }

  /** Asks how far the sinks are, for the getters. */
  async refresh(): Promise<void> {
    try {
      const options = { timeoutMs: STATUS_TIMEOUT_MS }
      const { peer } = this.#child
      if (peer !== this.#configured) throw new SekishoError('PEER_UNAVAILABLE', 'it is starting')
      const { sinks, witnesses } = await peer.call('status', {}, options)
      this.#status = sinks
      this.#witnesses = witnesses
      this.#failure = undefined
    } catch (error) {
      this.#failure ??= `the exporter does not answer: ${String(error)}`
    }
  }

  /**
   * Asks the witnesses what they know of the log, before anything is added to it. Who does not
   * answer is named, and holds up nothing for longer than two seconds.
   *
   * @throws SekishoError LOG_BROKEN: they know more than its files have, or something else
   */
  async askWitnesses(logSize: () => Promise<number>): Promise<void> {
    if (this.#options.witnesses.list.length === 0) return
    const { warn } = this.#options
    let answers: readonly WitnessAnswer[]
    try {
      answers = await this.#ask(logSize)
    } catch (error) {
      warn(`no witness was asked about the log: ${String(error)}`)
      return
    }
    refuseBroken(answers)
    for (const line of unasked(answers)) warn(line)
  }

  /**
   * What is cosigned while we ask may be more than the log had when we began: asked once more, with
   * what the log has now, a log that was set back still has fewer.
   */
  async #ask(logSize: () => Promise<number>): Promise<readonly WitnessAnswer[]> {
    const ask = async (): Promise<readonly WitnessAnswer[]> => {
      const size = await logSize()
      return (await this.#child.peer.call('witness.ask', { size })).answers
    }
    const first = await ask()
    return first.some(({ found }) => found === 'broken') ? ask() : first
  }

  /** Without witnesses there is nobody to wait for. */
  get #quorum(): number {
    const { list, quorum } = this.#options.witnesses
    return list.length === 0 ? 0 : quorum
  }

  async stop(graceMs: number): Promise<void> {
    await this.#child.stop(graceMs)
  }

  async #configure(peer: ExporterPeer): Promise<void> {
    const { settings, alerts, version, origin, witnesses, logVkeys } = this.#options
    const { leaves, bytes, age } = settings.lag
    await peer.call('configure', {
      origin: origin(),
      version,
      sinks: resolveSinks(settings, process.env),
      lag: { leaves, bytes, ageMs: age },
      alerts: [...alerts],
      witnessing: witnessingOf(witnesses, logVkeys()),
    })
    this.#configured = peer
  }

  #handlers(): Handlers<typeof exporterToSupervisor> {
    const { keyholder } = this.#options
    return {
      'log.size': async () => ({ size: (await keyholder().call('status', {})).logSize }),
      record: ({ leaf }) => keyholder().call('record', { leaf }),
    }
  }
}

function isDegraded({ state, lagging, failure }: SinkStatus): boolean {
  return state === 'stopped' || lagging || failure !== null
}

function describeSink({ name, kind, state, behind, refused, failure }: SinkStatus): string {
  const late =
    behind.leaves === 0
      ? 'nothing behind'
      : `${behind.leaves} leaves, ${behind.bytes} bytes, ${Math.round(behind.ageMs / 1000)} s behind`
  const lost = refused === 0 ? '' : `, ${refused} refused`
  const why = failure === null ? '' : `: ${failure}`
  return `${name} (${kind}) ${state}, ${late}${lost}${why}`
}
