import { SekishoError } from '../core/error.ts'
import type { SessionEnd, SessionPlan } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { LeafInput } from '../wire/leaves.ts'
import type { Attested } from '../wire/sandbox.ts'
import type { GateSession } from '../wire/gate.ts'
import type { SecretPrints } from '../wire/secret-prints.ts'
import { beginAttendance, type Attendance } from './attendance.ts'
import type { Berth } from './berths.ts'
import { GateBinding, type GatePeer } from './gate-session.ts'
import { PacketPump } from './packets.ts'
import type { SandboxKind } from './box.ts'
import type { Platform } from './platform.ts'
import { DenialRecords } from './records.ts'
import { concerning } from './rootless.ts'
import { placeholdersByVariable, readSecrets, unrecognisable } from './secrets.ts'
import { Cell } from './cell.ts'
import { CommandSignals, type Signal } from './command-signals.ts'
import {
  attestationFailure,
  describeEnd,
  type EndText,
  startFailure,
  startLeaf,
} from './session-leaf.ts'
import { StateRecords } from './state-records.ts'
import { reserveStage, setStage, type Stage, type Started } from './stage.ts'
import { relayToFile } from './output-file.ts'
import { StopLadder } from './stop-ladder.ts'
import { aside, type Relay, relayPipes, relayTerminal } from './stdio.ts'
import { readUpstreams } from './upstream-files.ts'

type EndReason = SessionEnd['reason']
type KeyholderCalls = ReturnType<Platform['keyholder']>

/**
 * One session, from its plan to the last trace of it gone. Order is what makes it safe: secrets
 * and workspace are checked first; the start leaf is durable and the gate knows the session
 * before the command's first instruction; the end leaf is written when nothing runs any more.
 */
export class Session {
  readonly plan: SessionPlan
  readonly denials: DenialRecords
  readonly binding: GateBinding
  readonly #platform: Platform
  readonly #states: StateRecords
  readonly #ended: (end: SessionEnd) => void
  readonly #gone: () => void
  readonly #started: Started = {}
  #setting: Promise<Stage> | undefined
  #attendance: Attendance | undefined
  /** the one that has it open, or is about to */
  #keyholder: KeyholderCalls | undefined
  #relay: Relay | undefined
  #packets: PacketPump | undefined
  readonly #signals = new CommandSignals()
  #upstreams: GateSession['upstreams'] = []
  #isOpen = false
  readonly #ladder = new StopLadder({
    terminate: () => this.#signals.send('SIGTERM'),
    freeze: (timeoutMs) => this.#started.berth?.cgroup.freeze(timeoutMs) ?? Promise.resolve(),
    kill: () => {
      this.#started.berth?.cgroup.kill()
      this.#started.berth?.sandbox?.launcher.kill()
    },
    isEmpty: () => this.#started.berth?.cgroup.isEmpty() ?? true,
    letGo: () => this.#relay?.destroy(),
  })
  #placeholders: Record<string, string> | undefined
  #prints: SecretPrints[] = []
  #reason: EndReason = 'exit'
  #hasExited = false
  #firstLeaf: number | null = null
  #endText: EndText | undefined

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
    this.binding = new GateBinding(plan, platform.gates)
    this.#platform = platform
    this.#ended = hooks.ended
    this.#gone = hooks.gone
    const into = { session: plan.session, record: platform.record.bind(platform) }
    this.denials = new DenialRecords({ ...into, nowMs: () => performance.now() })
    this.#states = new StateRecords({ ...into, warn: platform.warn })
  }

  /** Index of its start leaf; null before that is durable. */
  get firstLeaf(): number | null {
    return this.#firstLeaf
  }

  /** Index of its gate, once it has one. */
  get gate(): number | undefined {
    return this.#started.berth?.network.gate
  }

  /** The name of its berth, which its cgroup has too. */
  get berth(): string | undefined {
    return this.#started.berth?.name
  }

  /** Resolves with the runtime's pid once the command is being started. */
  async start(): Promise<number> {
    try {
      return await this.#start()
    } catch (thrown) {
      const error = startFailure(thrown)
      this.#reason = 'failed'
      await this.#setting?.catch(() => undefined) // nothing is taken down while it is being made
      this.#ladder.close()
      const counters = await this.#release(null)
      if (this.#isOpen) await this.#recordEnd(null, counters)
      throw error
    }
  }

  signal(signal: Signal): void {
    this.#signals.send(signal)
  }

  resize(size: { columns: number; rows: number }): void {
    this.#started.cell?.resize(size)
  }

  /** Idempotent, the first reason stands: SIGTERM, a grace, freeze, SIGKILL for all. */
  stop(reason: EndReason, text?: EndText): void {
    if (this.#reason === 'exit') {
      this.#reason = reason
      this.#endText = text
      this.#recordStop(reason)
    }
    this.#ladder.stop()
  }

  /** Of one that is contained another leaf tells. */
  #recordStop(reason: EndReason): void {
    if (!this.#isOpen || this.#hasExited || reason === 'contained') return
    this.#states.changed('stop', { detail: reason })
  }

  killNow(): void {
    this.#ladder.killNow()
  }

  /** @see GateBinding.decide */
  decide(decision: SessionDecision, timeoutMs: number): Promise<number> {
    return this.binding.decide(this.#started.berth, decision, timeoutMs)
  }

  /** The keyholder was restarted and has forgotten its sessions. */
  async resumeAtKeyholder(keyholder: KeyholderCalls): Promise<void> {
    // one that it was opened at is not told twice; one that was opened nowhere begins by itself
    if (this.#keyholder === undefined || this.#keyholder === keyholder) return
    this.#keyholder = keyholder
    await keyholder.call('session.open', {
      session: this.plan.session,
      gate: this.gate ?? null,
      secrets: readSecrets(this.plan.secrets, process.env),
      leaf: null,
      began: { agent: this.plan.agent, uid: this.plan.decision.uid },
      printKey: null, // the gate has them
    })
  }

  /** The gate was restarted and has forgotten its sessions. */
  async resumeAtGate(gate: number, peer: GatePeer): Promise<void> {
    const { berth } = this.#started
    if (berth?.network.gate !== gate || this.#placeholders === undefined) return
    berth.network.gateRestarts += 1
    await this.#bind(berth, this.#placeholders, peer)
    const bound = { name: 'gate-bound', held: true, detail: 'its label begins as untrusted' }
    this.#states.changed('gate-restart', { detail: `gate ${gate}`, checks: [bound] })
  }

  async #start(): Promise<number> {
    const { plan } = this
    const platform = this.#platform
    await platform.quarantine.admit(plan)
    Cell.check(plan, platform)
    this.#upstreams = readUpstreams(plan.upstreams)
    const secrets = readSecrets(this.plan.secrets, process.env)
    const reserved = await reserveStage(plan, platform, this.#started)
    const { berth, cell, kind } = reserved
    this.#setting = setStage(plan, platform, reserved)
    this.#setting.catch(() => undefined) // awaited below; until then a failure is not loose
    // of a sandbox that stands already, the log learns while the session's own is brought in
    const { attested } = berth.sandbox ?? (await this.#setting).sandbox
    await this.#refuseUnlessHeld(attested)
    const keyholder = platform.keyholder()
    this.#keyholder = keyholder
    const opened = keyholder.call('session.open', {
      session: plan.session,
      gate: berth.network.gate,
      secrets,
      leaf: this.#startLeaf(attested, [...kind.degraded, ...unrecognisable(secrets)], kind),
      printKey: berth.canaries.key,
    })
    // without secrets the gate need not wait for the keyholder's answer
    if (plan.secrets.length === 0) this.#placeholders = {}
    const early = this.#placeholders && this.#bind(berth, this.#placeholders)
    early?.catch(() => undefined)
    const { index, caPem, placeholders, prints } = await opened
    this.#prints = prints
    this.#firstLeaf = index
    this.#isOpen = true
    this.#placeholders = placeholders // a gate that is restarted is told again
    const stage = await this.#setting
    await this.#refuseUnlessHeld(stage.placed)
    cell.writeFiles(caPem)
    await (early ?? this.#bind(berth, placeholders))
    this.#attendance = await beginAttendance(this, stage, platform)
    return this.#launch(stage, placeholders)
  }

  /** @throws SekishoError ATTESTATION_FAILED, recorded, unless the agent file says `mark` */
  async #refuseUnlessHeld(attested: readonly Attested[]): Promise<void> {
    const failure = attestationFailure(attested)
    if (failure === undefined || this.plan.attestation === 'mark') return
    await this.#platform.record({
      type: 'session.refused',
      agent: this.plan.agent,
      configuration: this.plan.configuration,
      rule: 'invariant.attestation',
      reason: failure.message.slice(0, 4096),
    })
    throw failure
  }

  #launch({ berth, cell, sandbox, kind }: Stage, placeholders: Record<string, string>): number {
    const { plan } = this
    const platform = this.#platform
    const { network, cgroup } = berth
    const { launcher } = sandbox
    this.#packets = new PacketPump({
      network,
      reactor: platform.reactor,
      deny: (packet, repeated) =>
        platform.gates
          .peer(network.gate)
          .call('packet.denied', { network: network.id, packet, repeated }),
      warn: platform.warn,
    })
    if (plan.detached) this.#relay = relayToFile(cell.outputFile, launcher.streams)
    else if (plan.terminal === null) {
      const outer = this.#outerDescriptors()
      this.#relay = relayPipes(plan.phase === 'setup' ? aside(outer) : outer, launcher.streams)
    } else {
      this.#relay = relayTerminal(this.#outerDescriptors(), cell.takeMaster())
      launcher.streams.stderr.on('data', (said: Buffer) =>
        platform.warn(`${plan.session}: ${said.toString()}`),
      )
    }
    void launcher.exited.then((code) => this.#exited(code))
    sandbox.begin(cell.start(placeholdersByVariable(plan.secrets, placeholders)))
    this.#signals.started({
      pidFile: cell.pidFile,
      runtimePid: launcher.pid,
      processes: cgroup.processesFile,
      takesSignals: kind.runtime.takesSignals,
    })
    return launcher.pid
  }

  #outerDescriptors(): readonly [number, number, number] {
    const { connection } = this.plan
    if (connection === null) throw new SekishoError('USAGE', 'a session needs a client')
    return this.#platform.clients.takeDescriptors(connection)
  }

  async #bind(berth: Berth, placeholders: Record<string, string>, gate?: GatePeer): Promise<void> {
    const matters = { placeholders, upstreams: this.#upstreams, prints: this.#prints }
    await this.binding.bind(berth, matters, gate)
  }

  #startLeaf(
    attestation: readonly Attested[],
    own: readonly string[],
    { runtime }: SandboxKind,
  ): LeafInput {
    return startLeaf(this.plan, {
      runtime: runtime.name,
      initiator: this.#platform.clients.processOf(this.plan.connection),
      attestation,
      degraded: [...concerning(this.#platform.degraded(), this.#started.berth), ...own],
    })
  }

  /** The client learns of the end as soon as the command is gone; the rest goes on behind it. */
  async #exited(exitCode: number): Promise<void> {
    const { plan } = this
    this.#hasExited = true
    this.#signals.close()
    this.#attendance?.exited()
    const gone = this.#ladder.finish()
    await this.#relay?.drained
    this.#ladder.close()
    this.#ended({
      session: plan.session,
      exitCode,
      reason: this.#reason,
      ...(this.#endText ?? describeEnd(this.#reason, plan)),
    })
    const isEmpty = await gone
    if (!isEmpty) this.#platform.warn(`${plan.session}: a process in it cannot be killed`)
    const counters = await this.#release(exitCode).catch((error: unknown) => {
      // one session's rest must not take the supervisor, and with it every other session, along
      this.#platform.warn(`${plan.session} is not taken down whole: ${String(error)}`)
      return { 'supervisor.teardownFailed': 1 }
    })
    await this.#recordEnd(exitCode, { ...counters, 'session.processesLeft': isEmpty ? 0 : 1 })
    this.#gone()
  }

  async #recordEnd(exitCode: number | null, counters: Record<string, number>): Promise<void> {
    const { session } = this.plan
    const { warn, ends } = this.#platform
    await this.denials.flush().catch((error: unknown) => warn(`${session}: ${String(error)}`))
    await ends.write(session, {
      type: 'session.end',
      session,
      exitCode,
      reason: this.#reason,
      counters: { ...counters, 'supervisor.denied': this.denials.count },
    })
  }

  /** Takes everything down; what is not there (yet, any more) is passed over. */
  async #release(exitCode: number | null): Promise<Record<string, number>> {
    const { berth, cell } = this.#started
    this.binding.close()
    this.#signals.close()
    const attended = (await this.#attendance?.end()) ?? {}
    const unrecorded = (await this.#packets?.stop()) ?? 0
    this.#relay?.destroy()
    const { droppedBytes } = this.#relay ?? {}
    const dropped = droppedBytes === undefined ? {} : { 'session.outputDroppedBytes': droppedBytes }
    const left = { ...dropped, ...(await cell?.close(exitCode)) }
    if (berth === undefined) return left
    const counters = await this.#platform.berths.release(berth)
    return { ...attended, ...left, ...counters, 'supervisor.packetsUnrecorded': unrecorded }
  }
}
