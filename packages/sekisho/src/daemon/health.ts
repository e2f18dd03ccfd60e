import { existsSync, readFileSync } from 'node:fs'
import { release } from 'node:os'
import { SekishoError } from '../core/error.ts'
import { probeNetwork } from '../kernel/network-probe.ts'
import type { NetworkThread } from '../kernel/network-thread.ts'
import { ROOTLESS } from './rootless.ts'

/**
 * What this host cannot do. What the isolation stands on is an error before anything starts; what
 * only weakens it is reported, and written into every session's start leaf.
 *
 * @param thread of a supervisor that is not the host's root
 * @throws SekishoError HOST_UNSUPPORTED naming every missing feature
 */
export async function probeHost(thread?: NetworkThread): Promise<string[]> {
  const network = thread === undefined ? probeNetwork() : await thread.probe()
  const missing = [...network, ...probeFiles()]
  if (missing.length > 0) {
    throw new SekishoError('HOST_UNSUPPORTED', `Linux ${release()} lacks: ${missing.join('; ')}`, {
      hint: 'use a kernel with these features (Debian 12 has them) and run as root',
    })
  }
  return [...(thread === undefined ? [] : ROOTLESS), ...degraded()]
}

const NEEDED: Readonly<Record<string, string>> = {
  '/proc/self/ns/user': 'user namespaces (CONFIG_USER_NS)',
  '/proc/self/ns/pid': 'pid namespaces (CONFIG_PID_NS)',
  '/proc/self/ns/cgroup': 'cgroup namespaces (CONFIG_CGROUPS)',
  '/proc/sys/kernel/seccomp/actions_avail': 'seccomp (CONFIG_SECCOMP_FILTER)',
  '/proc/sys/fs/fanotify': 'fanotify (CONFIG_FANOTIFY)',
}

function probeFiles(): string[] {
  const lacking = Object.entries(NEEDED).flatMap(([path, name]) => (existsSync(path) ? [] : [name]))
  const actions = readOptional('/proc/sys/kernel/seccomp/actions_avail')
  if (actions !== '' && !actions.includes('user_notif')) lacking.push('seccomp user notification')
  if (!/\boverlay\b/.test(readOptional('/proc/filesystems'))) lacking.push('overlay file system')
  return lacking
}

function degraded(): string[] {
  const notes: string[] = []
  if (readOptional('/proc/sys/kernel/yama/ptrace_scope').trim() === '0') {
    notes.push('yama: ptrace_scope is 0; processes of one uid can trace each other')
  }
  if (readOptional('/proc/sys/dev/tty/legacy_tiocsti').trim() === '1') {
    notes.push('tiocsti: dev.tty.legacy_tiocsti is 1; inside it is refused by seccomp alone')
  }
  return notes
}

function readOptional(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
