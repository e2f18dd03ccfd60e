import { chmodSync, chownSync, mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { mountDetached, reconfigure } from '../kernel/detached-mount.ts'
import { libc } from '../kernel/libc.ts'
import { attachTree, MOUNT_FLAGS, mount } from '../kernel/mounts.ts'
import type { Limits } from '../wire/sandbox.ts'

/** Directories of the scratch, and what each is inside: /tmp, the home, /run, /dev/shm. */
export const SCRATCH_PARTS = ['tmp', 'home', 'run', 'shm'] as const

/** The root and the four above: not the session's doing. */
const OWN_INODES = 1 + SCRATCH_PARTS.length
/** Until the session's own limits are set: nothing but the platform writes here. */
const FIRST_LIMITS = { tmpBytes: 1024 * 1024, tmpInodes: 1024 }

const MODES = { tmp: 0o1777, home: 0o700, run: 0o755, shm: 0o1777 } as const

export type ScratchUsage = { bytes: number; inodes: number; bytesFree: number; inodesFree: number }

/** The session's memory-backed directories: one file system, so that one limit holds for all. */
export type Scratch = {
  path: string
  /**
   * May be called again, also while files are there.
   *
   * @throws SekishoError when more is in use already, and for less than a page of bytes
   */
  limit: (limits: Pick<Limits, 'tmpBytes' | 'tmpInodes'>) => void
  usage: () => ScratchUsage
}

/**
 * Mounts a tmpfs with {@link SCRATCH_PARTS}, for binding into a sandbox. Ids are the host's: of the
 * session's root, which owns what is sticky and for all, and of its agent, which owns the rest.
 * `run` and `shm` cannot be executed from.
 *
 * A file's content counts by whole pages of 4096 bytes, and against the memory limit too; an empty
 * file or a name costs kernel memory, which the limit of inodes bounds.
 *
 * @param path an empty directory; to be unmounted by the caller, with what is mounted below it
 * @throws SekishoError with the errno
 */
export function makeScratch(
  path: string,
  { rootUid, agentUid }: { rootUid: number; agentUid: number },
): Scratch {
  const tree = mountDetached({
    type: 'tmpfs',
    options: { mode: '0755', uid: `${rootUid}`, gid: `${rootUid}`, ...optionsOf(FIRST_LIMITS) },
  })
  try {
    attachTree(tree, path)
  } finally {
    libc.close(tree)
  }
  const owners = { tmp: rootUid, home: agentUid, run: agentUid, shm: rootUid }
  for (const part of SCRATCH_PARTS) {
    const directory = join(path, part)
    mkdirSync(directory)
    chownSync(directory, owners[part], owners[part])
    chmodSync(directory, MODES[part])
  }
  for (const part of ['run', 'shm']) forbidExecution(join(path, part))
  return {
    path,
    limit: (limits) => reconfigure(path, optionsOf(limits)),
    usage: () => {
      const { blocks, bfree, bsize, files, ffree } = statfsSync(path)
      return {
        bytes: (blocks - bfree) * bsize,
        inodes: files - ffree - OWN_INODES,
        bytesFree: bfree * bsize,
        inodesFree: ffree,
      }
    },
  }
}

/** From below: a runtime drops this flag from a bind inside a user namespace. */
function forbidExecution(target: string): void {
  const { bind, remount, noSetuid, noDevices, noExec } = MOUNT_FLAGS
  const flags = bind | remount | noSetuid | noDevices | noExec
  mount({ source: target, target, type: null, flags: bind, options: null })
  mount({ source: null, target, type: null, flags, options: null })
}

function optionsOf({ tmpBytes, tmpInodes }: Pick<Limits, 'tmpBytes' | 'tmpInodes'>): {
  size: string
  nr_inodes: string
} {
  return { size: `${tmpBytes}`, nr_inodes: `${tmpInodes + OWN_INODES}` }
}
