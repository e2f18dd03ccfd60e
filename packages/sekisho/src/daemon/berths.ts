import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { MOUNT_FLAGS, mountOverlay, unmount } from '../kernel/mounts.ts'
import type { Cgroups, SessionCgroup } from '../sandbox/cgroup.ts'
import type { Disks, ReadyDisk } from '../sandbox/disks.ts'
import type { DiskSize } from '../sandbox/disk-template.ts'
import { furnishHome } from '../sandbox/session-home.ts'
import { makeScratch, type Scratch } from '../sandbox/scratch.ts'
import { type CanaryPrints, plantCanaries } from './canaries.ts'
import { type HostIdBlocks, idsOf, type SessionIds } from './identities.ts'
import type { Network, Networks } from './networks.ts'
import { BERTHS_IN_BOX } from './paths.ts'
import type { SandboxGround, SandboxNeeds, StandingSandbox } from './standing-sandbox.ts'

/** As agent files have it that name none: of these, disks are made ahead. */
export const USUAL_DISK: DiskSize = { bytes: 10 * 1024 ** 3, inodes: 500_000 }

/** What every session needs and none of it depends on which session: made before one comes. */
export type Berth = {
  name: string
  idBase: number
  agentUid: number
  idMap: SessionIds['map']
  /** its own in the box: `files`, `scratch`, `usr` */
  directory: string
  network: Network
  cgroup: SessionCgroup
  scratch: Scratch
  canaries: CanaryPrints
  /** of the usual size, until a session takes it or brings another */
  disk: ReadyDisk | undefined
  /** mount points to take down, in the order of their making */
  mounts: readonly string[]
  /** a complete sandbox of the default kind, or undefined until {@link Berths.raise} */
  sandbox: StandingSandbox | undefined
}

/** What is needed of a berth to take it down. */
type Departing = Pick<
  Berth,
  'name' | 'idBase' | 'directory' | 'network' | 'cgroup' | 'mounts' | 'disk'
> & {
  sandbox: Pick<StandingSandbox, 'close'> | undefined
}

/** Whether the agent is to write to files of the user's own. */
type Writing = { writes: boolean }

type Options = {
  disks: Pick<Disks, 'prepare'>
  /** an empty directory, the second layer of an overlay that needs two */
  empty: string
  raise: (ground: SandboxGround, needs: SandboxNeeds) => Promise<StandingSandbox>
  /** nothing more is told of this berth */
  forget: (name: string) => void
  networks: Pick<Networks, 'make' | 'begin' | 'close'>
  cgroups: Pick<Cgroups, 'create'>
  hostIds: HostIdBlocks
  readyCount: number
  /** what most sessions need; null: none is raised ahead */
  usual: (berth: Berth) => SandboxNeeds
  warn: (line: string) => void
}

/**
 * A few berths are kept ready while nobody waits: network namespaces handed to their gate, a
 * cgroup, a block of host ids, and a whole sandbox that has tried its walls. A berth serves one
 * session, once.
 */
export class Berths {
  readonly #options: Options
  #ready: Promise<Berth>[] = []
  #next = 1
  #closed = false
  readonly #trouble: Trouble

  constructor(options: Options) {
    this.#options = options
    this.#trouble = new Trouble(options.warn, () => this.fill())
  }

  /**
   * Makes up for berths taken; call when there is time. While they fail, one is tried at a time,
   * and again by itself, so that all of them are there soon after the cause is gone.
   */
  fill(): void {
    const { readyCount } = this.#options
    const count = this.#trouble.isThere ? Math.min(1, readyCount) : readyCount
    while (!this.#closed && this.#ready.length < count) this.#makeReady()
  }

  /** One with a sandbox of the usual kind. @throws SekishoError what keeps it from being made */
  async take(): Promise<Berth> {
    const next = this.#ready.shift()
    if (next === undefined) return this.#makeUsual()
    const berth = await next.catch(() => undefined) // said already; a new attempt says what holds now
    if (berth?.sandbox?.isWaiting === true) return berth
    if (berth !== undefined) await this.release(berth)
    return this.take()
  }

  /** One without a sandbox: {@link raise} makes it. */
  takeBare(agent: Writing): Promise<Berth> {
    return this.#make(agent)
  }

  /** @throws SekishoError SANDBOX_FAILED, TIMEOUT */
  async raise(berth: Berth, needs: SandboxNeeds): Promise<StandingSandbox> {
    const ground = { ...berth, agentNsFd: berth.network.agentNsFd }
    berth.sandbox = await this.#options.raise(ground, needs)
    this.#options.networks.begin(berth.network) // its walls have been tried, and nothing else has run
    return berth.sandbox
  }

  /** Destroys it, whatever still runs in it. @returns the gate's counters of its network */
  async release(berth: Departing): Promise<Record<string, number>> {
    berth.cgroup.kill()
    berth.sandbox?.close()
    const counters = await this.#options.networks.close(berth.network)
    this.#options.forget(berth.name)
    await berth.disk?.drop()
    for (const path of berth.mounts.toReversed()) unmount(path)
    rmSync(berth.directory, { recursive: true, force: true })
    // a process that would not end still has these ids: no other session may be given them
    if (berth.cgroup.remove()) this.#options.hostIds.release(berth.idBase)
    else this.#options.warn(`${berth.name}: its cgroup resists removal; its ids are not used again`)
    return counters
  }

  async closeAll(): Promise<void> {
    this.#closed = true
    this.#trouble.end()
    const made = await Promise.allSettled(this.#ready)
    for (const one of made) if (one.status === 'fulfilled') await this.release(one.value)
  }

  #makeReady(): void {
    const made = this.#makeUsual()
    this.#ready.push(made)
    made.then(
      (berth) => {
        this.#trouble.over()
        this.fill()
        void berth.sandbox?.launcher.exited.then(() => this.#replace(made, berth))
      },
      (error: unknown) => {
        this.#ready = this.#ready.filter((one) => one !== made)
        if (!this.#closed) this.#trouble.met(error)
      },
    )
  }

  /** Its sandbox has ended; nothing to do for one that a session has. */
  #replace(made: Promise<Berth>, berth: Berth): void {
    if (this.#closed || !this.#ready.includes(made)) return
    this.#ready = this.#ready.filter((one) => one !== made)
    this.#trouble.met(new SekishoError('SANDBOX_FAILED', 'one that waited has ended'))
    this.release(berth).catch((error: unknown) => this.#options.warn(String(error)))
  }

  async #makeUsual(): Promise<Berth> {
    const berth = await this.#make({ writes: true })
    try {
      await this.raise(berth, this.#options.usual(berth))
      return berth
    } catch (error) {
      await this.release(berth)
      throw error
    }
  }

  async #make(agent: Writing): Promise<Berth> {
    const { networks, cgroups, hostIds, disks } = this.#options
    const undo: (() => unknown)[] = []
    const keep = <T>(made: T, takeDown: (made: T) => unknown): T => {
      undo.push(() => takeDown(made))
      return made
    }
    const name = `berth-${this.#next++}`
    const directory = join(BERTHS_IN_BOX, name)
    try {
      const network = keep(await networks.make(), (it) => networks.close(it))
      const idBase = keep(hostIds.take(), (it) => hostIds.release(it))
      const { agentUid, map: idMap } = idsOf(idBase, agent)
      const cgroup = keep(cgroups.create(name, null), (it) => it.remove())
      const disk = keep(await disks.prepare({ size: USUAL_DISK, agentUid }), (it) => it.drop())
      keep(directory, (it) => rmSync(it, { recursive: true, force: true }))
      const ids = { idBase, agentUid, idMap }
      const made = { name, ...ids, directory, network, cgroup, disk, sandbox: undefined }
      return { ...made, ...this.#furnish(directory, { rootUid: idBase, agentUid }) }
    } catch (error) {
      for (const takeDown of undo.toReversed()) await takeDown()
      throw error
    }
  }

  /** The file systems that are this berth's alone. */
  #furnish(
    directory: string,
    owners: { rootUid: number; agentUid: number },
  ): Pick<Berth, 'scratch' | 'canaries' | 'mounts'> {
    const usr = join(directory, 'usr')
    for (const name of ['', 'files', 'usr', 'scratch']) {
      mkdirSync(join(directory, name), { mode: 0o755 })
    }
    // a file system of its own, so that what is executed from it is this session's and no other's
    mountOverlay({
      lower: ['/usr', this.#options.empty],
      target: usr,
      flags: MOUNT_FLAGS.readOnly | MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices,
    })
    const mounts = [usr]
    try {
      const scratch = makeScratch(join(directory, 'scratch'), owners)
      mounts.push(scratch.path)
      const { rootUid: rootId, agentUid: agentId } = owners
      const home = join(scratch.path, 'home')
      furnishHome(home, { rootId, agentId })
      return { scratch, canaries: plantCanaries(home, agentId), mounts }
    } catch (error) {
      for (const path of mounts.toReversed()) unmount(path)
      throw error
    }
  }
}

const RETRY_MS = { first: 1000, last: 30_000 } as const

/** What keeps berths from being made ahead: told once, and tried again ever more slowly. */
class Trouble {
  readonly #warn: (line: string) => void
  readonly #again: () => void
  #told: string | undefined
  #timer: NodeJS.Timeout | undefined
  #waitMs: number = RETRY_MS.first

  constructor(warn: (line: string) => void, again: () => void) {
    this.#warn = warn
    this.#again = again
  }

  get isThere(): boolean {
    return this.#told !== undefined
  }

  met(error: unknown): void {
    const text = error instanceof SekishoError ? error.message : String(error)
    const cause = text.replaceAll(/\d+/g, '0') // how much is free, which berth: the same trouble
    if (cause !== this.#told) this.#warn(`no sandbox can be made ahead of its session: ${text}`)
    this.#told = cause
    if (this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#again()
    }, this.#waitMs).unref()
    this.#waitMs = Math.min(this.#waitMs * 2, RETRY_MS.last)
  }

  over(): void {
    if (this.#told !== undefined) this.#warn('sandboxes are made ahead of their sessions again')
    this.end()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#told = undefined
    this.#waitMs = RETRY_MS.first
  }
}
