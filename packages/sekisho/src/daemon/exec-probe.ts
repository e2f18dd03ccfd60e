import { existsSync, readFileSync } from 'node:fs'
import { toSekishoError } from '../core/error.ts'
import { probeExecs } from '../kernel/fanotify-exec.ts'
import type { Reactor } from '../kernel/reactor.ts'
import { hasStacks } from './exec-attempt.ts'
import { MEMFD_NOEXEC } from './exec-memory.ts'

/**
 * What of the exec monitor this host lacks, for the platform's list; empty where it works whole.
 * Only the first of these keeps execs from being recorded.
 */
export function probeExecMonitor(reactor: Reactor): string[] {
  try {
    probeExecs(reactor)
  } catch (error) {
    return [`exec-monitor: ${toSekishoError(error).message}; no exec is recorded or refused`]
  }
  const lacking: string[] = []
  if (!hasStacks()) {
    lacking.push('exec-monitor: no kernel stacks; each interpreter is recorded as a program')
  }
  if (!isReadable('/proc/self/syscall')) {
    lacking.push('exec-monitor: no system call arguments; execs are recorded without theirs')
  }
  if (!existsSync(MEMFD_NOEXEC)) {
    lacking.push('exec-monitor: vm.memfd_noexec is absent; programs in memory are not seen')
  }
  return lacking
}

function isReadable(path: string): boolean {
  try {
    return readFileSync(path, 'latin1') !== ''
  } catch {
    return false
  }
}
