import { closeSync } from 'node:fs'
import { type FileSystemOptions, mountDetached } from '../kernel/detached-mount.ts'
import { attachLoop } from '../kernel/loop.ts'

export const BLOCK_BYTES = 4096

const WRITER_OPTIONS = { nobarrier: true, noinit_itable: true } as const

export type MountedImage = {
  /** the root, held by this descriptor alone; the caller owns it */
  mountFd: number
  /** the loop device, such as `loop7`: /sys/fs/ext4 has a directory of this name */
  device: string
}

/**
 * Mounts an ext4 image nowhere, by a loop device of its own. Both are gone with the descriptor.
 *
 * Writable, it does not wait for the host's disk at fsync, since no image outlives a crash of the
 * host; and the kernel does not write out tables that nobody uses. A reader cannot execute from it.
 *
 * @param imageFd stays the caller's
 * @throws SekishoError with the errno and the kernel's words
 */
export function mountImage(imageFd: number, { readOnly }: { readOnly: boolean }): MountedImage {
  const { fd, name } = attachLoop(imageFd, { readOnly })
  try {
    const options: FileSystemOptions = {
      source: `/proc/self/fd/${fd}`,
      errors: 'remount-ro',
      ...(readOnly ? {} : WRITER_OPTIONS),
    }
    const mountFd = mountDetached({ type: 'ext4', options, readOnly, noExec: readOnly })
    return { mountFd, device: name }
  } finally {
    closeSync(fd)
  }
}
