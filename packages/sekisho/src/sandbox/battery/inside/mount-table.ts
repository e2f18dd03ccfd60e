import { readFileSync, statfsSync } from 'node:fs'
import { call } from './native.ts'
import { fact, type Probe, type Probes, told, untried } from './probe.ts'

/** statfs(2), f_flags */
const FLAG = { ro: 1, nosuid: 2, nodev: 4, noexec: 8 } as const
type FlagName = keyof typeof FLAG

/** The battery's own, as what an agent file asks for: read-only. */
const TOOLS = ['inside', 'bin', 'lib/node_modules/koffi', 'lib/node_modules/@koromix'].map(
  (name) => `/opt/battery/${name}`,
)

/** What each place inside must be mounted with, whatever the profile says. */
const FLAGS: Readonly<Record<string, readonly FlagName[]>> = {
  '/': ['ro'],
  '/proc': ['nosuid', 'nodev', 'noexec'],
  '/dev': ['nosuid', 'noexec'],
  '/dev/pts': ['nosuid', 'noexec'],
  '/dev/shm': ['nosuid', 'nodev', 'noexec'],
  '/run': ['nosuid', 'nodev', 'noexec'],
  '/tmp': ['nosuid', 'nodev'],
  '/home/agent': ['nosuid', 'nodev'],
  '/usr': ['ro', 'nosuid', 'nodev'],
  '/.sekisho/session': ['ro', 'nosuid', 'nodev', 'noexec'],
  '/workspace': ['nosuid', 'nodev'],
  '/opt': ['nosuid', 'nodev', 'noexec'],
  ...Object.fromEntries(TOOLS.map((path) => [path, ['ro', 'nosuid', 'nodev'] as const])),
}

/** Tripwires of the platform, which lead to its own empty files. */
const TRIPWIRE =
  /^\/(proc\/(kallsyms|sys\/kernel\/(core_pattern|poweroff_cmd))|var\/lib\/sekisho\/.+)$/

/** Mount points that a session may have beside those and their masks. */
const EXPECTED =
  /^\/(proc\/(acpi|asound|bus|fs|interrupts|irq|kcore|key-users|keys|latency_stats|sched_debug|scsi|sys|sysrq-trigger|timer_list|timer_stats|sys\/kernel\/random\/boot_id)|dev\/(null|zero|full|random|urandom|tty|console|ptmx)|opt\/battery\/.+|workspace\/.+|home\/agent\/.+)$/

export const mountTable: Probes = {
  ...Object.fromEntries(
    Object.entries(FLAGS).flatMap(([path, flags]) =>
      flags.map((flag) => [`mounted-${flag}-${nameOf(path)}`, mountedWith(path, flag)]),
    ),
  ),
  'mounts-each-known': fact(({ hostKernel }) => {
    const own = hostKernel ? [] : ['/sys']
    const more = mountPoints().filter(
      (path) =>
        FLAGS[path] === undefined &&
        ![EXPECTED, TRIPWIRE].some((known) => known.test(path)) &&
        !own.includes(path),
    )
    return more.length === 0 ? undefined : more.join()
  }),
  'mounts-private': fact(() => {
    const shared = mountInfo().filter((line) => /\b(shared|master|propagate_from):/.test(line))
    return shared.length === 0 ? undefined : String(shared.length)
  }),
  'root-is-no-host-root': fact(() => {
    const [root = ''] = mountInfo().filter((line) => line.split(' ')[4] === '/')
    return root.split(' ')[3] === '/' && /ext4|xfs|btrfs/.test(root) ? root : undefined
  }),
}

function nameOf(path: string): string {
  return path === '/' ? 'root' : path.slice(1).replaceAll('/', '-').replaceAll('.', '')
}

function mountedWith(path: string, flag: FlagName): Probe {
  return (given) => (given.hostKernel ? onHost : inSentry)(path, flag)(given)
}

/** gVisor says in mountinfo whether a mount is read-only or not for executables, and no more. */
function inSentry(path: string, flag: FlagName): Probe {
  if (flag === 'nosuid' || flag === 'nodev') return untried('this kernel does not show it')
  // the root is read-only below gVisor, on the host: name.write-root and its neighbours try it
  if (path === '/' && flag === 'ro') return untried('of the host’s mount')
  return fact(() => {
    const line = mountInfo().findLast((mount) => mount.split(' ')[4] === path) ?? ''
    return line.split(' ')[5]?.split(',').includes(flag) === true ? undefined : line
  })
}

function onHost(path: string, flag: FlagName): Probe {
  return fact(() => {
    const buffer = Buffer.alloc(120)
    const value = call(137, path, buffer)
    if (value < 0) return told(value)
    return (buffer.readInt32LE(80) & FLAG[flag]) === 0 ? `not ${flag}` : undefined
  })
}

function mountInfo(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n')
}

function mountPoints(): string[] {
  return mountInfo().map((line) => line.split(' ')[4] ?? '')
}

/** directories that are not the session's doing */
const OWN_INODES = 8

/** Places that a session can fill, and what bounds each. */
export const sizes: Probes = {
  ...Object.fromEntries(
    ['/tmp', '/home/agent', '/run', '/dev/shm'].flatMap((path) => [
      [
        `bytes-of-${nameOf(path)}`,
        fact(({ limits }) => {
          const { bsize, blocks } = statfsSync(path)
          return bsize * blocks <= limits.tmpBytes ? undefined : `${bsize * blocks} bytes`
        }),
      ],
      [
        `inodes-of-${nameOf(path)}`,
        fact(({ limits }) => {
          const { files } = statfsSync(path)
          return files > 0 && files <= limits.tmpInodes + OWN_INODES ? undefined : `${files} inodes`
        }),
      ],
    ]),
  ),
  'bytes-of-dev': fact(({ hostKernel }) => {
    const { bsize, blocks } = statfsSync('/dev')
    if (!hostKernel) return undefined // nobody can write there: name.write-dev
    return bsize * blocks <= 64 * 1024 ? undefined : `${bsize * blocks} bytes`
  }),
  'bytes-of-opt': fact(() => {
    const { bsize, blocks } = statfsSync('/opt')
    return bsize * blocks <= 64 * 1024 ? undefined : `${bsize * blocks} bytes`
  }),
}
