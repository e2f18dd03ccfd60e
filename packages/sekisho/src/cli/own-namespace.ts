import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { userInfo } from 'node:os'
import { SekishoError } from '../core/error.ts'
import { pathsFrom, ROOTLESS_VARIABLE } from '../daemon/paths.ts'

/**
 * Goes on, for an ordinary user, in a user namespace that has this user's subordinate ids: the one
 * of the user's running daemon, or a new one. There the same code runs as root does on the host.
 * Does nothing for root, and in such a namespace.
 *
 * A command has to be where its daemon is: descriptors are copied out of it, which only its own
 * namespace's root may do.
 *
 * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED, PERMISSION_REQUIRED with what is missing
 */
export function enterOwnNamespace(environment: NodeJS.ProcessEnv): void {
  if (process.getuid?.() === 0 || environment[ROOTLESS_VARIABLE] !== undefined) return
  const running = findDaemon(pathsFrom(environment).supervisorPid)
  if (running === undefined) refuseUnlessPossible()
  const command =
    running === undefined
      ? ['/usr/bin/unshare', '--user', '--map-auto', '--map-root-user', '--']
      : ['/usr/bin/nsenter', '--user', '--preserve-credentials', '--target', running, '--']
  const [file = '', ...args] = command
  const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  if (process.execve === undefined) throw new SekishoError('HOST_UNSUPPORTED', 'execve is missing')
  process.execve(file, [file, ...args, ...own], {
    ...defined(environment),
    [ROOTLESS_VARIABLE]: '1',
  })
}

/** @returns its pid, when it runs and is in another user namespace than this */
function findDaemon(pidFile: string): string | undefined {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim()
    const isThere =
      /^\d+$/.test(pid) &&
      readlinkSync(`/proc/${pid}/ns/user`) !== readlinkSync('/proc/self/ns/user')
    return isThere ? pid : undefined
  } catch {
    return undefined // there is none, it has ended, or the number is another user's by now
  }
}

function refuseUnlessPossible(): void {
  refuseUnlessKernelAllows()
  for (const program of ['newuidmap', 'newgidmap']) {
    if (existsSync(`/usr/bin/${program}`)) continue
    throw new SekishoError('DEPENDENCY_MISSING', `/usr/bin/${program} is not there`, {
      hint: 'install the Debian package uidmap, or run this command as root',
    })
  }
  const { username, uid } = userInfo()
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    if (hasRange(path, [username, String(uid)])) continue
    throw new SekishoError('PERMISSION_REQUIRED', `${path} has no range for ${username}`, {
      hint: `have root run \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}\``,
    })
  }
}

const KNOBS = [
  ['/proc/sys/kernel/unprivileged_userns_clone', '0', 'kernel.unprivileged_userns_clone=1'],
  ['/proc/sys/user/max_user_namespaces', '0', 'user.max_user_namespaces=10000'],
  [
    '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'kernel.apparmor_restrict_unprivileged_userns=0',
  ],
] as const

function refuseUnlessKernelAllows(): void {
  for (const [path, forbids, wanted] of KNOBS) {
    if (!existsSync(path) || readFileSync(path, 'utf8').trim() !== forbids) continue
    throw new SekishoError(
      'HOST_UNSUPPORTED',
      `${path} is ${forbids}: no user namespaces for users`,
      {
        hint: `have root run \`sysctl ${wanted}\`, or run this command as root`,
      },
    )
  }
}

/** subuid(5): `user:first:count`. A directory service may have ranges too: unshare(1) knows none. */
function hasRange(path: string, names: readonly string[]): boolean {
  if (!existsSync(path)) return false
  const lines = readFileSync(path, 'utf8').split('\n')
  return lines.some((line) => names.includes(line.split(':')[0] ?? ''))
}

function defined(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((e): e is [string, string] => e[1] !== undefined),
  )
}
