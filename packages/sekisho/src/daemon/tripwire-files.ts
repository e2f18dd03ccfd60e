import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { IS_ROOTLESS, UIDS } from './identities.ts'

const LOG = '/var/lib/sekisho/keyholder/log/000000000001.log'

/**
 * Files that an intruder looks for and nobody else opens. They hold nothing; each open is denied
 * and recorded. Paths as seen inside.
 */
const IN_SKELETON = [
  '/etc/shadow',
  '/etc/gshadow',
  '/root/.ssh/id_ed25519',
  '/root/.ssh/id_rsa',
  '/root/.aws/credentials',
  '/root/.kube/config',
  '/root/.docker/config.json',
  '/var/lib/sekisho/keyholder/master.key',
  LOG,
] as const

/**
 * What an intruder would write: kernel interfaces that an escape goes through, and the log. Each
 * is a mount of its own, not read-only: the kernel refuses to open a read-only file for writing
 * before it asks the tripwire, and nothing would be recorded.
 */
export const MOUNTED: readonly string[] = [
  LOG,
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/poweroff_cmd',
  '/proc/sys/kernel/modprobe',
  '/proc/kallsyms',
  '/proc/sysrq-trigger',
  '/proc/kcore',
].filter((path) => path === LOG || existsSync(path)) // a kernel that lacks one cannot be attacked through it

/** @returns host path of each tripwire, with the path it has inside */
export function writeTripwires(skeleton: string, elsewhere: string): Map<string, string> {
  const files = tripwiresBelow(skeleton)
  plantTripwires(skeleton)
  for (const inside of MOUNTED) {
    const path = decoyOf(elsewhere, inside)
    writeTripwire(path)
    files.set(path, inside)
  }
  return files
}

/** Those of a skeleton, where a root file system shows them. */
export function plantTripwires(skeleton: string): void {
  for (const path of tripwiresBelow(skeleton).keys()) writeTripwire(path)
}

/** @returns host path of each tripwire of one root file system, with the path it has inside */
export function tripwiresBelow(root: string): Map<string, string> {
  return new Map(IN_SKELETON.map((inside) => [join(root, inside), inside]))
}

function writeTripwire(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  writeFileSync(path, '', { flag: 'wx' })
  if (!IS_ROOTLESS) {
    // readable and writable by all: the denial is to come from the tripwire, on record
    chmodSync(path, 0o666)
    return
  }
  // there the kernel asks nobody: the mode denies, and the owner is nobody that a session has
  chmodSync(path, 0)
  chownSync(path, UIDS.importer, UIDS.importer)
}

export function decoyOf(directory: string, inside: string): string {
  return join(directory, inside.replaceAll('/', '_'))
}
