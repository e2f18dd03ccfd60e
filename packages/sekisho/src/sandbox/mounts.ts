import { posix } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { EXTRA_MOUNT_ROOTS } from '../core/mount-roots.ts'
import { AGENT_HOME, SESSION_FILES, WORKSPACE } from './layout.ts'
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
  /** a file system of this session's own that shows the host's /usr; null where the root has it */
  usr: string | null
  /** directory of `makeScratch`: tmp, home, run and shm on one tmpfs, which holds their limits */
  scratch: string
  /** an overlay over the user's directory, made by the supervisor; null: it is placed later */
  workspace: string | null
  /** what the agent file names, read-only, below one of {@link EXTRA_MOUNT_ROOTS} */
  readOnlyMounts: readonly Bind[]
  /** tripwires of the platform: files that nothing should open, below {@link DECOY_ROOTS} */
  decoys: readonly Bind[]
}

/**
 * Mounts in order. Each costs 50–100 µs, so there is one bind for all files of a session, no /sys
 * at all, and /var/tmp is a symbolic link in the skeleton.
 *
 * @throws SekishoError CONFIG_INVALID for a target outside its permitted roots
 */
export function sessionMounts(sources: MountSources): OciMount[] {
  const { usr, scratch, workspace } = sources
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
    // nosuid, nodev and noexec hold from below: crun drops them from a writable bind in a user
    // namespace
    bind(`${scratch}/shm`, '/dev/shm', ['noexec']),
    bind(`${scratch}/run`, '/run', ['noexec']),
    bind(`${scratch}/tmp`, '/tmp', []),
    bind(`${scratch}/home`, AGENT_HOME, []),
    ...(usr === null ? [] : [bind(usr, '/usr', ['ro'])]),
    bind(sources.sessionFiles, SESSION_FILES, ['ro', 'noexec']),
    ...(workspace === null ? [] : [bind(workspace, WORKSPACE, ['rbind'])]),
    ...rootsOf(extras).map((root) => tmpfs(root, ['nodev', 'noexec', 'mode=755', 'size=64k'])),
    ...extras.map(({ source, target }) => bind(source, target, ['ro'])),
    // not read-only: a write must get as far as the tripwire, which denies it on record
    ...decoys.map(({ source, target }) => bind(source, target, ['rw', 'noexec'])),
  ]
}

const DECOY_ROOTS = [AGENT_HOME, '/proc', '/var/lib'] as const

function tmpfs(destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', ...options] }
}

function bind(source: string, destination: string, options: readonly string[]): OciMount {
  const kind = options.includes('rbind') ? [] : ['bind']
  return { destination, type: 'none', source, options: [...kind, 'nosuid', 'nodev', ...options] }
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
