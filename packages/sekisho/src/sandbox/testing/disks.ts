import { once } from 'node:events'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { mountDetached } from '../../kernel/detached-mount.ts'
import { libc } from '../../kernel/libc.ts'
import { attachTree, mountOverlay, unmount } from '../../kernel/mounts.ts'
import type { DiskSize } from '../disk-template.ts'
import { type Disk, type Disks, openDisks } from '../disks.ts'

export const AGENT = 700_123
/** Small enough to be filled in no time. */
export const SMALL: DiskSize = { bytes: 4 * 2 ** 20, inodes: 200 }

export type DiskBench = {
  /** holds sessions' directories, mounts and whatever else a test puts there */
  root: string
  sessions: string
  open: (options?: { marginBytes?: number; usual?: DiskSize }) => Promise<Disks>
  /** a disk of a session of this name; it is closed with the bench */
  disk: (disks: Disks, name: string, size?: DiskSize) => Promise<Disk>
  /** as a session has it: an overlay over an empty directory */
  overlay: (disk: Disk, name: string) => string
  /** what the platform told its operator */
  warnings: string[]
  close: () => Promise<void>
}

/** @param hostBytes the sessions' directories get a host disk of their own, of this size */
export function diskBench({ hostBytes }: { hostBytes?: number } = {}): DiskBench {
  const root = mkdtempSync(join(tmpdir(), 'sekisho-disks-'))
  chmodSync(root, 0o755)
  const sessions = join(root, 'sessions')
  mkdirSync(sessions)
  const mounted: string[] = []
  const disks: Disk[] = []
  const warnings: string[] = []
  if (hostBytes !== undefined) {
    const tree = mountDetached({ type: 'tmpfs', options: { size: `${hostBytes}`, mode: '0755' } })
    attachTree(tree, sessions)
    libc.close(tree)
    mounted.push(sessions)
  }
  return {
    root,
    sessions,
    warnings,
    open: ({ marginBytes = 0, usual = SMALL } = {}) =>
      openDisks({
        directory: sessions,
        mounts: join(root, 'mounts'),
        usual,
        marginBytes,
        warn: (line) => void warnings.push(line),
      }),
    disk: async (from, name, size = SMALL) => {
      const ready = await from.prepare({ size, agentUid: AGENT })
      mkdirSync(join(sessions, name))
      const disk = ready.place(join(sessions, name))
      disks.push(disk)
      return disk
    },
    overlay: ({ upper, work }, name) => {
      const [lower, target] = [join(root, `${name}-lower`), join(root, `${name}-merged`)]
      for (const path of [lower, target]) mkdirSync(path)
      mountOverlay({ lower: [lower], upper, work, target, options: ['index=off', 'xino=off'] })
      mounted.push(target)
      return target
    },
    close: async () => {
      for (const target of mounted.filter((path) => path !== sessions)) unmount(target)
      for (const disk of disks) await disk.close()
      if (mounted.includes(sessions)) unmount(sessions)
      rmSync(root, { recursive: true })
    },
  }
}

/** In the shell of an agent: no capability, an id of the session's block. */
function agentCommand(script: string): readonly string[] {
  return [`--reuid=${AGENT}`, `--regid=${AGENT}`, '--clear-groups', 'sh', '-c', script]
}

const ENVIRONMENT = { PATH: '/usr/bin:/bin', LC_ALL: 'C' }

export function asAgent(cwd: string, script: string): { status: number | null; said: string } {
  const { status, stdout } = spawnSync('setpriv', agentCommand(`exec 2>&1; ${script}`), {
    cwd,
    encoding: 'utf8',
    env: ENVIRONMENT,
  })
  return { status, said: stdout }
}

/** Runs until it ends by itself or the test does. */
export async function untilItEnds(cwd: string, script: string): Promise<void> {
  const child = spawn('setpriv', agentCommand(`exec 2>&1; ${script}`), {
    cwd,
    stdio: 'ignore',
    env: ENVIRONMENT,
    detached: true,
  })
  const ended = once(child, 'exit')
  onTestFinished(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  await ended
}

/** Loop devices that are made of a file below this directory, or of one without a name there. */
export function loopsBelow(directory: string): string[] {
  const listed = execFileSync('losetup', ['--noheadings', '--output', 'BACK-FILE'], {
    encoding: 'utf8',
  })
  return listed.split('\n').filter((line) => line.includes(directory))
}
