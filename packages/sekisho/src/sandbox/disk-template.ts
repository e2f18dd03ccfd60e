import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, statfsSync, writeFileSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { within } from '../kernel/deadline.ts'
import { openUnnamed, readStretches, type Stretch } from '../kernel/image-file.ts'
import { BLOCK_BYTES, mountImage } from './disk-mount.ts'

/** An empty file system of one size, to be copied for every session. */
export type DiskTemplate = {
  imageBytes: number
  /** what an image is not filled with: its metadata is larger or smaller than foreseen */
  reservedBlocks: number
  /** blocks and inodes in use before anything was written */
  freeBlocks: number
  freeInodes: number
  stretches: readonly Stretch[]
}

export type DiskSize = { bytes: number; inodes: number }

const INODE_BYTES = 256
const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES
/** a bitmap of one block speaks for so many blocks, and for as many inodes */
const GROUP_BLOCKS = BLOCK_BYTES * 8
const MAX_GROUP_INODES = GROUP_BLOCKS - INODES_PER_BLOCK
const DESCRIPTORS_PER_BLOCK = BLOCK_BYTES / 64
/** ten that ext4 keeps to itself, lost+found, the root's three directories */
const INODES_TAKEN = 14
/** The kernel keeps up to so many for its own needs when a file system is full. */
const SLACK_BLOCKS = 4096 + 1024
/** Each costs 256 bytes of every image: above it, the limit is rounded down instead. */
const MAX_HELD_INODES = 2048
/** groups whose tables lie side by side: all of them, so that a copy has few stretches */
const METADATA_TOGETHER = 2 ** 17
const MKFS_TIMEOUT_MS = 30_000
const MAX_SAID_BYTES = 4096

const FEATURES = [
  'ext_attr',
  'dir_index',
  'filetype',
  'extent',
  '64bit',
  'flex_bg',
  'sparse_super2',
  'large_file',
  'huge_file',
  'dir_nlink',
  'extra_isize',
  'metadata_csum',
]

/**
 * Makes an empty ext4 that holds `bytes` of contents and directories and `inodes` files, no more:
 * without a journal (it is not to outlive a crash of the host), with nothing reserved for root.
 *
 * The number of inodes is exact up to disks of about 16 GiB; above, at most 16 for each 128 MiB of
 * disk are missing from it.
 *
 * @param directory where the image is for a moment, without a name
 * @throws SekishoError DEPENDENCY_MISSING without mkfs.ext4, CONFIG_INVALID for a disk with far too
 * few inodes for its size, SANDBOX_FAILED
 */
export async function makeDiskTemplate(directory: string, size: DiskSize): Promise<DiskTemplate> {
  const plan = planImage(size)
  const fd = openUnnamed(directory, plan.imageBytes)
  try {
    await runMkfs(fd, plan.inodes)
    const free = furnish(fd, size)
    return { imageBytes: plan.imageBytes, stretches: readStretches(fd), ...free }
  } finally {
    closeSync(fd)
  }
}

/** The directories of an overlay, and the exact number of inodes. */
function furnish(
  fd: number,
  { bytes, inodes }: DiskSize,
): Omit<DiskTemplate, 'imageBytes' | 'stretches'> {
  const { mountFd } = mountImage(fd, { readOnly: false })
  const root = `/proc/self/fd/${mountFd}`
  try {
    for (const name of ['upper', 'work', 'held']) mkdirSync(`${root}/${name}`, { mode: 0o755 })
    const surplus = statfsSync(root).ffree - inodes
    // Inodes come by the block: what is more than was asked for is taken by empty files.
    for (let i = 0; i < surplus; i++) writeFileSync(`${root}/held/${i}`, '')
    const { bfree, ffree } = statfsSync(root)
    const reservedBlocks = bfree - Math.floor(bytes / BLOCK_BYTES)
    if (reservedBlocks < 0) {
      throw new SekishoError('INTERNAL', `an image for ${bytes} bytes has only ${bfree} blocks`)
    }
    return { reservedBlocks, freeBlocks: bfree, freeInodes: ffree }
  } finally {
    closeSync(mountFd)
  }
}

/** A copy of the template in a file of its own. @throws Node's own errors, such as ENOSPC */
export function copyTemplate({ stretches }: DiskTemplate, fd: number): void {
  for (const { offset, bytes } of stretches) {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(fd, bytes, done, bytes.length - done, offset + done)
    }
  }
}

/** How large the image must be for the contents, with the tables that its inodes take. */
function planImage({ bytes, inodes }: DiskSize): { imageBytes: number; inodes: number } {
  const wanted = inodes + INODES_TAKEN
  const contents = Math.ceil(bytes / BLOCK_BYTES) + SLACK_BLOCKS
  let groups = Math.ceil(wanted / MAX_GROUP_INODES)
  for (;;) {
    const count = roundInodes(wanted, groups)
    const tables = count / INODES_PER_BLOCK + 2 * groups + groups / DESCRIPTORS_PER_BLOCK
    // a last group without room for its own tables would be left out
    const blocks = Math.max(
      contents + Math.ceil(tables),
      (groups - 1) * GROUP_BLOCKS + SLACK_BLOCKS,
    )
    const needed = Math.ceil((blocks + SLACK_BLOCKS) / GROUP_BLOCKS)
    if (needed > groups) groups = needed
    else if (count > INODES_TAKEN) return { imageBytes: blocks * BLOCK_BYTES, inodes: count }
    else throw tooFewInodes({ bytes, inodes }, groups * INODES_PER_BLOCK)
  }
}

/** All groups have equally many, and whole blocks of them. */
function roundInodes(wanted: number, groups: number): number {
  const step = groups * INODES_PER_BLOCK
  const up = Math.ceil(wanted / step) * step
  return up - wanted <= MAX_HELD_INODES ? up : up - step
}

function tooFewInodes({ bytes, inodes }: DiskSize, least: number): SekishoError {
  return new SekishoError('CONFIG_INVALID', `a disk of ${bytes} bytes with ${inodes} inodes`, {
    hint: `make the disk smaller, or its inodes at least ${least}`,
  })
}

/** mke2fs of e2fsprogs, with nothing of the host's own configuration (/etc/mke2fs.conf). */
async function runMkfs(fd: number, inodes: number): Promise<void> {
  const argv = [
    '-qF',
    `-b${BLOCK_BYTES}`,
    `-I${INODE_BYTES}`,
    `-N${inodes}`,
    '-m0',
    `-Onone,${FEATURES.join(',')}`,
    `-G${METADATA_TOGETHER}`,
    '-Enum_backup_sb=0,packed_meta_blocks=1,lazy_itable_init=1',
    '/proc/self/fd/3',
  ]
  const child = spawn('mkfs.ext4', argv, {
    stdio: ['ignore', 'pipe', 'pipe', fd],
    env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin', MKE2FS_CONFIG: '/dev/null', LC_ALL: 'C' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-MAX_SAID_BYTES)
    })
  }
  try {
    const [code] = await within(MKFS_TIMEOUT_MS, 'mkfs.ext4', once(child, 'close'))
    if (code === 0) return
  } catch (cause) {
    child.kill('SIGKILL')
    throw isMissing(cause) ? mkfsMissing(cause) : toSekishoError(cause, 'SANDBOX_FAILED')
  }
  throw new SekishoError('SANDBOX_FAILED', `mkfs.ext4 failed: ${said.trim()}`, {
    hint: 'Look whether the disk of the state directory is full.',
  })
}

function mkfsMissing(cause: unknown): SekishoError {
  return new SekishoError('DEPENDENCY_MISSING', 'mkfs.ext4 is not installed', {
    hint: 'Install e2fsprogs.',
    cause,
  })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
