import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import type { CgroupHierarchy } from './cgroup-layout.ts'

/** Where the supervisor itself goes when the controllers need its cgroup to be an inner node. */
const SUPERVISOR_LEAF = 'sekisho-supervisor'

/**
 * A directory of the unified hierarchy whose children may have the controllers.
 *
 * An inner cgroup with controllers holds no process (cgroups(7), "no internal processes"). So: our
 * own cgroup as it is; or after we alone moved into a leaf of it, as under systemd's `Delegate=`;
 * or the top, which the rule spares.
 *
 * @throws SekishoError HOST_UNSUPPORTED when none will do
 */
export function delegateControllers(
  { own, top }: Pick<CgroupHierarchy, 'own' | 'top'>,
  controllers: readonly string[],
): string {
  if (enable(own, controllers)) return own
  if (isAlone(own) && moveToLeaf(own) && enable(own, controllers)) return own
  if (enable(top, controllers)) return top
  throw new SekishoError('HOST_UNSUPPORTED', `cannot delegate ${controllers.join(', ')}`, {
    hint: 'run sekishod as a systemd unit with Delegate=yes',
  })
}

function enable(directory: string, controllers: readonly string[]): boolean {
  const path = join(directory, 'cgroup.subtree_control')
  const has = (): boolean => {
    const enabled = readFileSync(path, 'utf8').split(/\s+/)
    return controllers.every((name) => enabled.includes(name))
  }
  if (has()) return true
  try {
    writeFileSync(path, controllers.map((name) => `+${name}`).join(' '))
  } catch {
    return false // EBUSY: it has processes; ENOENT: not granted to it. The next place is tried.
  }
  return has()
}

function isAlone(directory: string): boolean {
  if (!existsSync(join(directory, 'cgroup.type'))) return false // the very top takes processes
  const pids = readFileSync(join(directory, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)
  return pids.length === 1 && pids[0] === String(process.pid)
}

function moveToLeaf(directory: string): boolean {
  const leaf = join(directory, SUPERVISOR_LEAF)
  mkdirSync(leaf, { recursive: true })
  writeFileSync(join(leaf, 'cgroup.procs'), String(process.pid))
  return true
}
