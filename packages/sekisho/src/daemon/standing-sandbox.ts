import {
  closeSync,
  fstatSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SekishoError } from '../core/error.ts'
import { openFifo } from '../kernel/fifo.ts'
import { libc } from '../kernel/libc.ts'
import { inMountNamespace } from '../kernel/mount-namespace.ts'
import { attachTree, cloneTree } from '../kernel/mounts.ts'
import type { SessionCgroup } from '../sandbox/cgroup.ts'
import { launchCommand } from '../sandbox/launch.ts'
import { WORKSPACE } from '../sandbox/layout.ts'
import type { Bind } from '../sandbox/mounts.ts'
import { ociSpec } from '../sandbox/oci-spec.ts'
import type { Runtime } from '../sandbox/runtimes/runtime.ts'
import { seccompProfile } from '../sandbox/seccomp.ts'
import {
  parseReport,
  STANDBY_FILE,
  standbyCommand,
  startText,
  type Tried,
} from '../sandbox/standby.ts'
import type { Attested } from '../wire/sandbox.ts'
import { attest } from './attestation.ts'
import { type Box, runtimeRoot } from './box.ts'
import { sealMemory } from './exec-memory.ts'
import type { SessionIds } from './identities.ts'
import { Launcher } from './launcher.ts'
import { readNamespaces, readProcessFacts } from './sandbox-facts.ts'
import type { SessionTable, Trial } from './session-table.ts'

/** A sandbox that does not report within this has failed; gVisor takes the longest, 0.3 s. */
const READY_TIMEOUT_MS = 10_000
const LOOK_EVERY_MS = 2
const MAX_REPORT_BYTES = 8192
/** The platform's own are a dozen; an image's shell may try on. */
const MAX_TRIALS = 256

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
  readonly #signals: Signals
  readonly #table: Trials
  /** what the runtime notes of it, in {@link runtimeRoot} */
  readonly #runtimeState: string

  private constructor(
    ground: SandboxGround,
    made: {
      launcher: Launcher
      initPid: number
      attested: Attested[]
      signals: Signals
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
    const signals = new Signals(ground, needs.runtime.takesLateMounts)
    writeSpec(ground, needs, box)
    const launcher = new Launcher(commandOf(ground, needs), ground.agentUid)
    ground.cgroup.started(launcher.pid)
    const runtimeState = join(runtimeRoot(needs.runtime), ground.name)
    try {
      const tried = await signals.report(launcher)
      const initPid = Number(readFileSync(join(ground.directory, 'pid'), 'utf8'))
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

  /** Puts the workspace, with what is mounted in it, into the sandbox; before {@link begin}. */
  placeWorkspace(source: string): void {
    const tree = cloneTree(source, { recursive: true })
    try {
      inMountNamespace(this.initPid, () => attachTree(tree, WORKSPACE))
    } finally {
      libc.close(tree)
    }
  }

  /** From here on it is the agent's. */
  begin(start: Parameters<typeof startText>[0]): void {
    writeFileSync(join(this.#ground.directory, 'files', STANDBY_FILE.start), startText(start), {
      mode: 0o644,
    })
    this.#table.endTrials(this.#ground.name)
    this.#ground.cgroup.begin()
    this.#signals.go()
  }

  /** Ends whatever runs in it. */
  close(): void {
    endLauncher(this.launcher, this.#runtimeState)
    this.#signals.close()
  }
}

/** A runtime that is killed leaves its own account of the sandbox (see `RunRequest.root`). */
function endLauncher(launcher: Launcher, runtimeState: string): void {
  launcher.kill()
  launcher.close()
  void launcher.exited.then(() => rmSync(runtimeState, { recursive: true, force: true }))
}

/** How the two sides speak: FIFOs where they lead inside, files that are looked at where not. */
class Signals {
  readonly #files: string
  readonly #scratch: string
  readonly #fifos: { ready: number; go: number } | undefined
  #text = ''

  constructor({ directory }: SandboxGround, leadInside: boolean) {
    this.#files = join(directory, 'files')
    this.#scratch = join(directory, 'scratch', 'run')
    if (!leadInside) return
    this.#fifos = {
      ready: openFifo(join(this.#files, STANDBY_FILE.ready), 0o622),
      go: openFifo(join(this.#files, STANDBY_FILE.go), 0o644),
    }
  }

  /** @throws SekishoError SANDBOX_FAILED, TIMEOUT */
  async report(launcher: Launcher): Promise<Tried[]> {
    const deadlineMs = performance.now() + READY_TIMEOUT_MS
    for (;;) {
      const tried = parseReport(this.#read())
      if (tried !== undefined) return tried
      if (!launcher.isWaiting) throw await launcher.failure()
      if (performance.now() > deadlineMs) {
        throw new SekishoError('TIMEOUT', 'the sandbox does not report', {
          hint: 'try again; the machine may be overloaded',
        })
      }
      await delay(LOOK_EVERY_MS)
    }
  }

  #read(): string {
    if (this.#fifos === undefined) return readOrEmpty(join(this.#scratch, STANDBY_FILE.ready))
    const chunk = Buffer.alloc(MAX_REPORT_BYTES)
    const length = readNow(this.#fifos.ready, chunk)
    this.#text = (this.#text + chunk.toString('utf8', 0, length)).slice(0, MAX_REPORT_BYTES)
    return this.#text
  }

  /** Takes both ways away again before the command begins: they are none of the agent's. */
  go(): void {
    if (this.#fifos === undefined) {
      rmSync(join(this.#scratch, STANDBY_FILE.ready), { force: true })
      writeFileSync(join(this.#files, STANDBY_FILE.go), '')
      return
    }
    for (const name of [STANDBY_FILE.ready, STANDBY_FILE.go]) rmSync(join(this.#files, name))
    writeSync(this.#fifos.go, 'go\n')
  }

  close(): void {
    if (this.#fifos === undefined) return
    closeSync(this.#fifos.ready)
    closeSync(this.#fifos.go)
  }
}

function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // not written yet; the deadline bounds the wait
  }
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
  const child = pids.find((pid) => pid > 0 && parentOf(pid) === init)
  if (child !== undefined) return child
  throw new SekishoError('SANDBOX_FAILED', 'nothing waits in the sandbox')
}

function parentOf(pid: number): number | undefined {
  const fields = statOf(pid)
  return fields === undefined ? undefined : Number(fields[1])
}

/** Dead and not yet reaped is dead. */
function isAlive(pid: number): boolean {
  return !['Z', 'X', undefined].includes(statOf(pid)?.[0])
}

/** proc(5), from the state on: `pid (comm) state ppid …`, where comm may hold anything, `)` too. */
function statOf(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined // it has ended
  }
}

function networkOf(namespaceFd: number): string {
  return `net:[${fstatSync(namespaceFd).ino}]`
}
