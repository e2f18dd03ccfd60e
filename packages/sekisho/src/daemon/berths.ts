import { join } from 'node:path'
import { type Cgroups, type SessionCgroup } from '../sandbox/cgroup.ts'
import { berthCommand } from '../sandbox/crun.ts'
import { AGENT_ID } from '../sandbox/layout.ts'
import type { HostIdBlocks } from './identities.ts'
import { Launcher } from './launcher.ts'
import type { Network, Networks } from './networks.ts'
import { BOX, SESSIONS_IN_BOX } from './paths.ts'

/** What every session needs and none of it depends on which session: made before one comes. */
export type Berth = {
  name: string
  idBase: number
  network: Network
  cgroup: SessionCgroup
  launcher: Launcher
}

/** What is needed of a berth to take it down. */
type Departing = Pick<Berth, 'name' | 'idBase' | 'network' | 'cgroup'> & {
  launcher: Pick<Launcher, 'kill' | 'close'>
}

type Options = {
  networks: Pick<Networks, 'make' | 'close'>
  cgroups: Pick<Cgroups, 'create'>
  hostIds: HostIdBlocks
  readyCount: number
  warn: (line: string) => void
}

/**
 * A few berths are kept ready while nobody waits: network namespaces handed to their gate, a
 * cgroup, a block of host ids, and a launcher that has joined the cgroup. A berth serves one
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
      const made = this.#make()
      made.catch((error: unknown) => {
        this.#options.warn(`no berth could be made ready: ${String(error)}`)
        this.#ready = this.#ready.filter((one) => one !== made)
      })
      this.#ready.push(made)
    }
  }

  async take(): Promise<Berth> {
    const next = this.#ready.shift()
    if (next === undefined) return this.#make()
    const berth = await next
    if (berth.launcher.isWaiting) return berth
    await this.release(berth)
    return this.take()
  }

  /** Destroys it, whatever still runs in it. @returns the gate's counters of its network */
  async release(berth: Departing): Promise<Record<string, number>> {
    berth.cgroup.kill()
    berth.launcher.kill()
    berth.launcher.close()
    const counters = await this.#options.networks.close(berth.network)
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

  async #make(): Promise<Berth> {
    const { networks, cgroups, hostIds } = this.#options
    const network = await networks.make()
    const name = `berth-${this.#next++}`
    const idBase = hostIds.take()
    try {
      const cgroup = cgroups.create(name, null)
      const command = berthCommand({
        root: join(BOX, 'crun'),
        bundles: SESSIONS_IN_BOX,
        cgroupJoin: cgroup.joinPaths,
      })
      return { name, idBase, network, cgroup, launcher: new Launcher(command, idBase + AGENT_ID) }
    } catch (error) {
      hostIds.release(idBase)
      await networks.close(network)
      throw error
    }
  }
}
