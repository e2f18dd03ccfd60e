import {
  accessSync,
  constants,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { libc } from '../kernel/libc.ts'
import { attachTree, cloneTree, MOUNT_FLAGS, mount } from '../kernel/mounts.ts'
import { type Cgroups, openCgroups } from '../sandbox/cgroup.ts'
import { openProcessTrees } from '../sandbox/process-trees.ts'
import { UIDS } from './identities.ts'

/**
 * What a platform lacks that an ordinary user runs, whatever the host: the kernel keeps it for the
 * root of its first user namespace (docs/guides/rootless.md).
 */
export const ROOTLESS: readonly string[] = [
  'rootless: run by an ordinary user; whoever is that user on this host can do to it what root could',
  'tripwires: fanotify is the host root’s; decoys deny by their mode, and nothing is recorded of it',
  'exec-monitor: fanotify is the host root’s; no exec is recorded or refused',
  'agent-id: over a directory of this user’s, agents have this user’s uid; they could not write otherwise',
  'oom-score: an agent can lower its own to that of this user’s other processes',
]

/** Of what the platform lacks, what is about one session: some agents have ids of their own. */
export function concerning(
  degraded: readonly string[],
  berth: { agentUid: number } | undefined,
): readonly string[] {
  const isUser = berth === undefined || berth.agentUid === 0
  return degraded.filter((line) => isUser || !line.startsWith('agent-id:'))
}

/**
 * Makes a directory possible where the user may make none, in the supervisor's own mount namespace:
 * its parent becomes a tmpfs with everything that was in it, bound at its place.
 *
 * @param path a directory to be, whose parent is the host root's
 */
export function makeRoomFor(path: string): void {
  const parent = dirname(path)
  if (existsSync(path)) return
  const entries = readdirSync(parent).map((name) => ({ name, ...held(join(parent, name)) }))
  const flags = MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices
  mount({ source: 'tmpfs', target: parent, type: 'tmpfs', flags, options: 'mode=0755' })
  for (const { name, tree, link, isDirectory } of entries) {
    const target = join(parent, name)
    if (link !== undefined) symlinkSync(link, target)
    if (tree === undefined) continue
    if (isDirectory) mkdirSync(target)
    else writeFileSync(target, '')
    attachTree(tree, target)
    libc.close(tree)
  }
  mkdirSync(join(parent, basename(path)), { mode: 0o711 })
}

/**
 * Gives a tree to nobody that a session has: an agent has this user's uid, and what it owned it could
 * change, were its mount ever not read-only.
 */
export function disown(path: string): void {
  lchownSync(path, UIDS.importer, UIDS.importer)
  if (!lstatSync(path).isDirectory()) return
  for (const name of readdirSync(path)) disown(join(path, name))
}

type Held = { link?: string; tree?: number; isDirectory: boolean }

/** A descriptor of what is there, so that it can be covered and shown again. */
function held(path: string): Held {
  const status = lstatSync(path)
  const isDirectory = status.isDirectory()
  if (status.isSymbolicLink()) return { isDirectory, link: readlinkSync(path) }
  try {
    return { isDirectory, tree: cloneTree(path, { recursive: true }) }
  } catch {
    return { isDirectory } // not this user's to see, and so nothing that the platform reads
  }
}

/**
 * The cgroups of an ordinary user: as far as they are delegated, and where none is, the trees of
 * processes instead. Processes are limited one by one in either case.
 *
 * @param directory a private one, for mounts
 */
export function openUserCgroups(directory: string, instance: string): Cgroups {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')
  const unified = join(directory, 'unified')
  mkdirSync(unified, { recursive: true })
  const show = (target: string): void =>
    mount({ source: 'cgroup', target, type: 'cgroup2', flags: 0, options: null })
  show(unified)
  // crun refuses the mixture that a host with old controllers has there
  if (!/ \/sys\/fs\/cgroup [^\n]* - cgroup2 /.test(mountinfo)) show('/sys/fs/cgroup')
  const trees = openProcessTrees()
  try {
    // root of both mounts: the cgroup that this process was in when its namespace was made
    accessSync(unified, constants.W_OK)
    return limitBoth(openOwn(unified, instance), trees)
  } catch {
    return trees // the host's root owns it: `degraded` says what that means
  }
}

function openOwn(under: string, instance: string): Cgroups {
  const [mountinfo, membership] = ['mountinfo', 'cgroup'].map((name) =>
    readFileSync(`/proc/self/${name}`, 'utf8'),
  )
  return openCgroups({
    instance,
    under,
    mountinfo: mountinfo ?? '',
    membership: membership ?? '',
    mayLack: true,
  })
}

function limitBoth(cgroups: Cgroups, trees: Cgroups): Cgroups {
  return {
    ...cgroups,
    create: (session, limits) => {
      const [own, tree] = [cgroups.create(session, limits), trees.create(session, limits)]
      return {
        ...own,
        limit: (to) => {
          own.limit(to)
          tree.limit(to)
        },
        started: (launcher) => tree.started(launcher),
        begin: () => tree.begin(),
        remove: () => tree.remove() && own.remove(),
      }
    },
  }
}
