import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, openSync, writeFileSync } from 'node:fs'
import { SekishoError, toSekishoError } from '../core/error.ts'
import { within } from './deadline.ts'

/** A range of ids: what is `inside + n` in the namespace is `outside + n` in ours. */
export type IdMap = { inside: number; outside: number; count: number }
export type IdMaps = { uid: readonly IdMap[]; gid: readonly IdMap[] }

const START_TIMEOUT_MS = 5_000
/** user_namespaces(7) */
const MAX_RANGES = 340
const MAX_ID = 0xffff_fffe

/**
 * Makes a user namespace with these maps, kept by the descriptor alone; no process stays in it.
 * For {@link bindIdmapped}, `inside` is an owner on disk and `outside` the owner to show. The
 * caller owns the descriptor; one can serve any number of mounts.
 *
 * Needs a process of its own for a moment: a process with threads, such as Node, cannot enter a
 * new user namespace.
 *
 * @throws SekishoError when the maps are refused or user namespaces are not to be had
 */
export async function openUserNamespace(maps: IdMaps): Promise<number> {
  const uidMap = formatMap(maps.uid)
  const gidMap = formatMap(maps.gid)
  const child = spawn('unshare', ['--user', '--', 'cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
  })
  const ended = endOf(child)
  try {
    const pid = await within(START_TIMEOUT_MS, 'a user namespace', inNamespace(child))
    // Before gid_map, so that nothing inside could ever drop a group that a file denies.
    writeFileSync(`/proc/${pid}/setgroups`, 'deny')
    writeFileSync(`/proc/${pid}/uid_map`, uidMap)
    writeFileSync(`/proc/${pid}/gid_map`, gidMap)
    return openSync(`/proc/${pid}/ns/user`, constants.O_RDONLY)
  } catch (error) {
    throw toSekishoError(error, 'SANDBOX_FAILED')
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}

/** Resolves with its pid once the child runs `cat`, which it does after it has entered. */
async function inNamespace(child: ChildProcess): Promise<number> {
  const { pid, stdin, stdout } = child
  const failed = endOf(child).then(() => {
    throw new SekishoError('HOST_UNSUPPORTED', 'a user namespace cannot be made', {
      hint: 'Install util-linux and raise user.max_user_namespaces.',
    })
  })
  if (pid === undefined || stdin === null || stdout === null) return failed
  stdin.on('error', () => undefined) // EPIPE of a child that has failed; its close event says so
  stdin.write('.')
  await Promise.race([once(stdout, 'data'), failed])
  return pid
}

/** An error is that of a spawn or a kill; `spawn` alone ends it, and the pid is missing then. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    child.on('error', () => resolve())
  })
}

function formatMap(ranges: readonly IdMap[]): string {
  if (ranges.length === 0 || ranges.length > MAX_RANGES || !ranges.every(isRange)) {
    throw new SekishoError('SANDBOX_FAILED', `not a map of ids: ${JSON.stringify(ranges)}`)
  }
  return ranges.map(({ inside, outside, count }) => `${inside} ${outside} ${count}\n`).join('')
}

function isRange({ inside, outside, count }: IdMap): boolean {
  return (
    [inside, outside, count].every(Number.isSafeInteger) &&
    count >= 1 &&
    Math.min(inside, outside) >= 0 &&
    Math.max(inside, outside) + count - 1 <= MAX_ID
  )
}
