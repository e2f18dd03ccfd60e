import type net from 'node:net'
import { join } from 'node:path'
import { parseVkey } from '@sekisho/verify'
import type * as z from 'zod'
import type { controlToSupervisor, RestorePlan, SessionEnd, SessionPlan } from '../wire/control.ts'
import type { Handlers } from '../wire/peer.ts'
import type { RestoreResult } from '../wire/restore.ts'
import { readAlerts } from './alerts-file.ts'
import { keepAppendOnly } from './append-only.ts'
import { type ControlPeer, type KeyholderPeer, makeControl, makeKeyholder } from './child-kinds.ts'
import { controlHandlers, keyholderHandlers } from './control-handlers.ts'
import { type GatePeer, Gates } from './gates.ts'
import { IS_ROOTLESS, UIDS } from './identities.ts'
import { ledgerHandlers } from './ledger-file.ts'
import { spendHandlers } from './spend-file.ts'
import { Exporter } from './exporter.ts'
import { linkGateToControl, linkGateToKeyholder } from './links.ts'
import { pinLogKey } from './log-key.ts'
import { pinRootKey } from './root-key.ts'
import { RootLink } from './root-link.ts'
import type { Networks } from './networks.ts'
import { PolicyService } from './policy-service.ts'
import type { Paths } from './paths.ts'
import type { Quarantine } from './quarantine.ts'
import type { Revocation } from './revocation.ts'
import type { SessionTable } from './session-table.ts'
import type { Settings } from './settings.ts'
import type { Snapshots } from './snapshots.ts'
import { Solvers } from './solver.ts'

export type ChildrenOptions = {
  paths: Paths
  settings: Settings
  version: string
  /** what this host lacks, from the probes */
  degraded: readonly string[]
  warn: (line: string) => void
  table: SessionTable
  quarantine: Quarantine
  snapshots: Snapshots
  revocation: Revocation
  onSession: (plan: SessionPlan, ended: (end: SessionEnd) => void) => Promise<number>
  onRestore: (plan: RestorePlan) => Promise<RestoreResult>
  onClientGone: (connection: number) => void
  /** control was restarted: whoever was connected to it is not any more */
  onClientsGone: () => void
  guardianPid: () => number | undefined
}

/** The processes below the supervisor, and the wires between them. */
export class Children {
  readonly gates: Gates
  readonly policy: PolicyService
  readonly #solvers: Solvers
  readonly #options: ChildrenOptions
  readonly #keyholder: ReturnType<typeof makeKeyholder>
  readonly #control: ReturnType<typeof makeControl>
  readonly #exporter: Exporter
  readonly #root: RootLink
  #networks: Networks | undefined
  #keyholderDegraded: readonly string[] = []
  readonly #ownDegraded: string[] = []
  #logWatch: { close(): void } | undefined
  #log = { size: 0, key: '' }
  /** pid of the keyholder that sessions and gates are wired to; another is there once they are */
  #servingKeyholder = 0

  constructor(options: ChildrenOptions) {
    this.#options = options
    const { settings, warn } = options
    this.#root = new RootLink({
      settings: settings.identity,
      file: options.paths.rootFile,
      environment: process.env,
      warn,
    })
    this.#keyholder = makeKeyholder(
      { handlers: keyholderHandlers(options.revocation), root: this.#root },
      { onUp: (peer) => this.#keyholderUp(peer), report: warn },
    )
    this.gates = new Gates({
      count: settings.gates,
      dnsServers: settings.dnsServers,
      onUp: (index, peer) => this.#gateUp(index, peer),
      report: warn,
    })
    this.policy = new PolicyService({
      gates: this.gates,
      keyholder: () => this.keyholder(),
      sessions: () => options.table.decided(),
      record: (leaf) => this.keyholder().call('record', { leaf }),
      file: options.paths.policyFile,
      bundle: options.paths.bundle,
      warn,
    })
    this.#solvers = new Solvers({ warn })
    this.#control = makeControl(
      { version: options.version, handlers: this.#controlHandlers() },
      { onUp: (peer) => this.#controlUp(peer), report: warn },
    )
    this.#exporter = new Exporter({
      settings: settings.exports,
      witnesses: settings.witnesses,
      alerts: readAlerts(options.paths.bundle),
      version: options.version,
      keyholder: () => this.keyholder(),
      origin: () => parseVkey(this.#log.key).name,
      logVkeys: () => [this.#log.key],
      warn,
    })
  }

  get degraded(): string[] {
    return [
      ...this.#options.degraded,
      ...this.#ownDegraded,
      ...this.#keyholderDegraded,
      ...this.#root.degraded,
      ...this.policy.degraded,
      ...this.#exporter.degraded,
    ]
  }

  get healthy(): string[] {
    return [
      `keyholder  pid ${this.#keyholder.pid}, uid ${UIDS.keyholder}, no network; log ${this.#log.size} leaves`,
      `control    pid ${this.#control.pid}, uid ${UIDS.control}, no network, no files`,
      ...Object.entries(this.gates.pids()).map(
        ([name, pid]) => `${name}     pid ${pid}, uid ${UIDS.gate}, no files, no exec`,
      ),
      ...this.#exporter.healthy,
      ...this.policy.healthy.map((line) => `policy     ${line}`),
    ]
  }

  async start(networks: Networks): Promise<void> {
    this.#networks = networks
    await Promise.all([this.#keyholder.start(), this.gates.start(), this.#control.start()])
    for (const gate of this.gates.live()) {
      await this.#linkToKeyholder(gate, this.keyholder())
      await this.#linkToControl(gate.peer, this.#control.peer)
    }
    await this.#checkKeyholder()
    this.#servingKeyholder = this.#keyholder.pid ?? 0
    this.#sealLog()
    await this.#exporter.start()
    await this.#exporter.askWitnesses(async () => {
      await this.#readKeyholderStatus()
      return this.#log.size
    })
    await this.keyholder().call('record', {
      leaf: { type: 'platform.start', version: this.#options.version, degraded: this.degraded },
    })
    this.policy.start()
    this.#root.serveRegularly(() => this.keyholder())
    void this.#options.revocation.writeLists()
  }

  #sealLog(): void {
    const { paths, settings, warn } = this.#options
    if (!(settings.logAppendOnly ?? !paths.isDisposable)) return
    if (IS_ROOTLESS) {
      this.#ownDegraded.push('log-append-only: the flag is the host root’s to set')
      return
    }
    this.#logWatch = keepAppendOnly(join(paths.keyholderState, 'log'), {
      degrade: (why) => this.#ownDegraded.push(why),
      warn,
    })
  }

  /** @throws SekishoError PEER_UNAVAILABLE */
  control(): ControlPeer {
    return this.#control.peer
  }

  /** @throws SekishoError PEER_UNAVAILABLE */
  keyholder(): KeyholderPeer {
    return this.#keyholder.peer
  }

  async handClient(
    client: { connection: number; uid: number; pid: number },
    socket: net.Socket,
  ): Promise<void> {
    await this.#control.peer.call('client.attach', client, { handle: socket })
  }

  async recordStop(reason: string): Promise<void> {
    try {
      await this.keyholder().call('record', { leaf: { type: 'platform.stop', reason } })
    } catch (error) {
      this.#options.warn(`the stop is not in the log: ${String(error)}`)
    }
  }

  /** The keyholder goes last: the others' last records reach it. */
  async stop(graceMs: number): Promise<void> {
    this.#logWatch?.close()
    this.#root.stop()
    this.policy.close()
    await this.#solvers.stop()
    await this.#control.stop(graceMs)
    await this.gates.stop(graceMs)
    await this.#exporter.stop(graceMs)
    await this.#keyholder.stop(graceMs)
  }

  async #keyholderUp(peer: KeyholderPeer): Promise<void> {
    const { table, warn } = this.#options
    // before anything is entrusted to it: its state may have been replaced while it was down
    if (this.#started) await this.#checkKeyholder()
    await this.#root.serve(peer)
    await this.policy.installer.keyholderUp(peer)
    for (const session of table.all()) {
      // a session whose secret is gone stays without it, and so fails closed
      await session.resumeAtKeyholder(peer).catch((error: unknown) => warn(String(error)))
    }
    if (this.#networks === undefined) return
    for (const gate of this.gates.live()) await this.#linkToKeyholder(gate, peer)
    this.#servingKeyholder = this.#keyholder.pid ?? 0
  }

  #linkToKeyholder(
    gate: { index: number; peer: GatePeer },
    keyholder: KeyholderPeer,
  ): Promise<void> {
    return linkGateToKeyholder(gate, keyholder, this.#options.warn)
  }

  #linkToControl(gate: GatePeer, control: ControlPeer): Promise<void> {
    return linkGateToControl(gate, control, this.#options.warn)
  }

  async #gateUp(index: number, peer: ReturnType<Gates['peer']>): Promise<void> {
    if (this.#networks === undefined) return
    await this.policy.installer.gateUp(peer)
    await this.#networks.handAgain(index, peer)
    for (const session of this.#options.table.all()) await session.resumeAtGate(index, peer)
    if (!this.#started) return
    // what is down is linked when it comes up
    if (this.#keyholder.isUp) await this.#linkToKeyholder({ index, peer }, this.keyholder())
    if (this.#control.isUp) await this.#linkToControl(peer, this.#control.peer)
  }

  get #started(): boolean {
    return this.#log.key !== ''
  }

  /** Its clients are gone, and with them whoever waits for a session's end. */
  async #controlUp(control: ControlPeer): Promise<void> {
    this.#options.onClientsGone()
    for (const session of this.#options.table.all()) session.stop('client-gone')
    if (!this.#started) return
    for (const gate of this.gates.peers()) await this.#linkToControl(gate, control)
  }

  /** @throws SekishoError LOG_BROKEN when the log is signed by another key than at its beginning */
  async #checkKeyholder(): Promise<void> {
    await this.#readKeyholderStatus()
    pinLogKey(this.#options.paths.logKey, this.#log.key)
    const { authority } = await this.keyholder().call('identity.list', {})
    if (authority !== null) pinRootKey(this.#options.paths.rootKey, authority.root)
  }

  async #readKeyholderStatus(): Promise<void> {
    const status = await this.keyholder().call('status', {})
    this.#keyholderDegraded = status.degraded
    this.#log = { size: status.logSize, key: status.logKey }
  }

  #controlHandlers(): Handlers<typeof controlToSupervisor> {
    return controlHandlers(
      { ...this.#options, reportEnd: (end) => this.#reportEnd(end) },
      {
        keyholder: () => this.keyholder(),
        others: {
          ...this.policy.handlers(),
          ...this.#solvers.handlers(),
          ...ledgerHandlers(this.#options.paths.ledgerFile),
          ...spendHandlers(this.#options.paths.spendFile, (leaf) =>
            this.keyholder().call('record', { leaf }),
          ),
          status: () => this.#status(),
        },
      },
    )
  }

  async #status(): Promise<z.infer<(typeof controlToSupervisor)['status']['result']>> {
    await Promise.all([this.#readKeyholderStatus(), this.#exporter.refresh()])
    return {
      healthy: this.healthy,
      degraded: this.degraded,
      processes: this.#pids(),
      logSize: this.#log.size,
      logKey: this.#log.key,
    }
  }

  #pids(): Record<string, number> {
    return {
      supervisor: process.pid,
      keyholder: this.#servingKeyholder,
      control: this.#control.pid ?? 0,
      exporter: this.#exporter.pid ?? 0,
      guardian: this.#options.guardianPid() ?? 0,
      ...this.gates.pids(),
      ...this.#solvers.pids(),
    }
  }

  #reportEnd(end: SessionEnd): void {
    let control: ControlPeer
    try {
      control = this.#control.peer
    } catch {
      return // control is down, and nobody waits
    }
    control.call('session.ended', end).catch((error: unknown) => this.#options.warn(String(error)))
  }
}
