import { posix } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { EXTRA_MOUNT_ROOTS } from '../core/mount-roots.ts'
import type { Limits } from '../wire/sandbox.ts'
import { AGENT_HOME, AGENT_ID, SESSION_FILES, WORKSPACE } from './layout.ts'
import type { OciMount } from './oci-types.ts'

export type Bind = {
  /** on the host, absolute */
  source: string
  /** inside, absolute and normal */
  target: string
}

export type MountSources = {
  /** directory of `writeSessionFiles` */
  sessionFiles: string
  /** an overlay over the user's directory, made by the supervisor; null gives an empty tmpfs */
  workspace: string | null
  /** what the agent file names, read-only, below one of {@link EXTRA_MOUNT_ROOTS} */
  readOnlyMounts: readonly Bind[]
  /** tripwires of the platform: files that nothing should open, below {@link DECOY_ROOTS} */
  decoys: readonly Bind[]
  limits: Pick<Limits, 'tmpBytes'>
}

const MIB = 1024 * 1024
/** /run and /dev/shm hold sockets and small segments; both count against the memory limit too. */
const MAX_SMALL_TMPFS_BYTES = 64 * MIB

/**
 * Mounts in order. Each costs 50–100 µs at every start, so there is one bind for all files of a
 * session, no /sys at all, and /var/tmp is a symbolic link in the skeleton.
 *
 * @throws SekishoError CONFIG_INVALID for a target outside its permitted roots
 */
export function sessionMounts(sources: MountSources): OciMount[] {
  const { tmpBytes } = sources.limits
  const small = Math.min(tmpBytes, MAX_SMALL_TMPFS_BYTES)
  const extras = sources.readOnlyMounts.map((bind) => checked(bind, EXTRA_MOUNT_ROOTS))
  const decoys = sources.decoys.map((bind) => checked(bind, DECOY_ROOTS))
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    tmpfs('/dev', ['mode=755', 'size=64k', 'noexec']),
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    tmpfs('/dev/shm', ['nodev', 'noexec', 'mode=1777', `size=${small}`]),
    tmpfs('/run', ['nodev', 'noexec', ...owned('755'), `size=${small}`]),
    tmpfs('/tmp', ['nodev', 'mode=1777', `size=${tmpBytes}`]),
    tmpfs(AGENT_HOME, ['nodev', ...owned('700'), `size=${tmpBytes}`]),
    bind('/usr', '/usr', ['ro']),
    bind(sources.sessionFiles, SESSION_FILES, ['ro', 'noexec']),
    workspaceMount(sources.workspace, tmpBytes),
    ...rootsOf(extras).map((root) => tmpfs(root, ['nodev', 'noexec', 'mode=755', 'size=64k'])),
    ...extras.map(({ source, target }) => bind(source, target, ['ro'])),
    // not read-only: a write must get as far as the tripwire, which denies it on record
    ...decoys.map(({ source, target }) => bind(source, target, ['rw', 'noexec'])),
  ]
}

const DECOY_ROOTS = [AGENT_HOME, '/proc', '/var/lib'] as const

function workspaceMount(source: string | null, tmpBytes: number): OciMount {
  if (source !== null) return bind(source, WORKSPACE, [])
  return tmpfs(WORKSPACE, ['nodev', ...owned('755'), `size=${tmpBytes}`])
}

function tmpfs(destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...options] }
}

function bind(source: string, destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'none', source, options: ['bind', 'nosuid', 'nodev', ...options] }
}

function owned(mode: string): string[] {
  return [`uid=${AGENT_ID}`, `gid=${AGENT_ID}`, `mode=${mode}`]
}

function rootsOf(binds: readonly Bind[]): string[] {
  return EXTRA_MOUNT_ROOTS.filter((root) =>
    binds.some(({ target }) => target.startsWith(`${root}/`)),
  )
}

/** A bind over /etc, /usr or /proc would let an agent file undo what the skeleton sets up. */
function checked(mount: Bind, roots: readonly string[]): Bind {
  const { source, target } = mount
  const normal = isNormal(source) && isNormal(target)
  if (normal && roots.some((root) => target.startsWith(`${root}/`))) return mount
  throw new SekishoError('CONFIG_INVALID', `cannot mount ${source} on ${target}`, {
    hint: `use absolute paths without . or .., and a target below ${roots.join(', ')}`,
  })
}

function isNormal(path: string): boolean {
  return (
    posix.isAbsolute(path) &&
    posix.normalize(path) === path &&
    !path.endsWith('/') &&
    !path.includes('\0')
  )
}
