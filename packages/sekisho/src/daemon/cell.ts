import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { duplicateDescriptor } from '../kernel/duplicate.ts'
import {
  attachTree,
  bindIdmapped,
  cloneTree,
  MOUNT_FLAGS,
  mount,
  mountOverlay,
  unmount,
} from '../kernel/mounts.ts'
import { libc } from '../kernel/libc.ts'
import { writeWindowSize } from '../kernel/terminal.ts'
import { sessionEnvironment } from '../sandbox/environment.ts'
import { AGENT_ID, WORKSPACE } from '../sandbox/layout.ts'
import { ociSpec } from '../sandbox/oci-spec.ts'
import { seccompProfile } from '../sandbox/seccomp.ts'
import { writeSessionFiles } from '../sandbox/session-files.ts'
import { checkWorkspace } from '../sandbox/workspace.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { Berth } from './berths.ts'
import { SESSIONS_IN_BOX } from './paths.ts'
import type { Platform } from './platform.ts'
import { changesOf, writeSessionRecord } from './session-record.ts'
import { MOUNTED, decoyOf } from './tripwire-files.ts'

type Master = { input: number; output: number }

/**
 * Everything of one session on the host's side: its directories, mounts, cgroup and id block.
 * `close` undoes whatever of that exists, in any state.
 */
export class Cell {
  readonly #plan: SessionPlan
  readonly #platform: Platform
  readonly #berth: Berth
  readonly #agentUid: number
  readonly #directory: string
  readonly #changes: string
  readonly #startedAt: string
  #mounted: string[] = []
  #terminalListener: { close(): void } | undefined
  #master: number | undefined
  #closed = false

  /** @throws SekishoError when the plan names what is not on this host; nothing is made for it */
  static check(plan: SessionPlan, { paths }: Pick<Platform, 'paths'>): void {
    if (plan.workspace !== null) checkWorkspace(plan.workspace, { state: paths.state })
    for (const { source } of plan.mounts) isDirectory(source)
  }

  constructor(plan: SessionPlan, berth: Berth, platform: Platform) {
    this.#plan = plan
    this.#platform = platform
    this.#berth = berth
    this.#directory = join(SESSIONS_IN_BOX, plan.session)
    this.#changes = changesOf(platform.paths.sessions, plan.session)
    this.#startedAt = new Date().toISOString()
    this.#agentUid = berth.idBase + AGENT_ID
  }

  /** Directories, mounts and limits: all that does not need the keyholder's answer. */
  async prepare(): Promise<void> {
    this.#berth.cgroup.limit(this.#plan.limits)
    mkdirSync(this.#directory, { mode: 0o755 })
    this.#writeRecord(null, null)
    mkdirSync(this.#changes, { mode: 0o755 })
    chownSync(this.#changes, this.#agentUid, this.#agentUid)
    await this.#mountWorkspace()
    this.#plan.mounts.forEach(({ source }, i) => this.#mountExtra(source, i))
  }

  /** The session's own trust anchors. */
  writeFiles(caPem: string): void {
    const { session } = this.#plan
    writeSessionFiles(this.#files, { session, caPem, nowMs: Date.now() })
  }

  /** What the runtime is told. */
  writeSpec(placeholders: Record<string, string>): void {
    const plan = this.#plan
    const { box } = this.#platform
    const spec = ociSpec({
      argv: plan.argv,
      env: sessionEnvironment({
        session: plan.session,
        terminal: plan.terminal?.type ?? null,
        agent: plan.environment,
        placeholders,
      }),
      cwd: WORKSPACE,
      terminal: plan.terminal !== null,
      rootfs: box.rootfs,
      networkNamespace: `/proc/${process.pid}/fd/${this.#berth.network.agentNsFd}`,
      idBase: this.#berth.idBase,
      limits: plan.limits,
      maxOpenFiles: box.maxOpenFiles,
      sessionFiles: this.#files,
      workspace: join(this.#directory, 'workspace'),
      readOnlyMounts: plan.mounts.map(({ target }, i) => ({ source: this.#extra(i), target })),
      decoys: MOUNTED.map((target) => ({ source: decoyOf(box.decoys, target), target })),
      seccomp: seccompProfile({
        notify: true,
        listenerPath: box.seccompSocket,
        metadata: plan.session,
      }),
      seccompProgram: box.seccompProgram,
    })
    writeFileSync(join(this.#directory, 'config.json'), JSON.stringify(spec), { mode: 0o600 })
  }

  /**
   * Listens for the master side of the sandbox's terminal, before the runtime starts.
   *
   * @returns the socket's path
   */
  onTerminal(attach: (master: Master) => void): string {
    const path = join(this.#directory, 'console.sock')
    this.#terminalListener = this.#platform.listenForDescriptors(path, ([fd, ...more]) => {
      for (const extra of more) libc.close(extra)
      if (fd === undefined) return
      this.#master = fd
      if (this.#plan.terminal !== null) writeWindowSize(fd, this.#plan.terminal)
      attach({ input: duplicateDescriptor(fd), output: duplicateDescriptor(fd) })
    })
    return path
  }

  resize(size: { columns: number; rows: number }): void {
    if (this.#master !== undefined) writeWindowSize(this.#master, size)
  }

  /** Written by the runtime: the init process inside. */
  get pidFile(): string {
    return join(this.#directory, 'pid')
  }

  /** Idempotent. @param exitCode null when the command never ran */
  close(exitCode: number | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#terminalListener?.close()
    if (this.#master !== undefined) libc.close(this.#master)
    for (const path of this.#mounted.toReversed()) unmount(path)
    rmSync(this.#directory, { recursive: true, force: true })
    this.#settleChanges(exitCode)
  }

  /** A session that changed nothing leaves nothing. */
  #settleChanges(exitCode: number | null): void {
    const directory = join(this.#platform.paths.sessions, this.#plan.session)
    rmSync(join(directory, 'work'), { recursive: true, force: true })
    const changed = existsSync(this.#changes) && readdirSync(this.#changes).length > 0
    if (changed) this.#writeRecord(new Date().toISOString(), exitCode)
    else rmSync(directory, { recursive: true, force: true })
  }

  #writeRecord(endedAt: string | null, exitCode: number | null): void {
    const { session, agent, argv, workspace } = this.#plan
    writeSessionRecord(this.#platform.paths.sessions, {
      version: 1,
      session,
      agent,
      argv,
      workspace,
      startedAt: this.#startedAt,
      endedAt,
      exitCode,
    })
  }

  /** The user's directory, shown as owned by the session, under a layer that takes all changes. */
  async #mountWorkspace(): Promise<void> {
    const target = join(this.#directory, 'workspace')
    mkdirSync(target, { mode: 0o755 })
    const { workspace } = this.#plan
    if (workspace === null) return this.#bindScratch(target)
    const lower = join(this.#directory, 'lower')
    const work = join(this.#platform.paths.sessions, this.#plan.session, 'work')
    mkdirSync(lower)
    mkdirSync(work)
    const { uid, gid } = lstatSync(workspace)
    const userNamespaceFd = await this.#platform.box.idMaps.get({
      uid,
      gid,
      shownAs: this.#agentUid,
    })
    bindIdmapped({ source: workspace, target: lower, userNamespaceFd, readOnly: true })
    this.#mounted.push(lower)
    mountOverlay({
      lower: [lower],
      upper: this.#changes,
      work,
      target,
      // crun drops these from a writable bind in a user namespace: they must hold from below
      flags: MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices,
      // what `diff` and `apply` read is the plain upper layer: no redirects, no metadata-only copies
      options: ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off'],
    })
    this.#mounted.push(target)
  }

  #bindScratch(target: string): void {
    this.#bind(this.#changes, target)
    const { bind, remount, noSetuid, noDevices } = MOUNT_FLAGS
    const flags = bind | remount | noSetuid | noDevices // from below, as the overlay's
    mount({ source: null, target, type: null, flags, options: null })
  }

  #mountExtra(source: string, i: number): void {
    const target = this.#extra(i)
    if (isDirectory(source)) mkdirSync(target)
    else writeFileSync(target, '')
    this.#bind(source, target)
  }

  get #files(): string {
    return join(this.#directory, 'files')
  }

  #extra(i: number): string {
    return join(this.#directory, `mount-${i}`)
  }

  #bind(source: string, target: string): void {
    const tree = cloneTree(source)
    try {
      attachTree(tree, target)
      this.#mounted.push(target)
    } finally {
      libc.close(tree)
    }
  }
}

/** @throws SekishoError CONFIG_INVALID */
function isDirectory(source: string): boolean {
  try {
    return lstatSync(source).isDirectory()
  } catch (cause) {
    throw new SekishoError('CONFIG_INVALID', `mount source ${source} is not there`, {
      hint: 'mend mounts in the agent file',
      cause,
    })
  }
}
