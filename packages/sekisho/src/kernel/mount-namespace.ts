import { closeSync, openSync, writeSync } from 'node:fs'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { check, libc } from './libc.ts'

const CLONE_FS = 0x200
const CLONE_NEWNS = 0x20000
const THREADS_OWN = '/proc/thread-self/ns/mnt'

/**
 * Runs something in the mount namespace of a process and comes back; paths then mean what they mean
 * there. Only for sandboxes in which nothing of an agent has run yet: what is looked up inside may
 * otherwise be a link of its making.
 *
 * This thread gets a root and a working directory of its own, without which the kernel refuses;
 * asynchronous file calls run on other threads and never see the inside.
 *
 * @param pid any process inside
 * @param run synchronous: whatever it leaves for later runs outside
 * @throws SekishoError INTERNAL for a `run` that is not synchronous; what `run` itself throws
 */
export function inMountNamespace<Result>(pid: number, run: () => Result): Result {
  const insideFd = openNamespace(`/proc/${pid}/ns/mnt`)
  const homeFd = openNamespace(THREADS_OWN)
  try {
    check('setns', enter(insideFd))
    return synchronous(run)
  } finally {
    goHome(homeFd)
    closeSync(homeFd)
    closeSync(insideFd)
  }
}

/** Every time: a thread that was started since then shares this one's root again. */
function enter(namespaceFd: number): number {
  libc.unshare(CLONE_FS)
  return libc.setns.attempt(namespaceFd, CLONE_NEWNS)
}

function synchronous<Result>(run: () => Result): Result {
  const result = run()
  if (!(result instanceof Promise)) return result
  throw new SekishoError('INTERNAL', 'a namespace is entered for synchronous work only')
}

/** A supervisor that stayed inside would read its next configuration from an agent's files. */
function goHome(homeFd: number): void {
  if (enter(homeFd) === 0) return
  writeSync(2, 'sekisho: cannot return to its own mount namespace\n')
  process.abort()
}

function openNamespace(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw toSekishoError(error, 'SANDBOX_FAILED')
  }
}
