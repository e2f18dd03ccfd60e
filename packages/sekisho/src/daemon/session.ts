import { closeSync, readFileSync } from 'node:fs'
import { SekishoError, toSekishoError } from '../core/error.ts'
import type { SessionEnd, SessionPlan } from '../wire/control.ts'
import type { LeafInput } from '../wire/schemas.ts'
import { checkWorkspace } from '../sandbox/workspace.ts'
import type { Berth } from './berths.ts'
import type { Network } from './networks.ts'
import { PacketPump } from './packets.ts'
import type { Platform } from './platform.ts'
import { DenialRecords } from './records.ts'
import { readSecret } from './secrets.ts'
import { Cell } from './cell.ts'
import { type Relay, relayPipes, relayTerminal } from './stdio.ts'

type EndReason = SessionEnd['reason']
type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2' | 'SIGCONT'

/** After SIGTERM a command has this long; then everything in the session is killed. */
const STOP_GRACE_MS = 2000

/**
 * One session, from its plan to the last trace of it gone. Order is what makes it safe: secrets
 * and workspace are checked first; the start leaf is durable and the gate knows the session
 * before the command's first instruction; the end leaf is written when nothing runs any more.
 */
export class Session {
  readonly plan: SessionPlan
  readonly denials: DenialRecords
  readonly #platform: Platform
  readonly #ended: (end: SessionEnd) => void
  readonly #gone: () => void
  #berth: Berth | undefined
  #cell: Cell | undefined
  #relay: Relay | undefined
  #packets: PacketPump | undefined
  #wallClock: NodeJS.Timeout | undefined
  #kill: NodeJS.Timeout | undefined
  #placeholders: Record<string, string> | undefined
  #reason: EndReason = 'exit'

  /**
   * @param hooks.ended the command has ended and all it wrote has been handed on
   * @param hooks.gone nothing of the session is left, and its end is in the log
   */
  constructor(
    plan: SessionPlan,
    platform: Platform,
    hooks: { ended: (end: SessionEnd) => void; gone: () => void },
  ) {
    this.plan = plan
    this.#platform = platform
    this.#ended = hooks.ended
    this.#gone = hooks.gone
    this.denials = new DenialRecords({
      session: plan.session,
      record: (leaf) => platform.record(leaf),
      nowMs: () => performance.now(),
    })
  }

  /** The name of its berth, which its cgroup has too. */
  get berth(): string | undefined {
    return this.#berth?.name
  }

  /** Resolves with the runtime's pid once the command is being started. */
  async start(): Promise<number> {
    try {
      return await this.#start()
    } catch (thrown) {
      const error = toSekishoError(thrown, 'SANDBOX_FAILED')
      await this.#release(null)
      throw error
    }
  }

  signal(signal: Signal): void {
    this.#cell?.signal(signal)
  }

  resize(size: { columns: number; rows: number }): void {
    this.#cell?.resize(size)
  }

  /** Idempotent: SIGTERM, a grace, then SIGKILL for all. The end is reported as always. */
  stop(reason: EndReason): void {
    if (this.#reason === 'exit') this.#reason = reason
    if (this.#kill !== undefined) return
    this.#cell?.signal('SIGTERM')
    this.#kill = setTimeout(() => this.killNow(), STOP_GRACE_MS)
  }

  killNow(): void {
    this.#berth?.cgroup.kill()
    this.#berth?.launcher.kill()
  }

  /** The keyholder was restarted and has forgotten its sessions. */
  async resumeAtKeyholder(): Promise<void> {
    await this.#platform.keyholder().call('session.open', {
      session: this.plan.session,
      secrets: this.#readSecrets(),
      leaf: null,
    })
  }

  /** The gate was restarted and has forgotten its sessions. */
  async resumeAtGate(gate: number): Promise<void> {
    const network = this.#berth?.network
    if (network?.gate !== gate || this.#placeholders === undefined) return
    await this.#bind(network, this.#placeholders)
  }

  async #start(): Promise<number> {
    const { plan } = this
    const platform = this.#platform
    if (plan.workspace !== null) checkWorkspace(plan.workspace, { state: platform.paths.state })
    const secrets = this.#readSecrets()
    const berth = await platform.berths.take()
    this.#berth = berth
    const opened = platform.keyholder().call('session.open', {
      session: plan.session,
      secrets,
      leaf: this.#startLeaf(),
    })
    opened.catch(() => undefined) // awaited below; an earlier failure must not leave it loose
    const cell = new Cell(plan, berth, platform)
    this.#cell = cell
    await cell.prepare()
    const { caPem, placeholders } = await opened
    this.#placeholders = placeholders
    const bound = this.#bind(berth.network, placeholders)
    bound.catch(() => undefined) // as above
    cell.complete({ caPem, placeholders: this.#variables(placeholders) })
    await bound
    return this.#launch(berth, cell)
  }

  #launch({ network, launcher }: Berth, cell: Cell): number {
    const { plan } = this
    const platform = this.#platform
    this.#packets = new PacketPump({
      network,
      reactor: platform.reactor,
      deny: (packet, repeated) =>
        platform.gates
          .peer(network.gate)
          .call('packet.denied', { network: network.id, packet, repeated }),
      warn: platform.warn,
    })
    const outer = this.#outerDescriptors()
    let consoleSocket: string | null = null
    if (plan.terminal === null) this.#relay = relayPipes(outer, launcher.streams)
    else {
      consoleSocket = cell.onTerminal((master) => this.#attachTerminal(outer, master))
      launcher.streams.stderr.on('data', (said: Buffer) =>
        platform.warn(`${plan.session}: ${said.toString()}`),
      )
    }
    launcher.launch(plan.session, consoleSocket)
    void launcher.exited.then((code) => this.#exited(code))
    this.#wallClock = setTimeout(() => this.stop('wall-clock'), plan.limits.wallClockMs)
    return launcher.pid
  }

  #outerDescriptors(): readonly [number, number, number] {
    const { connection } = this.plan
    if (connection === null) throw new SekishoError('USAGE', 'a session needs a client')
    return this.#platform.clients.takeDescriptors(connection)
  }

  #attachTerminal(
    outer: readonly [number, number, number],
    master: { input: number; output: number },
  ): void {
    const [input, output, error] = outer
    closeSync(error)
    this.#relay = relayTerminal({ input, output }, master)
  }

  async #bind(network: Network, placeholders: Record<string, string>): Promise<void> {
    const { plan } = this
    await this.#platform.gates.peer(network.gate).call('session.bind', {
      network: network.id,
      config: {
        session: plan.session,
        policy: plan.policy,
        credentials: plan.secrets.map(({ binding }) => ({
          ...binding,
          placeholder: placeholders[binding.name] ?? '',
        })),
        upstreams: plan.upstreams.map(({ caFile, ...upstream }) => ({
          ...upstream,
          caPem: caFile === null ? null : readCa(caFile),
        })),
      },
    })
  }

  #variables(placeholders: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      this.plan.secrets.flatMap(({ variable, binding }) =>
        variable === null ? [] : [[variable, placeholders[binding.name] ?? '']],
      ),
    )
  }

  #readSecrets(): { binding: SessionPlan['secrets'][number]['binding']; value: string }[] {
    return this.plan.secrets.map((reference) => ({
      binding: reference.binding,
      value: readSecret(reference, process.env).reveal(),
    }))
  }

  #startLeaf(): LeafInput {
    const { plan } = this
    const platform = this.#platform
    return {
      type: 'session.start',
      session: plan.session,
      agent: plan.agent,
      configuration: plan.configuration,
      argv: plan.argv.map((argument) => argument.slice(0, 4096)),
      workspace: plan.workspace,
      runtime: 'crun',
      initiator: platform.clients.processOf(plan.connection),
      limits: plan.limits,
      degraded: [...platform.degraded()],
    }
  }

  /** The client learns of the end as soon as the command is gone; the rest goes on behind it. */
  async #exited(exitCode: number): Promise<void> {
    const { plan } = this
    clearTimeout(this.#wallClock)
    clearTimeout(this.#kill)
    const usage = this.#berth?.cgroup.usage() ?? {}
    this.#berth?.cgroup.kill()
    await this.#relay?.drained
    this.#ended({
      session: plan.session,
      exitCode,
      reason: this.#reason,
      message: describeEnd(this.#reason, plan),
      hint: this.#reason === 'wall-clock' ? 'raise limits.wallClock in the agent file' : null,
    })
    const counters = await this.#release(exitCode)
    await this.#recordEnd(exitCode, { ...usage, ...counters })
    this.#gone()
  }

  async #recordEnd(exitCode: number, counters: Record<string, number>): Promise<void> {
    const { plan } = this
    const platform = this.#platform
    try {
      await this.denials.flush()
      await platform.keyholder().call('session.close', {
        session: plan.session,
        leaf: {
          type: 'session.end',
          session: plan.session,
          exitCode,
          reason: this.#reason,
          counters: { ...counters, 'supervisor.denied': this.denials.count },
        },
      })
    } catch (error) {
      // the keyholder writes a gap for what was open when it comes back; the operator is told now
      platform.warn(`${plan.session}: its end is not in the log: ${String(error)}`)
    }
  }

  /** Takes everything down; what is not there (yet, any more) is passed over. */
  async #release(exitCode: number | null): Promise<Record<string, number>> {
    const berth = this.#berth
    await this.#packets?.stop()
    this.#relay?.destroy()
    this.#cell?.close(exitCode)
    return berth === undefined ? {} : this.#platform.berths.release(berth)
  }
}

function describeEnd(reason: EndReason, plan: SessionPlan): string | null {
  switch (reason) {
    case 'exit':
      return null
    case 'wall-clock':
      return `the wall-clock limit of ${plan.limits.wallClockMs / 1000} s is reached`
    case 'stopped':
      return 'stopped by an operator'
    case 'client-gone':
      return 'its client hung up'
    case 'failed':
      return 'it failed'
    default:
      return reason satisfies never
  }
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `upstream CA ${path} cannot be read`, {
      hint: 'mend caFile in the agent file',
      cause,
    })
  }
}
