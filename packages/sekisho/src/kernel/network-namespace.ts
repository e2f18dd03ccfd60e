import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { libc } from './libc.ts'

const CLONE_NEWNET = 0x40000000
const THREADS_OWN = '/proc/thread-self/ns/net'

/**
 * Runs something in a network namespace and comes back. A child process that is spawned meanwhile
 * stays there, as does a socket that is opened.
 *
 * @param run synchronous: whatever it leaves for later runs outside
 * @throws SekishoError INTERNAL for a `run` that is not synchronous; what `run` itself throws
 */
export function inNamespace<Result>(namespaceFd: number, run: () => Result): Result {
  return andReturn(() => {
    libc.setns(namespaceFd, CLONE_NEWNET)
    return run()
  })
}

/** Makes a network namespace, is in it for as long as `run` lasts, and comes back. */
export function inNewNamespace<Result>(run: (namespaceFd: number) => Result): Result {
  return andReturn(() => {
    libc.unshare(CLONE_NEWNET)
    return run(openThreadsOwn())
  })
}

/**
 * The thread's own namespace is where the daemon's sockets and children belong: one that cannot
 * go back must not go on, for it would serve the operator from inside an agent's network.
 */
function andReturn<Result>(run: () => Result): Result {
  const homeFd = openThreadsOwn()
  try {
    const result = run()
    if (result instanceof Promise) {
      throw new SekishoError('INTERNAL', 'a namespace is entered for synchronous work only')
    }
    return result
  } finally {
    if (libc.setns.attempt(homeFd, CLONE_NEWNET) !== 0) {
      writeSync(2, 'sekisho: cannot return to its own network namespace\n')
      process.abort()
    }
    closeSync(homeFd)
  }
}

function openThreadsOwn(): number {
  try {
    return openSync(THREADS_OWN, 'r')
  } catch (error) {
    throw toSekishoError(error, 'SANDBOX_FAILED')
  }
}

/** A setting of the network namespace, such as `ipv4/ip_forward`. */
export type Sysctl = readonly [path: string, value: string]

/**
 * Writes settings of the namespace that the thread is in: /proc/sys/net shows everyone his own.
 *
 * @throws SekishoError HOST_UNSUPPORTED
 */
export function writeSysctls(sysctls: readonly Sysctl[]): void {
  for (const [path, value] of sysctls) {
    try {
      writeFileSync(`/proc/sys/net/${path}`, value)
    } catch (cause) {
      throw new SekishoError('HOST_UNSUPPORTED', `cannot set net/${path} to ${value}`, {
        hint: 'Use a kernel with IPv4 and IPv6, and a writable /proc/sys/net.',
        cause,
      })
    }
  }
}
