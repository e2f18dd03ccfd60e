import { bindFunction } from './libc.ts'

const RLIMIT_NPROC = 6

const prlimit = bindFunction<[pid: number, what: number, next: Uint8Array, old: null]>(
  'int prlimit(int, int, void *, void *)',
)

/**
 * Soft and hard RLIMIT_NPROC of a process and of all that it will start: how many processes and
 * threads its uid may have in its user namespace.
 *
 * @throws SekishoError with errno ESRCH when it has ended
 */
export function limitProcesses(pid: number, count: number): void {
  const limit = Buffer.alloc(16)
  limit.writeBigUInt64LE(BigInt(count), 0)
  limit.writeBigUInt64LE(BigInt(count), 8)
  prlimit(pid, RLIMIT_NPROC, limit, null)
}
