import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { fact, fails, ofHost, type Probe, type Probes, throws } from './probe.ts'

const TMP = '/tmp'
const WORKSPACE = '/workspace'
const S_IFCHR = 0o20000
const S_IFBLK = 0o60000
const device = (major: number, minor: number): number => (major << 8) | minor
const mknod = (path: string, mode: number, dev: number): Probe =>
  fails(133, path, mode | 0o666, dev)

/** What would read a file of the host where there is one by that name. */
const hostFile = (path: string): Probe => throws(() => `${readFileSync(path).length} bytes`)
/** Opened for writing and nothing written: an open alone is what must not be had. */
const writable = (path: string): Probe => throws(() => closeSync(openSync(path, 'r+')))

/** gVisor has a /dev/fuse of its own, which leads nowhere. */
const hostDevice = (path: string): Probe =>
  path === '/dev/fuse' ? ofHost(writable(path)) : writable(path)

export const hostFiles: Probes = {
  shadow: hostFile('/etc/shadow'),
  'proc-1-root-shadow': hostFile('/proc/1/root/etc/shadow'),
  'parent-of-root': hostFile('/../../../../etc/shadow'),
  'self-root-shadow': hostFile('/proc/self/root/../etc/shadow'),
  'root-home': throws(() => readdirSync('/root/.ssh')),
  sudoers: hostFile('/etc/sudoers'),
  'platform-key': hostFile('/var/lib/sekisho/keyholder/master.key'),
  'crun-state': throws(() => readdirSync('/run/crun')),
  'planted-files': none(({ canary }) => canary.files.filter((path) => existsSync(path))),
  'planted-files-through-proc': none(({ canary }) =>
    canary.files
      .flatMap((path) => [`/proc/1/root${path}`, `/proc/self/cwd/../../../..${path}`])
      .filter((path) => existsSync(path)),
  ),
  sys: ofHost(none(() => readdirSync('/sys'))),
  'map-more-ids': throws(() => writeFileSync('/proc/self/uid_map', '0 0 1')),
  'allow-groups': throws(() => writeFileSync('/proc/self/setgroups', 'allow')),
  environments: fact(() => {
    const told = processes().filter((pid) =>
      readFileSync(`/proc/${pid}/environ`).includes('HOST_SECRET'),
    )
    return told.length === 0 ? undefined : `of process ${told.join()}`
  }),
  'runtime-executable': fact(() => {
    const open = processes().filter((pid) => isWritable(`/proc/${pid}/exe`))
    const outside = processes()
      .map(executableOf)
      .filter((path) => path !== '' && (!existsSync(path) || /crun|runc|runsc/.test(path)))
    return open.length + outside.length === 0 ? undefined : [...open, ...outside].join()
  }),
}

/** Places where a write makes the host's kernel run a program, or worse. */
export const hostSettings: Probes = Object.fromEntries(
  [
    '/proc/sys/kernel/core_pattern',
    '/proc/sys/kernel/modprobe',
    '/proc/sys/kernel/poweroff_cmd',
    '/proc/sys/kernel/hotplug',
    '/proc/sys/kernel/ns_last_pid',
    '/proc/sys/kernel/domainname',
    '/proc/sys/vm/drop_caches',
    '/proc/sys/vm/panic_on_oom',
    '/proc/sys/fs/binfmt_misc/register',
    '/proc/sys/net/ipv4/ip_forward',
    '/proc/sysrq-trigger',
    '/proc/irq/default_smp_affinity',
    '/proc/mtrr',
    '/sys/kernel/uevent_helper',
    '/sys/kernel/debug/sched/features',
    '/sys/fs/cgroup/release_agent',
    '/sys/fs/cgroup/memory/release_agent',
    '/sys/fs/cgroup/cgroup.procs',
    '/sys/module/nf_tables/parameters/none',
    '/sys/power/state',
  ].map((path) => [`write${path.replaceAll('/', '-')}`, writable(path)]),
)

export const devices: Probes = {
  ...Object.fromEntries(
    ['mem', 'kmem', 'port', 'kmsg', 'vda', 'sda', 'loop0', 'loop-control', 'kvm', 'fuse']
      .concat([
        'net/tun',
        'vhost-vsock',
        'uinput',
        'tty0',
        'tty1',
        'console',
        'mapper/control',
        'dri',
      ])
      .map((name) => [`device-${name.replaceAll('/', '-')}`, hostDevice(`/dev/${name}`)]),
  ),
  'devices-each-named': fact(({ hostKernel }) => {
    const own = hostKernel ? [] : ['fuse']
    const known = /^(core|fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero)$/
    const more = readdirSync('/dev').filter((name) => !known.test(name) && !own.includes(name))
    return more.length === 0 ? undefined : more.join()
  }),
  'devices-elsewhere': fact(() => {
    const found = [
      WORKSPACE,
      TMP,
      '/run',
      '/dev/shm',
      '/opt',
      '/srv',
      '/mnt',
      '/media',
      '/',
    ].flatMap((directory) => devicesIn(directory))
    return found.length === 0 ? undefined : found.join()
  }),
  'mknod-memory': mknod(`${TMP}/mem`, S_IFCHR, device(1, 1)),
  'mknod-null': mknod(`${TMP}/null`, S_IFCHR, device(1, 3)),
  'mknod-kmsg-in-workspace': mknod(`${WORKSPACE}/kmsg`, S_IFCHR, device(1, 11)),
  'mknod-disk': mknod(`${WORKSPACE}/disk`, S_IFBLK, device(254, 0)),
  'mknod-in-dev': mknod('/dev/disk', S_IFBLK, device(254, 0)),
}

/** Tricks with names: each would read a planted file of the host through the workspace. */
export const nameTricks: Probes = {
  'symlink-to-host': through((planted) => {
    const path = `${WORKSPACE}/absolute`
    rmSync(path, { force: true })
    symlinkSync(planted, path)
    return readFileSync(path)
  }),
  'symlink-upwards': through((planted) => {
    const path = `${WORKSPACE}/upwards`
    rmSync(path, { force: true })
    symlinkSync(`${'../'.repeat(32)}${planted}`, path)
    return readFileSync(path)
  }),
  'symlink-through-proc': through((planted) => {
    const path = `${WORKSPACE}/magic`
    rmSync(path, { force: true })
    symlinkSync(`/proc/1/root/../..${planted}`, path)
    return readFileSync(path)
  }),
  // planted by the host, where another tool of the user's would follow it
  'symlink-of-the-user': through(() => readFileSync(`${WORKSPACE}/planted-link`)),
  'hard-link-to-etc': throws(() => linkSync('/etc/passwd', `${WORKSPACE}/passwd`)),
  'hard-link-to-usr': throws(() => linkSync('/usr/bin/true', `${WORKSPACE}/true`)),
  'hard-link-across': throws(() => {
    writeFileSync(`${TMP}/across`, '')
    linkSync(`${TMP}/across`, `${WORKSPACE}/across`)
  }),
  'move-open-directory': through((planted) => {
    mkdirSync(`${WORKSPACE}/a/b`, { recursive: true })
    const fd = openSync(`${WORKSPACE}/a/b`, 'r')
    renameSync(`${WORKSPACE}/a/b`, `${WORKSPACE}/moved-${process.pid}`)
    rmSync(`${WORKSPACE}/a`, { recursive: true })
    return readFileSync(`/proc/self/fd/${fd}/${'../'.repeat(32)}${planted}`)
  }),
  'rename-race': through((planted) => {
    const [name, link] = [`${WORKSPACE}/race`, `${WORKSPACE}/race-link`]
    rmSync(name, { force: true })
    symlinkSync('.', name)
    for (let round = 0; round < 50; round++) {
      symlinkSync(round % 2 === 0 ? '/'.repeat(round + 1) : '..', link)
      renameSync(link, name)
      if (existsSync(`${name}${planted}`)) return readFileSync(`${name}${planted}`)
    }
    throw Object.assign(new Error('never there'), { code: 'ENOENT' })
  }),
  'write-root': throws(() => writeFileSync('/escaped', '')),
  'write-etc': throws(() => writeFileSync('/etc/escaped', '')),
  'write-usr': throws(() => writeFileSync('/usr/escaped', '')),
  'write-dev': throws(() => writeFileSync('/dev/escaped', '')),
  'write-opt': throws(() => writeFileSync('/opt/escaped', '')),
  'write-passwd': writable('/etc/passwd'),
  'write-session-files': throws(() => writeFileSync('/.sekisho/session/machine-id', '')),
  'write-init': writable('/.sekisho/init'),
}

/** @param read what must throw for every planted file */
function through(read: (planted: string) => Buffer): Probe {
  return (given) => {
    for (const planted of given.canary.files) {
      const finding = throws(() => read(planted))(given)
      if (finding instanceof Promise || finding.held !== true) return finding
    }
    return { held: given.canary.files.length > 0, detail: 'not followed' }
  }
}

function none(find: Parameters<typeof throws>[0]): Probe {
  return fact((given) => {
    const found = find(given)
    return Array.isArray(found) && found.length === 0 ? undefined : String(found)
  })
}

export function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

/** Empty where it may not even be looked at. */
function executableOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return ''
  }
}

function isWritable(path: string): boolean {
  try {
    closeSync(openSync(path, 'r+'))
    return true
  } catch {
    return false // which is what is hoped for
  }
}

function devicesIn(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && !entry.isSymbolicLink())
    .map((entry) => `${directory}/${entry.name}`)
    .filter((path) => {
      const status = lstatSync(path)
      return status.isCharacterDevice() || status.isBlockDevice()
    })
}
