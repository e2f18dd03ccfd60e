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
import { libc } from '../kernel/libc.ts'
import {
  attachTree,
  bindIdmapped,
  cloneTree,
  MOUNT_FLAGS,
  mount,
  mountOverlay,
  unmount,
} from '../kernel/mounts.ts'
import { writeWindowSize } from '../kernel/terminal.ts'
import { sessionEnvironment } from '../sandbox/environment.ts'
import { WORKSPACE } from '../sandbox/layout.ts'
import type { Bind } from '../sandbox/mounts.ts'
import { writeSessionFiles } from '../sandbox/session-files.ts'
import type { startText } from '../sandbox/standby.ts'
import { checkWorkspace } from '../sandbox/workspace.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { SessionPlaces } from './attendants/attendant.ts'
import type { Berth } from './berths.ts'
import type { Platform } from './platform.ts'
import { changesOf, writeSessionRecord } from './session-record.ts'

type Master = { input: number; output: number }

/**
 * What one session adds to its berth, on the host's side: its workspace and the layer of its
 * changes, its limits, what its agent file mounts. `close` undoes whatever of that exists, in any
 * state.
 */
export class Cell {
  readonly #plan: SessionPlan
  readonly #platform: Platform
  readonly #berth: Berth
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
    this.#changes = changesOf(platform.paths.sessions, plan.session)
    this.#startedAt = new Date().toISOString()
  }

  /** Limits, directories and mounts. */
  async prepare(): Promise<void> {
    const { cgroup, scratch, agentUid } = this.#berth
    cgroup.limit(this.#plan.limits)
    scratch.limit(this.#plan.limits)
    this.#writeRecord(null, null)
    mkdirSync(this.#changes, { mode: 0o755 })
    chownSync(this.#changes, agentUid, agentUid)
    await this.#mountWorkspace()
    this.#plan.mounts.forEach(({ source }, i) => this.#mountExtra(source, i))
  }

  /** The workspace as the session is to see it, on the host's side. */
  get workspace(): string {
    return this.#in('workspace')
  }

  /** What the agent file mounts, once {@link prepare} is done. */
  get extras(): Bind[] {
    return this.#plan.mounts.map(({ target }, i) => ({ source: this.#extra(i), target }))
  }

  get places(): SessionPlaces {
    const { scratch, directory } = this.#berth
    return {
      execRoots: [
        { path: join(directory, 'usr'), inside: '/usr', isWritable: false },
        { path: scratch.path, inside: '/', isWritable: true },
        { path: this.workspace, inside: WORKSPACE, isWritable: true },
      ],
      scratch: scratch.path,
      workspace: this.workspace,
      changes: this.#changes,
    }
  }

  /** The session's own trust anchors. */
  writeFiles(caPem: string): void {
    const { session } = this.#plan
    writeSessionFiles(this.#in('files'), { session, caPem, nowMs: Date.now() })
  }

  /** What the waiting sandbox becomes. */
  start(placeholders: Record<string, string>): Parameters<typeof startText>[0] {
    const { session, terminal, environment, argv, limits } = this.#plan
    return {
      argv,
      env: sessionEnvironment({
        session,
        terminal: terminal?.type ?? null,
        agent: environment,
        placeholders,
      }),
      cwd: WORKSPACE,
      openFiles: Math.min(limits.openFiles, this.#platform.box.maxOpenFiles),
    }
  }

  /**
   * Listens for the master side of the sandbox's terminal, before the runtime starts.
   *
   * @returns the socket's path
   */
  listenForTerminal(): string {
    const path = this.#in('console.sock')
    this.#terminalListener = this.#platform.listenForDescriptors(path, ([fd, ...more]) => {
      for (const extra of more) libc.close(extra)
      this.#master ??= fd
    })
    return path
  }

  /** Our descriptors of the terminal, when there is one. The caller owns them. */
  takeMaster(): Master {
    if (this.#master === undefined) {
      throw new SekishoError('SANDBOX_FAILED', 'the runtime has sent no terminal')
    }
    if (this.#plan.terminal !== null) writeWindowSize(this.#master, this.#plan.terminal)
    return { input: duplicateDescriptor(this.#master), output: duplicateDescriptor(this.#master) }
  }

  resize(size: { columns: number; rows: number }): void {
    if (this.#master !== undefined) writeWindowSize(this.#master, size)
  }

  /** Written by the runtime: the init process inside. */
  get pidFile(): string {
    return this.#in('pid')
  }

  /** Idempotent. @param exitCode null when the command never ran */
  close(exitCode: number | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#terminalListener?.close()
    if (this.#master !== undefined) libc.close(this.#master)
    for (const path of this.#mounted.toReversed()) unmount(path)
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
    const target = this.workspace
    mkdirSync(target, { mode: 0o755 })
    const { workspace } = this.#plan
    if (workspace === null) return this.#bindScratch(target)
    const lower = this.#in('lower')
    const work = join(this.#platform.paths.sessions, this.#plan.session, 'work')
    mkdirSync(lower)
    mkdirSync(work)
    const { uid, gid } = lstatSync(workspace)
    const userNamespaceFd = await this.#platform.box.idMaps.get({
      uid,
      gid,
      shownAs: this.#berth.agentUid,
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

  #extra(i: number): string {
    return this.#in(`mount-${i}`)
  }

  #in(name: string): string {
    return join(this.#berth.directory, name)
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
