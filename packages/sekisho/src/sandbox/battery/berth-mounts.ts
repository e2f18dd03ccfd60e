import { join } from 'node:path'
import { MOUNT_FLAGS, mount, mountOverlay } from '../../kernel/mounts.ts'
import { AGENT_ID } from '../layout.ts'
import { makeScratch, SCRATCH_PARTS } from '../scratch.ts'
import { plantWorkspace } from './planted-workspace.ts'
import type { Surroundings } from './surroundings.ts'

export type Parts = {
  /** paths in the berth's directory: `usr`, `scratch` and `workspace` are there and empty */
  at: (name: string) => string
  /** an empty directory */
  empty: string
  idBase: number
  around: Surroundings
  /** what a link in the workspace leads to */
  secret: string
}

/** @returns what is to be unmounted, in order */
export function mountParts({ at, empty, idBase, around, secret }: Parts): string[] {
  const { readOnly, noSetuid, noDevices } = MOUNT_FLAGS
  mountOverlay({
    lower: ['/usr', empty],
    target: at('usr'),
    flags: readOnly | noSetuid | noDevices,
  })
  makeScratch(at('scratch'), { rootUid: idBase, agentUid: idBase + AGENT_ID }).limit(around.tmp)
  mount({
    source: 'workspace',
    target: at('workspace'),
    type: 'tmpfs',
    flags: noSetuid | noDevices,
    options: null,
  })
  plantWorkspace(at('workspace'), { idBase, secret })
  const mounted = [at('usr'), at('scratch'), at('workspace')]
  const places: Record<string, string> = { '/workspace': at('workspace') }
  for (const part of SCRATCH_PARTS) places[INSIDE[part]] = join(at('scratch'), part)
  for (const [inside, flags] of Object.entries(around.without)) {
    const path = places[inside]
    if (path !== undefined) mounted.push(...allow(path, inside, flags))
  }
  return mounted
}

const INSIDE = { tmp: '/tmp', home: '/home/agent', run: '/run', shm: '/dev/shm' } as const

/** Binds a place onto itself, with fewer flags than it came with. */
function allow(path: string, inside: string, flags: readonly string[]): string[] {
  const { bind, remount, noSetuid, noDevices, noExec } = MOUNT_FLAGS
  const wanted = { nosuid: noSetuid, nodev: noDevices, noexec: noExec }
  const own = Object.entries(wanted).filter(
    ([name]) =>
      !flags.includes(name) && (name !== 'noexec' || ['/run', '/dev/shm'].includes(inside)),
  )
  const left = own.reduce((sum, [, flag]) => sum | flag, 0)
  mount({ source: path, target: path, type: null, flags: bind, options: null })
  mount({ source: null, target: path, type: null, flags: bind | remount | left, options: null })
  return [path]
}
