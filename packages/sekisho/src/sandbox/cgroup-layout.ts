import { join } from 'node:path'

/** What limits a session. A host offers each in its unified hierarchy or in one of the old ones. */
export const CONTROLLERS = ['memory', 'pids', 'cpu'] as const
export type Controller = (typeof CONTROLLERS)[number]

export type CgroupMount = {
  type: 'cgroup' | 'cgroup2'
  /** mount data; null for none */
  options: string | null
  /** to be made as a directory first, if it is not there */
  target: string
}

export type CgroupPlan = {
  /** in order; none on a host that has the unified hierarchy alone */
  mounts: readonly CgroupMount[]
  /** the prefix below which `openCgroups` finds its hierarchies once these are mounted */
  under: string
}

const SYSTEM = '/sys/fs/cgroup'

/**
 * What the supervisor mounts in its own mount namespace before it opens the cgroups.
 *
 * On a host with old controllers, crun 1.8 refuses the mixture at /sys/fs/cgroup. So the
 * hierarchies that limits need are mounted again in a private `directory`, and the plain unified
 * one over /sys/fs/cgroup for crun to see.
 *
 * Moving a process into a cgroup waits for an RCU grace period, 10–15 ms at each session start.
 * `fastJoin` mounts with `favordynmods` (Linux 6.0), which takes that to 0.1 ms. It is a setting of
 * the whole kernel that costs every fork and exit a little, and Linux 6.18 cannot take it back
 * before a reboot: so it is the operator's to choose.
 *
 * @param mountinfo text of /proc/self/mountinfo, before anything of this is mounted
 */
export function planCgroupMounts(
  mountinfo: string,
  directory: string,
  { fastJoin = false }: { fastJoin?: boolean } = {},
): CgroupPlan {
  const old = parseMounts(mountinfo).filter(
    (mount) => mount.version === 1 && CONTROLLERS.some((name) => mount.controllers.includes(name)),
  )
  const plain = parseMounts(mountinfo).some((m) => m.version === 2 && m.path === SYSTEM)
  const options = fastJoin ? 'favordynmods' : null
  const unified = { type: 'cgroup2' as const, options, target: join(directory, 'unified') }
  if (old.length === 0 && plain) return { mounts: fastJoin ? [unified] : [], under: SYSTEM }
  const sets = [...new Set(old.map((mount) => mount.controllers.join(',')))]
  return {
    mounts: [
      ...sets.map((set) => ({
        type: 'cgroup' as const,
        options: set,
        target: join(directory, set),
      })),
      unified,
      { ...unified, target: SYSTEM }, // without the option, this mount would take it back
    ],
    under: directory,
  }
}

export type CgroupHierarchy = {
  version: 1 | 2
  /** of an old hierarchy; the unified one lists its own in `cgroup.controllers` */
  controllers: readonly string[]
  /** directory of its topmost visible cgroup */
  top: string
  /** directory of the cgroup that this process is in; below it the host's own limits hold too */
  own: string
}

/**
 * @param mountinfo text of /proc/self/mountinfo
 * @param membership text of /proc/self/cgroup
 * @param under prefix of the mount points to take
 * @see cgroups(7), proc_pid_mountinfo(5)
 */
export function findHierarchies(
  mountinfo: string,
  membership: string,
  under: string,
): CgroupHierarchy[] {
  const seen = new Set<string>()
  return parseMounts(mountinfo)
    .filter(({ path }) => path === under || path.startsWith(`${under}/`))
    .filter((mount) => !seen.has(keyOf(mount)) && seen.add(keyOf(mount)))
    .map((mount) => ({
      version: mount.version,
      controllers: mount.controllers,
      top: mount.path,
      own: ownDirectory(mount, membership),
    }))
}

type ParsedMount = { version: 1 | 2; controllers: readonly string[]; path: string; root: string }

function keyOf({ version, controllers }: ParsedMount): string {
  return `${version} ${controllers.join(',')}`
}

function parseMounts(mountinfo: string): ParsedMount[] {
  return mountinfo.split('\n').flatMap((line) => parseMount(line) ?? [])
}

function parseMount(line: string): ParsedMount | undefined {
  const [left = '', right = ''] = line.split(' - ')
  const [, , , root = '', path = ''] = left.split(' ')
  const [type, , options = ''] = right.split(' ')
  const place = { path: unescapeOctal(path), root: unescapeOctal(root) }
  if (type === 'cgroup2') return { version: 2, controllers: [], ...place }
  const controllers = options.split(',').filter(isController)
  if (type !== 'cgroup' || controllers.length === 0) return undefined // or named, as systemd's
  return { version: 1, controllers, ...place }
}

/** Options of the superblock are controllers, flags and a name; flags never limit anything. */
function isController(option: string): boolean {
  const flags = ['rw', 'ro', 'xattr', 'noprefix', 'clone_children', 'none']
  return option !== '' && !option.includes('=') && !flags.includes(option)
}

function ownDirectory(mount: ParsedMount, membership: string): string {
  const wanted = mount.version === 2 ? '' : mount.controllers.join(',')
  const line = membership.split('\n').find((text) => text.split(':')[1] === wanted)
  const path = line?.split(':').slice(2).join(':') ?? '/'
  // a path above the mount's root (`/..`) is out of sight: the topmost visible cgroup stands in
  if (path === '/' || path.startsWith('/..')) return mount.path
  if (mount.root === '/') return join(mount.path, path)
  return path.startsWith(`${mount.root}/`)
    ? join(mount.path, path.slice(mount.root.length))
    : mount.path
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}
