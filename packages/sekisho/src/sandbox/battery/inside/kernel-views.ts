import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statfsSync,
} from 'node:fs'
import { call } from './native.ts'
import { fact, type Probe, type Probes, told } from './probe.ts'

/** What /proc tells about the host; each is an empty file or an empty directory inside. */
const MASKED = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'key-users',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'sys/kernel/random/boot_id',
  'timer_list',
  'timer_stats',
] as const

const READ_ONLY = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'] as const

const NULL_DEVICE = 0x103
const EROFS = -30
const EPERM = -1
const TMPFS_MAGIC = 0x01021994

const masked = (path: string): Probe =>
  fact(({ hostKernel }) => {
    if (!existsSync(path)) return undefined
    const status = lstatSync(path)
    if (status.isDirectory()) return maskedDirectory(path)
    const held = hostKernel ? status.rdev === NULL_DEVICE : readFileSync(path).length === 0
    return held ? undefined : 'the file is there'
  })

function maskedDirectory(path: string): string | undefined {
  const names = readdirSync(path)
  return names.length === 0 && statfsSync(path).type === TMPFS_MAGIC
    ? undefined
    : `${names.length} entries`
}

/** A change of mode is looked at for the mount first, and then for the owner, who is not here. */
const readOnly = (path: string): Probe =>
  fact(({ hostKernel }) => {
    if (!existsSync(path)) return undefined
    const value = call(90, path, lstatSync(path).mode & 0o777)
    return value === EROFS || (!hostKernel && value === EPERM) ? undefined : told(value)
  })

export const kernelViews: Probes = {
  ...Object.fromEntries(
    MASKED.map((name) => [`masked-${name.replaceAll('/', '-')}`, masked(`/proc/${name}`)]),
  ),
  ...Object.fromEntries(READ_ONLY.map((name) => [`read-only-${name}`, readOnly(`/proc/${name}`)])),
  ...Object.fromEntries(
    ['kmsg', 'kpagecount', 'kpageflags', 'slabinfo', 'vmallocinfo', 'pagetypeinfo'].map((name) => [
      `unread-${name}`,
      unread(`/proc/${name}`),
    ]),
  ),
  'kernel-addresses': fact(() => {
    if (!existsSync('/proc/kallsyms')) return undefined
    const start = Buffer.alloc(64 * 1024)
    const fd = openSync('/proc/kallsyms', 'r')
    const length = readSync(fd, start)
    closeSync(fd)
    const shown = /^(?!0+ )[0-9a-f]+ /m.exec(start.toString('latin1', 0, length))
    return shown === null ? undefined : shown[0]
  }),
}

function unread(path: string): Probe {
  return fact(() => {
    if (!existsSync(path)) return undefined
    try {
      return readFileSync(path).length === 0 ? undefined : 'read'
    } catch {
      return undefined // refused, as it should be
    }
  })
}
