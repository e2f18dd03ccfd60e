import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { SekishoError } from '../core/error.ts'
import { ROOTLESS_VARIABLE } from '../daemon/paths.ts'

/**
 * Goes on, for an ordinary user, in a user namespace that has this user's subordinate ids. There the
 * same code runs as root does on the host. Does nothing for root, and in such a namespace: the
 * launcher enters that of a daemon which runs already.
 *
 * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED, PERMISSION_REQUIRED with what is missing
 */
export function enterOwnNamespace(environment: NodeJS.ProcessEnv): void {
  if (process.getuid?.() === 0 || environment[ROOTLESS_VARIABLE] !== undefined) return
  refuseUnlessPossible()
  const mounts = ['--mount', '--propagation', 'slave'] // the host's are not this root's to change
  const command = ['unshare', '--user', '--map-auto', '--map-root-user', ...mounts, '--']
  const own = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  if (process.execve === undefined) throw new SekishoError('HOST_UNSUPPORTED', 'execve is missing')
  process.execve('/usr/bin/unshare', [...command, ...own], {
    ...defined(environment),
    [ROOTLESS_VARIABLE]: '1',
  })
}

function refuseUnlessPossible(): void {
  refuseUnlessKernelAllows()
  const username = ownName()
  for (const path of ['/etc/subuid', '/etc/subgid']) {
    if (hasRange(path, [username, String(process.getuid?.())])) continue
    throw new SekishoError('PERMISSION_REQUIRED', `${path} has no range for ${username}`, {
      hint: `have root run \`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}\`, or run this command as root`,
    })
  }
  for (const program of ['newuidmap', 'newgidmap']) {
    if (existsSync(`/usr/bin/${program}`)) continue
    throw new SekishoError('DEPENDENCY_MISSING', `/usr/bin/${program} is not there`, {
      hint: 'install the Debian package uidmap, or run this command as root',
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

function ownName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? ''}` // it is in no list of users
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
