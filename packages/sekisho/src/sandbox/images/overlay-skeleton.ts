import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { canonicalJson } from '../../core/canonical-json.ts'
import { AGENT_HOME, INIT, SESSION_FILES, WORKSPACE } from '../layout.ts'
import {
  MOUNT_POINTS,
  NETWORK_FILES,
  NSSWITCH,
  SESSION_BUNDLE,
  SESSION_CERTIFICATES,
  SESSION_LINKS,
} from '../rootfs.ts'
import { groupWithAgent, passwdWithAgent } from './accounts.ts'
import { makeOpaque } from './attributes.ts'

/** What a root file system has of its own that the layer on top of it depends on. */
export type RootFacts = {
  passwd: string
  group: string
  /** absolute, inside */
  shell: string
  hasGlibc: boolean
  /** trust stores that come with a JDK: files in directories that are no links */
  javaStores: readonly string[]
}

/** The layer that lies on top of a root file system that is not the host's. */
export type OverlaySkeleton = {
  directories: readonly string[]
  /** directories in which nothing of the layers below shows */
  opaque: readonly string[]
  files: Readonly<Record<string, string>>
  links: Readonly<Record<string, string>>
}

/**
 * In an overlay an entry of the upper layer hides whatever has its name below, with one exception:
 * two directories are shown as one. So a link, a file or a device in place of `/workspace` or
 * `/etc/resolv.conf` is gone, and for directories that are to be the platform's alone there is
 * `opaque`.
 */
export function planSkeleton(facts: RootFacts): OverlaySkeleton {
  const java = `${SESSION_CERTIFICATES}/java/cacerts`
  return {
    directories: MOUNT_POINTS.filter((path) => path !== '/usr'),
    opaque: OPAQUE,
    files: {
      ...NETWORK_FILES,
      '/etc/passwd': passwdWithAgent(facts.passwd, facts.shell),
      '/etc/group': groupWithAgent(facts.group),
      ...(facts.hasGlibc ? { '/etc/nsswitch.conf': NSSWITCH } : {}),
    },
    links: {
      ...SESSION_LINKS,
      '/etc/ssl/ca-bundle.pem': SESSION_BUNDLE,
      '/var/lib/ca-certificates/ca-bundle.pem': SESSION_BUNDLE,
      '/etc/pki/ca-trust/extracted/java/cacerts': java,
      '/etc/pki/java/cacerts': java,
      ...Object.fromEntries(facts.javaStores.map((path) => [path, java])),
    },
  }
}

const OPAQUE: readonly string[] = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/root',
  dirname(INIT),
  SESSION_FILES,
  AGENT_HOME,
  WORKSPACE,
  '/var/lib/sekisho',
  // every other bundle of certificates that a distribution generates
  '/etc/pki/tls/certs',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/java',
  '/etc/ca-certificates/extracted',
  '/var/lib/ca-certificates',
]

export type SkeletonPlace = {
  /** holds the skeletons, each named after its content; on a file system with `trusted` attributes */
  directory: string
  /** host path of the static init, on the same file system */
  init: string
  /** adds what else a session finds in its root, once for each skeleton */
  plant: (skeleton: string) => void
}

/**
 * Writes the layer, unless one with this very content is there. It is shared by sessions and
 * stays as long as the directory.
 *
 * @returns host path
 */
export function writeSkeleton(skeleton: OverlaySkeleton, place: SkeletonPlace): string {
  const content = createHash('sha256').update(canonicalJson(skeleton)).digest('hex').slice(0, 32)
  const target = join(place.directory, content)
  if (existsSync(target)) return target // renamed into place when complete
  const fresh = `${target}.new`
  rmSync(fresh, { recursive: true, force: true }) // of an attempt that failed half-way
  mkdirSync(fresh, { mode: 0o755 })
  write(fresh, skeleton)
  linkSync(place.init, join(fresh, INIT))
  place.plant(fresh)
  renameSync(fresh, target)
  return target
}

function write(root: string, { directories, opaque, files, links }: OverlaySkeleton): void {
  const make = (path: string): void => void mkdirSync(path, { recursive: true, mode: 0o755 })
  for (const path of [...directories, ...opaque]) make(join(root, path))
  for (const path of opaque) makeOpaque(join(root, path))
  for (const [path, content] of Object.entries(files)) {
    make(join(root, posix.dirname(path)))
    writeFileSync(join(root, path), content, { flag: 'wx', mode: 0o644 })
  }
  for (const [path, target] of Object.entries(links)) {
    make(join(root, posix.dirname(path)))
    symlinkSync(target, join(root, path))
  }
}
