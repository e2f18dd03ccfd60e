import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { bindIdmapped, bindTree, MOUNT_FLAGS, mountOverlay, unmount } from '../kernel/mounts.ts'
import { baseOfClone, cloneWorkspace } from '../sandbox/clone-workspace.ts'
import type { Disk } from '../sandbox/disks.ts'
import { makeEmptyAreas, protectWorkspace } from '../sandbox/protected-areas.ts'
import { restoreSnapshot } from '../sandbox/snapshot-restore.ts'
import type { SessionPlan } from '../wire/control.ts'
import type { SpaceUse } from './attendants/space.ts'
import type { Berth } from './berths.ts'
import { IS_ROOTLESS } from './identities.ts'
import type { Platform } from './platform.ts'
import { cloneOf } from './session-record.ts'

/**
 * The workspace of one session: the user's directory (or a clone of it) shown as owned by the
 * session, under a layer of its own disk that takes all changes. Without a workspace, that disk.
 */
export class WorkspaceMount {
  readonly #plan: SessionPlan
  readonly #berth: Berth
  readonly #platform: Platform
  readonly #mounted: string[] = []
  #disk: Disk | undefined

  constructor(plan: SessionPlan, berth: Berth, platform: Platform) {
    this.#plan = plan
    this.#berth = berth
    this.#platform = platform
  }

  /** As the session is to see it, on the host's side. */
  get path(): string {
    return join(this.#berth.directory, 'workspace')
  }

  /** Of the disk that takes the changes; null while there is none with limits of its own. */
  usage(): SpaceUse | null {
    return this.#disk?.usage() ?? null
  }

  /** The layer with what the session changes. */
  get changes(): string {
    return this.#disk?.upper ?? ''
  }

  /**
   * @returns since when a change of the user's is a conflict, where that is not the session's start
   * @throws SekishoError SANDBOX_FAILED, SNAPSHOT_INVALID, WORKSPACE_INVALID
   */
  async mount(): Promise<string | undefined> {
    const { workspace, workspaceOptions, session } = this.#plan
    const { sessions } = this.#platform.paths
    this.#disk = await this.#takeDisk(join(sessions, session))
    if (workspace !== null && workspaceOptions.mode === 'clone') {
      const into = join(sessions, session, 'clone')
      await cloneWorkspace({ workspace, into, owner: this.#berth.agentUid })
    }
    const changesSince = await this.#restore(this.#disk)
    mkdirSync(this.path, { mode: 0o755 })
    if (workspace === null) {
      bindTree(this.#disk.upper, this.path, MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices)
      this.#mounted.push(this.path)
    } else {
      await this.#overlay(workspace, this.#disk)
      protectWorkspace({ workspace: this.path, readOnly: workspaceOptions.readOnly })
    }
    return changesSince
  }

  /**
   * When nothing of the session runs any more. Idempotent.
   *
   * @returns whether it changed anything, and counters for the end leaf
   */
  async unmount(): Promise<{ isChanged: boolean; counters: Record<string, number> }> {
    const disk = this.#disk
    this.#disk = undefined
    if (disk === undefined) return { isChanged: false, counters: {} }
    try {
      const counters = Object.entries(await disk.settle()).map(([name, n]) => [`disk.${name}`, n])
      return { isChanged: disk.isChanged(), counters: Object.fromEntries(counters) }
    } finally {
      for (const path of this.#mounted.splice(0).toReversed()) unmount(path)
      await disk.close()
    }
  }

  /** The berth's own, unless this agent may write more, or less, than most. */
  async #takeDisk(directory: string): Promise<Disk> {
    const { diskBytes: bytes, diskInodes: inodes } = this.#plan.limits
    const { disk: ready, agentUid } = this.#berth
    this.#berth.disk = undefined
    if (ready?.size.bytes === bytes && ready.size.inodes === inodes) return ready.place(directory)
    await ready?.drop()
    const made = await this.#platform.disks.prepare({ size: { bytes, inodes }, agentUid })
    return made.place(directory)
  }

  async #restore(disk: Disk): Promise<string | undefined> {
    const { workspace, workspaceOptions, session } = this.#plan
    if (workspaceOptions.from === null) return undefined
    const { paths, snapshots } = this.#platform
    const clone = cloneOf(paths.sessions, session)
    const { changesSince } = await restoreSnapshot({
      store: snapshots.directory,
      id: workspaceOptions.from,
      workspace,
      base: clone === undefined ? null : baseOfClone(clone),
      upper: disk.upper,
      owner: this.#berth.agentUid,
    })
    return changesSince
  }

  async #overlay(workspace: string, disk: Disk): Promise<void> {
    const { paths } = this.#platform
    const { readOnly } = this.#plan.workspaceOptions
    const clone = cloneOf(paths.sessions, this.#plan.session)
    const areas = join(this.#berth.directory, 'areas')
    const hasAreas = makeEmptyAreas({ lower: clone ?? workspace, readOnly, into: areas })
    const lower = clone ?? (await this.#showAsOwned(workspace))
    mountOverlay({
      lower: hasAreas ? [areas, lower] : [lower],
      upper: disk.upper,
      work: disk.work,
      target: this.path,
      // crun drops these from a writable bind in a user namespace: they must hold from below
      flags: MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices,
      // what `diff` and `apply` read is the plain upper layer: no redirects, no metadata-only copies
      options: ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off'],
    })
    this.#mounted.push(this.path)
  }

  async #showAsOwned(workspace: string): Promise<string> {
    if (IS_ROOTLESS) return workspace // the agent has its owner's uid
    const lower = join(this.#berth.directory, 'lower')
    mkdirSync(lower)
    const { uid, gid } = lstatSync(workspace)
    const userNamespaceFd = await this.#platform.box.idMaps.get({
      uid,
      gid,
      shownAs: this.#berth.agentUid,
    })
    bindIdmapped({ source: workspace, target: lower, userNamespaceFd, readOnly: true })
    this.#mounted.push(lower)
    return lower
  }
}
