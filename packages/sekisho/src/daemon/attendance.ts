import type { LeafInput } from '../wire/leaves.ts'
import { ATTENDANTS } from './attendants/all.ts'
import type { Attendant, LiveSession } from './attendants/attendant.ts'
import type { Platform } from './platform.ts'
import type { Session } from './session.ts'
import type { Stage } from './stage.ts'

export type Attendance = {
  exited(): void
  end(): Promise<Record<string, number>>
}

/**
 * Whoever accompanies a session. Those that came take their leave in reverse order, whether or not
 * all of them came.
 */
export async function beginAttendance(
  session: Session,
  stage: Stage,
  platform: Platform,
): Promise<Attendance> {
  const present: Attendant[] = []
  const end = async (): Promise<Record<string, number>> => {
    const counters: Record<string, number> = {}
    for (const attendant of present.splice(0).toReversed()) {
      Object.assign(counters, await attendant.end())
    }
    return counters
  }
  const live: LiveSession = {
    plan: session.plan,
    platform,
    cgroup: stage.berth.cgroup,
    berth: stage.berth.name,
    network: stage.berth.network,
    initPid: stage.sandbox.initPid,
    agentUid: stage.berth.agentUid,
    places: stage.cell.places,
    space: {
      tmp: () => stage.berth.scratch.usage(),
      disk: () => stage.cell.diskUsage(),
    },
    record: (leaf: LeafInput) => platform.record(leaf),
    firstLeaf: session.firstLeaf,
    stop: (reason, text) => session.stop(reason, text),
  }
  try {
    for (const attend of ATTENDANTS) present.push(await attend(live))
    return { exited: () => present.forEach((attendant) => attendant.exited?.()), end }
  } catch (error) {
    await end()
    throw error
  }
}
