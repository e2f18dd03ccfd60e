import { closeSync, constants, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { SekishoError } from '../core/error.ts'
import { mountDetached } from './detached-mount.ts'
import { ERRNO } from './errno.ts'
import { bindFunction, check, libc } from './libc.ts'

export type LoopDevice = {
  /** of the device; once it is closed and nothing is mounted from it, the device is free again */
  fd: number
  /** such as `loop7` */
  name: string
}

/** linux/loop.h */
const LOOP_CTL_GET_FREE = 0x4c82
const LOOP_CONFIGURE = 0x4c0a
const LO_FLAGS = { readOnly: 1, autoclear: 4, directIo: 16 } as const
/** struct loop_config: fd, block_size, struct loop_info64, eight reserved words */
const CONFIG_BYTES = 304
const AT = { fd: 0, blockSize: 4, flags: 60, fileName: 64 } as const
const BLOCK_BYTES = 4096
/** Another process can take each free device that we are told of; so many in a row is a fault. */
const MAX_TRIES = 256

const S_IFCHR = 0o020000
const S_IFBLK = 0o060000
const MISC_MAJOR = 10
const LOOP_CONTROL_MINOR = 237

const HINT = 'Load the `loop` module, and run the daemon where it may use loop devices.'
const mknod = bindFunction<[path: string, mode: number, device: number]>(
  'int mknod(const char *, uint, ulong)',
  HINT,
)

/**
 * Makes a block device of an image. It needs no node in /dev: what it opens lies in a file system
 * that nobody else has.
 *
 * The device keeps the file's open description, with whatever lock that holds, and lets go of it by
 * itself with its last user (LO_FLAGS_AUTOCLEAR): nothing stays behind, however we end.
 *
 * @param imageFd a regular file of whole blocks of 4096 bytes; stays the caller's
 * @throws SekishoError when this host has no loop devices, or none is left
 */
export function attachLoop(imageFd: number, { readOnly }: { readOnly: boolean }): LoopDevice {
  const nodes = mountDetached({
    type: 'tmpfs',
    options: { size: '64k', mode: '0700' },
    hasDevices: true,
    noExec: true,
  })
  const directory = `/proc/self/fd/${nodes}`
  try {
    const control = openNode(`${directory}/control`, S_IFCHR, [MISC_MAJOR, LOOP_CONTROL_MINOR])
    try {
      return takeFree(control, directory, configOf(imageFd, readOnly))
    } finally {
      closeSync(control)
    }
  } finally {
    libc.close(nodes)
  }
}

/** The kernel names a device that was free a moment ago. */
function takeFree(control: number, directory: string, config: Buffer): LoopDevice {
  for (let i = 0; i < MAX_TRIES; i++) {
    const index = check('ioctl', libc.ioctl.attempt(control, LOOP_CTL_GET_FREE, null), HINT)
    const name = `loop${index}`
    const fd = openNode(`${directory}/${i}`, S_IFBLK, deviceOf(name))
    const answer = libc.ioctl.attempt(fd, LOOP_CONFIGURE, config)
    if (answer === 0) return { fd, name }
    closeSync(fd)
    if (answer !== -ERRNO.EBUSY) check('ioctl', answer, HINT)
  }
  throw new SekishoError('SANDBOX_FAILED', 'every free loop device was taken by somebody else', {
    hint: 'See with `losetup -a` who takes loop devices.',
  })
}

/** Direct I/O, where the image's file system has it: its pages are cached once and not twice. */
function configOf(imageFd: number, readOnly: boolean): Buffer {
  const config = Buffer.alloc(CONFIG_BYTES)
  const { autoclear, directIo } = LO_FLAGS
  config.writeUInt32LE(imageFd, AT.fd)
  config.writeUInt32LE(BLOCK_BYTES, AT.blockSize)
  config.writeUInt32LE(autoclear | directIo | (readOnly ? LO_FLAGS.readOnly : 0), AT.flags)
  config.write('sekisho', AT.fileName)
  return config
}

/** The least that a queue may hold, and what a loop device comes with. */
const QUEUE = { short: 4, usual: 128 } as const
const SHORT_WRITE_KIB = 64

/**
 * Has a device pass on a little at a time: else what one writer has queued stands before every
 * flush of the disk below, the log's too. Its throughput stays; measured beside 400 MiB written in
 * a loop, the p95 of a durable append went from 9.3 ms to 0.3 ms (docs/benchmarks.md, `neighbours`).
 *
 * On another thread: the kernel waits for the queue to stand still, 20 ms for each setting. A host
 * that does not let us (a read-only /sys) is as fast, and less fair.
 */
export async function shortenQueue(name: string): Promise<void> {
  await setQueue(name, 'nr_requests', QUEUE.short)
  await setQueue(name, 'max_sectors_kb', SHORT_WRITE_KIB)
}

/** The number of requests outlives the device's use, and the next user may be another's. */
export async function restoreQueue(name: string): Promise<void> {
  await setQueue(name, 'nr_requests', QUEUE.usual)
}

async function setQueue(name: string, setting: string, value: number): Promise<void> {
  await writeFile(`/sys/block/${name}/queue/${setting}`, String(value)).catch(() => undefined)
}

/** The minor depends on how many partitions the module was told to allow. */
function deviceOf(name: string): readonly [major: number, minor: number] {
  const [major, minor] = readFileSync(`/sys/block/${name}/dev`, 'utf8').split(':').map(Number)
  if (major !== undefined && minor !== undefined) return [major, minor]
  throw new SekishoError('HOST_UNSUPPORTED', `/sys/block/${name}/dev is no device number`)
}

function openNode(
  path: string,
  type: number,
  [major, minor]: readonly [major: number, minor: number],
): number {
  // glibc's makedev: 12 bits of the major and 8 of the minor lie low, the rest above
  const device = (BigInt(minor) & 0xffn) | (BigInt(major) << 8n) | ((BigInt(minor) & ~0xffn) << 12n)
  mknod(path, type | 0o600, Number(device))
  return openSync(path, constants.O_RDWR)
}
