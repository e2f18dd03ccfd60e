import { existsSync, lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { duplicateDescriptor } from '../kernel/duplicate.ts'
import { libc } from '../kernel/libc.ts'
import { bindTree, MOUNT_FLAGS, unmount } from '../kernel/mounts.ts'
import { writeWindowSize } from '../kernel/terminal.ts'
import { sessionEnvironment } from '../sandbox/environment.ts'
import { WORKSPACE } from '../sandbox/layout.ts'
import type { Bind } from '../sandbox/mounts.ts'
import { mountLayers, type Rootfs } from '../sandbox/images/open-rootfs.ts'
import { writeSessionFiles } from '../sandbox/session-files.ts'
import type { startText } from '../sandbox/standby.ts'
import { checkWorkspace } from '../sandbox/workspace.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { SessionPlaces } from './attendants/attendant.ts'
import type { Berth } from './berths.ts'
import type { Platform } from './platform.ts'
import { OUTPUT_FILE, writeSessionRecord } from './session-record.ts'
import { WorkspaceMount } from './workspace-mount.ts'

const USR = { name: 'usr', inside: '/usr' }

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
  readonly #workspace: WorkspaceMount
  readonly #startedAt: string
  #mounted: string[] = []
  #terminalListener: { close(): void } | undefined
  #master: number | undefined
  #changesSince: string | undefined
  #unwatchRoot: () => void = () => undefined
  #rootfs: Rootfs | undefined
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
    this.#workspace = new WorkspaceMount(plan, berth, platform)
    this.#startedAt = new Date().toISOString()
  }

  /** Limits, directories and mounts. */
  async prepare(): Promise<void> {
    const { cgroup, scratch } = this.#berth
    cgroup.limit(this.#plan.limits)
    scratch.limit(this.#plan.limits)
    this.#writeRecord(null, null)
    this.#changesSince = await this.#workspace.mount()
    if (this.#changesSince !== undefined) this.#writeRecord(null, null)
    this.#plan.mounts.forEach(({ source }, i) => this.#mountExtra(source, i))
  }

  /**
   * Shows a root file system that is made of layers as one of this session's own.
   *
   * @returns its host path
   */
  mountRoot(rootfs: Rootfs): string {
    this.#rootfs = rootfs
    const [only, ...more] = rootfs.root
    if (only !== undefined && more.length === 0) return only
    const target = this.#in('root')
    mkdirSync(target)
    mountLayers(rootfs.root, target)
    this.#mounted.push(target)
    // an overlay has inodes of its own: marks on its layers' tell of nothing that is opened here
    this.#unwatchRoot = this.#platform.watchRoot(target)
    return target
  }

  /** The workspace as the session is to see it, on the host's side. */
  get workspace(): string {
    return this.#workspace.path
  }

  diskUsage(): ReturnType<WorkspaceMount['usage']> {
    return this.#workspace.usage()
  }

  /** What the agent file mounts, once {@link prepare} is done. */
  get extras(): Bind[] {
    return this.#plan.mounts.map(({ target }, i) => ({ source: this.#extra(i), target }))
  }

  get places(): SessionPlaces {
    const { scratch } = this.#berth
    const toolchain = this.#rootfs?.usr === null ? { name: 'root', inside: '/' } : USR
    return {
      execRoots: [
        { path: this.#in(toolchain.name), inside: toolchain.inside, isWritable: false },
        { path: scratch.path, inside: '/', isWritable: true },
        { path: this.workspace, inside: WORKSPACE, isWritable: true },
        ...this.extras
          .filter(({ source }) => isDirectory(source))
          .map(({ source, target }) => ({ path: source, inside: target, isWritable: false })),
      ],
      scratch: scratch.path,
      workspace: this.workspace,
      changes: this.#workspace.changes,
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
        agent: { ...this.#rootfs?.environment, ...environment },
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

  /** What a detached command writes. */
  get outputFile(): string {
    return join(this.#platform.paths.sessions, this.#plan.session, OUTPUT_FILE)
  }

  /** Written by the runtime: the init process inside. */
  get pidFile(): string {
    return this.#in('pid')
  }

  /**
   * Idempotent. A session that changed nothing leaves nothing.
   *
   * @param exitCode null when the command never ran
   * @returns counters for the end leaf
   */
  async close(exitCode: number | null): Promise<Record<string, number>> {
    if (this.#closed) return {}
    this.#closed = true
    this.#terminalListener?.close()
    if (this.#master !== undefined) libc.close(this.#master)
    this.#unwatchRoot()
    for (const path of this.#mounted.toReversed()) unmount(path)
    const { isChanged, counters } = await this.#workspace.unmount()
    if (isChanged || existsSync(this.outputFile))
      this.#writeRecord(new Date().toISOString(), exitCode)
    else this.#forget()
    return counters
  }

  #forget(): void {
    const directory = join(this.#platform.paths.sessions, this.#plan.session)
    rmSync(directory, { recursive: true, force: true })
  }

  #writeRecord(endedAt: string | null, exitCode: number | null): void {
    const { session, agent, argv, workspace, workspaceOptions } = this.#plan
    writeSessionRecord(this.#platform.paths.sessions, {
      version: 1,
      session,
      agent,
      argv,
      workspace,
      startedAt: this.#startedAt,
      endedAt,
      exitCode,
      ...(this.#changesSince === undefined ? {} : { changesSince: this.#changesSince }),
      ...(workspaceOptions.from === null ? {} : { from: workspaceOptions.from }),
      readOnly: workspaceOptions.readOnly,
    })
  }

  #mountExtra(source: string, i: number): void {
    const target = this.#extra(i)
    if (isDirectory(source)) {
      mkdirSync(target)
      // a file system of the session's own: what is executed from it is monitored
      mountLayers([source, this.#platform.box.empty], target)
      this.#mounted.push(target)
      return
    }
    writeFileSync(target, '')
    const { noSetuid, noDevices, noExec, readOnly } = MOUNT_FLAGS
    bindTree(source, target, noSetuid | noDevices | noExec | readOnly)
    this.#mounted.push(target)
  }

  #extra(i: number): string {
    return this.#in(`mount-${i}`)
  }

  #in(name: string): string {
    return join(this.#berth.directory, name)
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
