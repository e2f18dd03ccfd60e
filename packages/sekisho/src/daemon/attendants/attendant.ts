import type { SessionCgroup } from '../../sandbox/cgroup.ts'
import type { SessionEnd, SessionPlan } from '../../wire/control.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { Network } from '../networks.ts'
import type { Platform } from '../platform.ts'
import type { SpaceUse } from './space.ts'

/** A session whose sandbox stands and whose command has not begun. */
export type LiveSession = {
  plan: SessionPlan
  platform: Platform
  cgroup: SessionCgroup
  /** the cgroup's name, which tells a process of this session by /proc/<pid>/cgroup */
  berth: string
  /** its namespaces' number at its gate, and what that has let out so far */
  network: Pick<Network, 'id' | 'gate' | 'egressUsed'>
  /** of the sandbox's init, as our own process namespace counts */
  initPid: number
  /** host id of the agent */
  agentUid: number
  places: SessionPlaces
  /** what its file systems hold; null where one has no limits of its own on this host */
  space: { tmp(): SpaceUse | null; disk(): SpaceUse | null }
  /** index of its start leaf; null when the keyholder took over in between */
  firstLeaf: number | null
  /** makes a leaf durable */
  record(leaf: LeafInput): Promise<unknown>
  /** soft stop, freeze, kill; idempotent, the first reason stands */
  stop(reason: SessionEnd['reason'], text?: Pick<SessionEnd, 'message' | 'hint'>): void
}

/** Where a session's parts lie, as paths in the supervisor's mount namespace. */
export type SessionPlaces = {
  /** mount points of the file systems that are this session's alone and hold what it can execute */
  execRoots: readonly { path: string; inside: string; isWritable: boolean }[]
  /** the tmpfs behind /tmp, the home, /run and /dev/shm */
  scratch: string
  /** the workspace as the session sees it; null where it has none */
  workspace: string | null
  /** the layer with the workspace's changes */
  changes: string
}

/**
 * What accompanies each session from its sandbox to its end: the limits' watch, the exec monitor.
 * One file, its test and one line in `all.ts`.
 */
export type Attendant = {
  /** The command is over, and nobody knows of it yet: the last moment to say why. Never throws. */
  exited?(): void
  /**
   * When nothing of the session runs any more, before its end leaf.
   *
   * @returns counters for the end leaf, named `<who>.<what>` with the unit in the name
   */
  end(): Record<string, number> | Promise<Record<string, number>>
}

/**
 * Runs after the sandbox stands and before the command's first instruction; throwing (or
 * rejecting) stops the start. On the path of every start: keep it far below a millisecond.
 */
export type Attend = (live: LiveSession) => Attendant | Promise<Attendant>
