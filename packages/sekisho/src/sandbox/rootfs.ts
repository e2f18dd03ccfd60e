import { chmod, copyFile, lstat, mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { EXTRA_MOUNT_ROOTS } from '../core/mount-roots.ts'
import { copyHostEtc, type EtcCopy } from './host-etc.ts'
import {
  AGENT_HOME,
  AGENT_ID,
  HOSTNAME,
  INIT,
  RESOLVER,
  SESSION_FILES,
  WORKSPACE,
} from './layout.ts'
import { SESSION_FILE } from './session-files.ts'

export type RootfsOptions = {
  /** host directory that becomes the skeleton; must not exist yet */
  directory: string
  /** root of the host; `/` outside tests */
  host: string
}

/** Host paths of a static init, best first. */
const INITS = ['usr/bin/tini-static', 'usr/sbin/tini-static', 'usr/local/bin/tini-static'] as const

/** On a merged-/usr host these lead into /usr, which is the only tree a session shares. */
const USR_LINKS = ['bin', 'sbin', 'lib', 'lib64', 'lib32', 'libx32'] as const
const REQUIRED_USR_LINKS: readonly string[] = ['bin', 'sbin', 'lib']

/**
 * Builds the read-only root that every session shares: links into /usr, mount points, init and a
 * generated /etc. Done once per daemon start. No home directory is read.
 *
 * @returns what was taken from the host's /etc
 * @throws SekishoError HOST_UNSUPPORTED without merged /usr, DEPENDENCY_MISSING without tini-static
 */
export async function buildRootfs({ directory, host }: RootfsOptions): Promise<EtcCopy> {
  const links = await usrLinks(host)
  const init = await findInit(host)
  await mkdir(directory, { mode: 0o755 })
  const inside = (path: string): string => join(directory, path)
  for (const path of MOUNT_POINTS) await mkdir(inside(path), { recursive: true, mode: 0o755 })
  for (const [name, target] of links) await symlink(target, inside(name))
  await copyFile(init, inside(INIT))
  await chmod(inside(INIT), 0o755)
  const copy = await copyHostEtc(join(host, 'etc'), inside('/etc'))
  for (const [path, content] of Object.entries(GENERATED)) {
    await mkdir(dirname(inside(path)), { recursive: true, mode: 0o755 })
    await writeFile(inside(path), content, { flag: 'wx', mode: 0o644 })
  }
  for (const [path, target] of Object.entries(SESSION_LINKS)) {
    await mkdir(dirname(inside(path)), { recursive: true, mode: 0o755 })
    await symlink(target, inside(path))
  }
  return copy
}

/** Directories that every root has, most of them to be mounted on. */
export const MOUNT_POINTS = [
  '/etc',
  '/usr',
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/var',
  '/root',
  AGENT_HOME,
  WORKSPACE,
  SESSION_FILES,
  ...EXTRA_MOUNT_ROOTS,
] as const

export const SESSION_CERTIFICATES = `${SESSION_FILES}/${SESSION_FILE.certificates}`
export const SESSION_BUNDLE = `${SESSION_CERTIFICATES}/ca-certificates.crt`

const BROWSER_POLICY = `${SESSION_FILES}/${SESSION_FILE.browserPolicy}`

/** Links in place of mounts: one bind serves all files of a session. */
export const SESSION_LINKS: Readonly<Record<string, string>> = {
  '/var/tmp': '../tmp',
  '/var/run': '../run',
  '/etc/mtab': '../proc/self/mounts',
  '/etc/machine-id': `${SESSION_FILES}/${SESSION_FILE.machineId}`,
  '/etc/chromium/policies/managed/sekisho.json': BROWSER_POLICY,
  '/etc/opt/chrome/policies/managed/sekisho.json': BROWSER_POLICY,
  '/etc/opt/edge/policies/managed/sekisho.json': BROWSER_POLICY,
  '/etc/ssl/certs': SESSION_CERTIFICATES,
  '/etc/ssl/cert.pem': SESSION_BUNDLE,
  '/etc/pki/tls/cert.pem': SESSION_BUNDLE,
  '/etc/pki/tls/certs/ca-bundle.crt': SESSION_BUNDLE,
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem': SESSION_BUNDLE,
  '/etc/ca-certificates/extracted/tls-ca-bundle.pem': SESSION_BUNDLE,
}

/** Names and addresses, the same in every root. */
export const NETWORK_FILES: Readonly<Record<string, string>> = {
  '/etc/hostname': `${HOSTNAME}\n`,
  '/etc/hosts': [
    `127.0.0.1 localhost ${HOSTNAME}`,
    '::1 localhost ip6-localhost ip6-loopback',
    '',
  ].join('\n'),
  // one resolver, short patience: an unanswered name is a refused name
  '/etc/resolv.conf': `nameserver ${RESOLVER}\noptions edns0 timeout:2 attempts:2\n`,
}

/**
 * For glibc, and for nothing else: name services of the host's network are not to be reached.
 * Perl's getpwuid asks for the password hash as well: a database that is not there is its answer,
 * so that only who means to read /etc/shadow opens the tripwire.
 */
export const NSSWITCH = [
  ...['passwd', 'group', 'networks', 'protocols', 'services', 'rpc', 'ethers'].map(
    (base) => `${base}: files`,
  ),
  ...['shadow', 'gshadow'].map((base) => `${base}: db`),
  'hosts: files dns',
  '',
].join('\n')

const GENERATED: Readonly<Record<string, string>> = {
  '/etc/passwd': [
    'root:x:0:0:root:/root:/usr/sbin/nologin',
    `agent:x:${AGENT_ID}:${AGENT_ID}:agent:${AGENT_HOME}:/bin/bash`,
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    '',
  ].join('\n'),
  '/etc/group': ['root:x:0:', 'tty:x:5:', `agent:x:${AGENT_ID}:`, 'nogroup:x:65534:', ''].join(
    '\n',
  ),
  ...NETWORK_FILES,
  '/etc/nsswitch.conf': NSSWITCH,
  // OpenSSL's own defaults: the host's file may load engines and providers
  '/etc/ssl/openssl.cnf': [
    'openssl_conf = defaults',
    '[defaults]',
    'ssl_conf = ssl',
    '[ssl]',
    'system_default = system',
    '[system]',
    'MinProtocol = TLSv1.2',
    '',
  ].join('\n'),
  '/etc/profile': 'umask 022\nexport PS1="\\u@\\h:\\w\\$ "\n',
}

async function usrLinks(host: string): Promise<[string, string][]> {
  const links: [string, string][] = []
  for (const name of USR_LINKS) {
    const target = await linkTarget(join(host, name))
    if (target === 'missing' && !REQUIRED_USR_LINKS.includes(name)) continue
    if (!/^\/?usr\//.test(target)) {
      throw new SekishoError('HOST_UNSUPPORTED', `/${name} is not a link into /usr`, {
        hint: 'install the Debian package usrmerge, or use a host with a merged /usr',
      })
    }
    links.push([name, target])
  }
  return links
}

async function linkTarget(path: string): Promise<string> {
  const status = await lstat(path).catch((error: unknown) => absent(error))
  if (status === undefined) return 'missing'
  return status.isSymbolicLink() ? readlink(path) : 'directory'
}

async function findInit(host: string): Promise<string> {
  for (const candidate of INITS) {
    const path = join(host, candidate)
    const status = await lstat(path).catch((error: unknown) => absent(error))
    if (status?.isFile() === true) return path
  }
  throw new SekishoError('DEPENDENCY_MISSING', 'tini-static is not installed', {
    hint: 'install the Debian package tini',
  })
}

/** @throws what it was given, unless that says the path does not exist */
function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}
