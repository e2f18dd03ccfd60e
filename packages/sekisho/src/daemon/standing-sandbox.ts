import { existsSync, fstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { libc } from '../kernel/libc.ts'
import { inMountNamespace } from '../kernel/mount-namespace.ts'
import { attachTree, cloneTree } from '../kernel/mounts.ts'
import type { SessionCgroup } from '../sandbox/cgroup.ts'
import { launchCommand } from '../sandbox/launch.ts'
import { WORKSPACE } from '../sandbox/layout.ts'
import type { Bind } from '../sandbox/mounts.ts'
import { ociSpec } from '../sandbox/oci-spec.ts'
import type { Runtime } from '../sandbox/runtimes/runtime.ts'
import { isAlive, readProcessStat } from '../sandbox/process-stat.ts'
import { seccompProfile } from '../sandbox/seccomp.ts'
import { standbyCommand, type startText, type Tried } from '../sandbox/standby.ts'
import type { Attested } from '../wire/sandbox.ts'
import { attest, mountsProblem } from './attestation.ts'
import { type Box, runtimeRoot } from './box.ts'
import { sealMemory } from './exec-memory.ts'
import type { SessionIds } from './identities.ts'
import { Launcher } from './launcher.ts'
import { readNamespaces, readProcessFacts } from './sandbox-facts.ts'
import type { SessionTable, Trial } from './session-table.ts'
import { StandbySignals } from './standby-signals.ts'

/** The platform's own are a dozen; an image's shell may try on. */
const MAX_TRIALS = 256
const PID_FILE_MS = 5_000
const PID_FILE_POLL_MS = 2

type Trials = Pick<SessionTable, 'expectTrials' | 'endTrials'>

/** What a sandbox stands on. */
export type SandboxGround = {
  name: string
  /** its own in the box; `files`, `scratch` and, of the host's toolchain, `usr` are there */
  directory: string
  idBase: number
  agentUid: number
  idMap: SessionIds['map']
  agentNsFd: number
  cgroup: SessionCgroup
}

export type SandboxNeeds = {
  runtime: Runtime
  seccompProgram: string | null
  /** the read-only root, and what shows /usr in it where it has none of its own */
  root: string
  usr: string | null
  /** path of the socket that takes the terminal's master side; null without a terminal */
  consoleSocket: string | null
  readOnlyMounts: readonly Bind[]
  /** null: it is placed later */
  workspace: string | null
}

/**
 * A complete sandbox that waits: every wall stands and has been tried from inside, and nothing of
 * an agent has been in it. It serves one session, once.
 */
export class StandingSandbox {
  readonly launcher: Launcher
  /** host pids of init and of the waiting shell */
  readonly initPid: number
  readonly attested: readonly Attested[]
  readonly #ground: SandboxGround
  readonly #signals: StandbySignals
  readonly #table: Trials
  /** what the runtime notes of it, in {@link runtimeRoot} */
  readonly #runtimeState: string

  private constructor(
    ground: SandboxGround,
    made: {
      launcher: Launcher
      initPid: number
      attested: Attested[]
      signals: StandbySignals
      table: Trials
      runtimeState: string
    },
  ) {
    this.#ground = ground
    this.launcher = made.launcher
    this.initPid = made.initPid
    this.attested = made.attested
    this.#signals = made.signals
    this.#table = made.table
    this.#runtimeState = made.runtimeState
  }

  /** @throws SekishoError SANDBOX_FAILED with what the runtime said, TIMEOUT */
  static async raise(
    ground: SandboxGround,
    needs: SandboxNeeds,
    { box, table }: { box: Box; table: Trials },
  ): Promise<StandingSandbox> {
    const trials: Trial[] = []
    table.expectTrials(ground.name, (trial) => {
      if (trials.length < MAX_TRIALS) trials.push(trial)
    })
    const signals = new StandbySignals(ground.directory, needs.runtime.takesLateMounts)
    writeSpec(ground, needs, box)
    const launcher = new Launcher(commandOf(ground, needs), ground.agentUid)
    ground.cgroup.started(launcher.pid)
    const runtimeState = join(runtimeRoot(needs.runtime), ground.name)
    try {
      const tried = await signals.report(launcher)
      const initPid = await initPidIn(ground.directory, launcher)
      const isMonitored = needs.runtime.isolation === 'standard' && box.tellsOpens
      const memory = await sealMemory(initPid, isMonitored)
      const attested = [...judge({ ground, needs, box, initPid, tried, trials }), memory]
      const made = { launcher, initPid, attested, signals, table, runtimeState }
      return new StandingSandbox(ground, made)
    } catch (error) {
      endLauncher(launcher, runtimeState)
      signals.close()
      throw error
    }
  }

  /** Also when the runtime has not yet noticed that its init is gone. */
  get isWaiting(): boolean {
    return this.launcher.isWaiting && isAlive(this.initPid)
  }

  /**
   * Puts the workspace, with what is mounted in it, into the sandbox; before {@link begin}.
   *
   * @returns the control over mounts, tried again: what it found before was without this one
   */
  placeWorkspace(source: string): Attested {
    const tree = cloneTree(source, { recursive: true })
    try {
      inMountNamespace(this.initPid, () => attachTree(tree, WORKSPACE))
    } finally {
      libc.close(tree)
    }
    const problem = mountsProblem(readFileSync(`/proc/${this.initPid}/mountinfo`, 'utf8'))
    return { control: 'mounts', held: problem === undefined, detail: problem ?? 'holds' }
  }

  /** From here on it is the agent's. */
  begin(start: Parameters<typeof startText>[0]): void {
    this.#table.endTrials(this.#ground.name)
    this.#ground.cgroup.begin()
    this.#signals.go(start)
  }

  /** Ends whatever runs in it. */
  close(): void {
    endLauncher(this.launcher, this.#runtimeState)
    this.#signals.close()
  }
}

/**
 * What runs in the sandbox may have spoken before its runtime, which notes its process, was given the
 * processor again.
 *
 * @throws SekishoError SANDBOX_FAILED with what the runtime said, TIMEOUT
 */
async function initPidIn(directory: string, launcher: Launcher): Promise<number> {
  const path = join(directory, 'pid')
  const untilMs = performance.now() + PID_FILE_MS
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (/^[1-9]\d*\s*$/.test(text)) return Number(text)
    if (!launcher.isWaiting) throw await launcher.failure()
    if (performance.now() > untilMs) {
      throw new SekishoError('TIMEOUT', `the runtime notes no process in ${path}`)
    }
    await pause(PID_FILE_POLL_MS)
  }
}

/** A runtime that is killed leaves its own account of the sandbox (see `RunRequest.root`). */
function endLauncher(launcher: Launcher, runtimeState: string): void {
  launcher.kill()
  launcher.close()
  void launcher.exited.then(() => rmSync(runtimeState, { recursive: true, force: true }))
}

function writeSpec(ground: SandboxGround, needs: SandboxNeeds, box: Box): void {
  const { directory } = ground
  const spec = ociSpec({
    argv: standbyCommand(needs.runtime.takesLateMounts ? 'fifo' : 'poll'),
    env: {},
    cwd: '/',
    terminal: needs.consoleSocket !== null,
    rootfs: needs.root,
    networkNamespace: `/proc/${process.pid}/fd/${ground.agentNsFd}`,
    idBase: ground.idBase,
    idMap: ground.idMap,
    openFiles: box.maxOpenFiles,
    sessionFiles: join(directory, 'files'),
    usr: needs.usr,
    scratch: join(directory, 'scratch'),
    workspace: needs.workspace,
    readOnlyMounts: needs.readOnlyMounts,
    decoys: box.decoyBinds,
    seccomp: seccompProfile({
      notify: true,
      listenerPath: box.seccompSocket,
      metadata: ground.name,
    }),
    seccompProgram: needs.seccompProgram,
  })
  const adapted = needs.runtime.adapt(spec)
  writeFileSync(join(directory, 'config.json'), JSON.stringify(adapted), { mode: 0o600 })
}

function commandOf(
  { name, directory, cgroup }: SandboxGround,
  { runtime, consoleSocket }: SandboxNeeds,
): { file: string; args: string[] } {
  const root = runtimeRoot(runtime)
  const pidFile = join(directory, 'pid')
  const command = runtime.command({ id: name, bundle: directory, root, pidFile, consoleSocket })
  return launchCommand({ cgroupJoin: cgroup.joinPaths, command })
}

function judge(of: {
  ground: SandboxGround
  needs: SandboxNeeds
  box: Box
  initPid: number
  tried: readonly Tried[]
  trials: readonly Trial[]
}): Attested[] {
  const { ground, needs, box, initPid, tried, trials } = of
  const isOwnKernel = needs.runtime.isolation === 'strong'
  const waiting = isOwnKernel ? undefined : childOf(initPid, ground.cgroup)
  return attest(
    { tried, trials, facts: waiting === undefined ? null : readProcessFacts(waiting) },
    {
      idMap: ground.idMap,
      agentUid: ground.agentUid,
      host: readNamespaces('self'),
      network: networkOf(ground.agentNsFd),
      berth: ground.name,
      hierarchies: ground.cgroup.joinPaths.length,
      isFilterRecorded: !isOwnKernel,
      tellsOpens: box.tellsOpens,
      reporter: needs.usr === null ? 'image' : 'host',
      hasDecoysInProc: needs.runtime.takesMountsInProc,
    },
  )
}

/** The process that waits: init's only child. */
function childOf(init: number, cgroup: SessionCgroup): number {
  const pids = readFileSync(cgroup.processesFile, 'utf8').split(/\s+/).map(Number)
  const child = pids.find((pid) => pid > 0 && readProcessStat(pid)?.parent === init)
  if (child !== undefined) return child
  throw new SekishoError('SANDBOX_FAILED', 'nothing waits in the sandbox')
}

function networkOf(namespaceFd: number): string {
  return `net:[${fstatSync(namespaceFd).ino}]`
}
