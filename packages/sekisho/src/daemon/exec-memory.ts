import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { SekishoError } from '../core/error.ts'
import type { Attested } from '../wire/sandbox.ts'

const run = promisify(execFile)

const TIMEOUT_MS = 5_000
/** Since Linux 6.3; of each pid namespace, and only a process inside can set it. */
export const MEMFD_NOEXEC = '/proc/sys/vm/memfd_noexec'
/** memfd_create(2) without MFD_EXEC gives MFD_NOEXEC_SEAL; asking for MFD_EXEC is for seccomp. */
const SEALED_BY_DEFAULT = '1'

/**
 * Takes memory that can be executed (memfd_create) from a sandbox: no mark can be put on its file
 * system, so an exec of it would be seen by nobody. The system call filter refuses MFD_EXEC, which
 * this setting would still let through.
 *
 * Takes about 3 ms, of two programs that are started: call it before a session comes.
 *
 * @param initPid a process of the pid namespace, as our own counts
 * @returns false on a kernel that cannot: the sandbox is `degraded`
 * @throws SekishoError SANDBOX_FAILED
 */
export async function forbidExecutableMemory(initPid: number): Promise<boolean> {
  if (!existsSync(MEMFD_NOEXEC)) return false
  const command = ['sh', '-c', `echo ${SEALED_BY_DEFAULT} > ${MEMFD_NOEXEC}`]
  try {
    await run('nsenter', ['--target', String(initPid), '--pid', '--', ...command], {
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    return true
  } catch (cause) {
    throw new SekishoError('SANDBOX_FAILED', 'executable memory cannot be forbidden', {
      hint: 'run the daemon as root, with nsenter (Debian: util-linux) in its PATH',
      cause,
    })
  }
}

/**
 * Does so, as a control of the sandbox.
 *
 * @param isMonitored whether execs are watched there: what runs under a kernel of its own, or for an
 * ordinary user's platform, is not seen at all, which `exec-monitor` says
 */
export async function sealMemory(initPid: number, isMonitored: boolean): Promise<Attested> {
  const control = 'executable-memory'
  if (!isMonitored) return { control, held: null, detail: 'no exec is monitored here' }
  return (await forbidExecutableMemory(initPid))
    ? { control, held: true, detail: 'programs cannot be run from memory' }
    : { control, held: null, detail: 'vm.memfd_noexec is absent: Linux 6.3 has it' }
}
