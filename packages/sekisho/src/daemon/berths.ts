import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { MOUNT_FLAGS, mountOverlay, unmount } from '../kernel/mounts.ts'
import type { Cgroups, SessionCgroup } from '../sandbox/cgroup.ts'
import { AGENT_ID } from '../sandbox/layout.ts'
import type { Disks, ReadyDisk } from '../sandbox/disks.ts'
import type { DiskSize } from '../sandbox/disk-template.ts'
import { furnishHome } from '../sandbox/session-home.ts'
import { makeScratch, type Scratch } from '../sandbox/scratch.ts'
import type { HostIdBlocks } from './identities.ts'
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
  /** its own in the box: `files`, `scratch`, `usr` */
  directory: string
  network: Network
  cgroup: SessionCgroup
  scratch: Scratch
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

type Options = {
  disks: Pick<Disks, 'prepare'>
  /** an empty directory, the second layer of an overlay that needs two */
  empty: string
  raise: (ground: SandboxGround, needs: SandboxNeeds) => Promise<StandingSandbox>
  /** nothing more is told of this berth */
  forget: (name: string) => void
  networks: Pick<Networks, 'make' | 'close'>
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

  constructor(options: Options) {
    this.#options = options
  }

  /** Makes up for berths taken; call when there is time. */
  fill(): void {
    while (!this.#closed && this.#ready.length < this.#options.readyCount) {
      const made = this.#makeUsual()
      made.catch((error: unknown) => {
        this.#options.warn(`no berth could be made ready: ${String(error)}`)
        this.#ready = this.#ready.filter((one) => one !== made)
      })
      this.#ready.push(made)
    }
  }

  /** One with a sandbox of the usual kind. */
  async take(): Promise<Berth> {
    const next = this.#ready.shift()
    if (next === undefined) return this.#makeUsual()
    const berth = await next
    if (berth.sandbox?.isWaiting === true) return berth
    await this.release(berth)
    return this.take()
  }

  /** One without a sandbox: {@link raise} makes it. */
  takeBare(): Promise<Berth> {
    return this.#make()
  }

  /** @throws SekishoError SANDBOX_FAILED, TIMEOUT */
  async raise(berth: Berth, needs: SandboxNeeds): Promise<StandingSandbox> {
    const ground = { ...berth, agentNsFd: berth.network.agentNsFd }
    berth.sandbox = await this.#options.raise(ground, needs)
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
    const made = await Promise.allSettled(this.#ready)
    for (const one of made) if (one.status === 'fulfilled') await this.release(one.value)
  }

  async #makeUsual(): Promise<Berth> {
    const berth = await this.#make()
    try {
      await this.raise(berth, this.#options.usual(berth))
      return berth
    } catch (error) {
      await this.release(berth)
      throw error
    }
  }

  async #make(): Promise<Berth> {
    const { networks, cgroups, hostIds } = this.#options
    const network = await networks.make()
    const name = `berth-${this.#next++}`
    const idBase = hostIds.take()
    const agentUid = idBase + AGENT_ID
    try {
      const cgroup = cgroups.create(name, null)
      const disk = await this.#options.disks.prepare({ size: USUAL_DISK, agentUid })
      const directory = join(BERTHS_IN_BOX, name)
      return {
        name,
        idBase,
        agentUid,
        directory,
        network,
        cgroup,
        disk,
        ...this.#furnish(directory, { rootUid: idBase, agentUid }),
        sandbox: undefined,
      }
    } catch (error) {
      hostIds.release(idBase)
      await networks.close(network)
      throw error
    }
  }

  /** The file systems that are this berth's alone. */
  #furnish(
    directory: string,
    owners: { rootUid: number; agentUid: number },
  ): Pick<Berth, 'scratch' | 'mounts'> {
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
    const scratch = makeScratch(join(directory, 'scratch'), owners)
    const { rootUid: rootId, agentUid: agentId } = owners
    furnishHome(join(scratch.path, 'home'), { rootId, agentId })
    return { scratch, mounts: [usr, scratch.path] }
  }
}
