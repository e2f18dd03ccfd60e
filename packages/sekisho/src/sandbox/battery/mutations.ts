import { existsSync } from 'node:fs'
import type { OciMount, OciSpec } from '../oci-types.ts'
import type { Scene } from './scene.ts'
import { seccompChanges } from './seccomp-mutations.ts'
import { type Surroundings, SURROUNDINGS } from './surroundings.ts'

/** A sandbox with one element of its profile taken away. */
export type Mutation = {
  id: string
  spec(whole: OciSpec): OciSpec
  around: Surroundings
}

export type Change = {
  id: string
  spec?: (whole: OciSpec) => OciSpec
  around?: Partial<Surroundings>
}

/**
 * Every element of a complete profile, each with a sandbox that lacks it and nothing else. Made
 * from the specification itself: what is added there is mutated without a line here.
 *
 * @param whole as a session would have it
 */
export function mutationsOf(whole: OciSpec, scene: Scene): Mutation[] {
  const changes: Change[] = [
    ...seccompChanges(),
    ...namespaceChanges(whole, scene),
    ...mappingChanges(whole),
    ...identityChanges(scene),
    ...pathChanges(whole),
    ...mountChanges(whole, scene),
    ...limitChanges(whole),
  ]
  return changes.map(({ id, spec = (same) => same, around = {} }) => ({
    id,
    spec,
    around: { ...SURROUNDINGS, ...around },
  }))
}

/** Elements that this machine's kernel has nothing for: taking them away changes nothing here. */
export function inertHere(whole: OciSpec): string[] {
  const { maskedPaths, readonlyPaths } = whole.linux
  return [...maskedPaths, ...readonlyPaths].filter((path) => !existsSync(path))
}

function withLinux(
  change: (linux: OciSpec['linux']) => Partial<OciSpec['linux']>,
): (whole: OciSpec) => OciSpec {
  return (whole) => ({ ...whole, linux: { ...whole.linux, ...change(whole.linux) } })
}

function namespaceChanges(whole: OciSpec, scene: Scene): Change[] {
  const single = whole.linux.namespaces.map(({ type }) => ({
    id: `namespace.${type}`,
    spec: withLinux((linux) => ({
      namespaces: linux.namespaces.filter((namespace) => namespace.type !== type),
      ...(type === 'user' ? { uidMappings: [], gidMappings: [] } : {}),
    })),
  }))
  const elsewhere = {
    id: 'namespace.network: of another session',
    spec: withLinux((linux) => ({
      namespaces: linux.namespaces.map((namespace) =>
        namespace.type === 'network'
          ? { ...namespace, path: `/proc/${process.pid}/fd/${scene.otherNamespaceFd}` }
          : namespace,
      ),
    })),
  }
  return [...single, elsewhere]
}

function mappingChanges(whole: OciSpec): Change[] {
  return (['uidMappings', 'gidMappings'] as const).flatMap((name) => {
    const [own] = whole.linux[name]
    if (own === undefined) return []
    const instead = (id: string, mappings: (typeof own)[]): Change => ({
      id: `${name}.${id}`,
      spec: withLinux(() => ({ [name]: mappings })),
    })
    return [
      instead('hostID: of the host', [{ ...own, hostID: 0 }]),
      instead('size: with the neighbour’s', [{ ...own, size: own.size * 2 }]),
      instead('containerID: no root', [{ ...own, containerID: 1 }]),
      instead('one: with the host’s root', [own, { containerID: own.size, hostID: 0, size: 1 }]),
    ]
  })
}

type Process = OciSpec['process']

function withProcess(change: (process: Process) => object): (whole: OciSpec) => OciSpec {
  return (whole) => ({ ...whole, process: { ...whole.process, ...change(whole.process) } })
}

function identityChanges(scene: Scene): Change[] {
  const user = (id: string, change: Partial<Process['user']>): Change => ({
    id: `user.${id}`,
    spec: withProcess((process) => ({ user: { ...process.user, ...change } })),
  })
  const sets = ['bounding', 'permitted', 'effective', 'inheritable', 'ambient'] as const
  return [
    user('uid', { uid: 0 }),
    user('gid', { gid: 0 }),
    user('umask', { umask: 0 }),
    user('additionalGids', { additionalGids: [0] }),
    ...sets.map((set, i) => ({
      id: `capabilities.${set}`,
      // the kernel takes none of these sets without the ones before it
      spec: withProcess((process) => ({
        capabilities: {
          ...process.capabilities,
          ...Object.fromEntries(sets.slice(0, i + 1).map((name) => [name, ['CAP_NET_RAW']])),
        },
      })),
    })),
    { id: 'no-new-privileges', spec: withProcess(() => ({ noNewPrivileges: false })) },
    {
      id: 'init',
      spec: withProcess(({ args }) => ({ args: args.slice(args.indexOf('--') + 1) })),
    },
    { id: 'cwd', spec: withProcess(() => ({ cwd: '/tmp' })) },
    {
      id: 'environment',
      spec: withProcess(({ env }) => ({ env: [...env, 'SEKISHO_BATTERY_HOST_SECRET=x'] })),
    },
    { id: 'hostname', spec: (all) => JSON.parse(JSON.stringify({ ...all, hostname: undefined })) },
    {
      id: 'machine-id',
      spec: withMounts((mounts) => [
        ...mounts,
        bound(scene.machineIdFile, '/.sekisho/session/machine-id', ['ro', 'noexec']),
      ]),
    },
  ]
}

function pathChanges({ linux }: OciSpec): Change[] {
  return (['maskedPaths', 'readonlyPaths'] as const).flatMap((name) =>
    linux[name]
      .filter((path) => existsSync(path))
      .map((path) => ({
        id: `${name}.${path}`,
        spec: withLinux((all) => ({ [name]: all[name].filter((other) => other !== path) })),
      })),
  )
}

function withMounts(
  change: (mounts: readonly OciMount[]) => readonly OciMount[],
): (whole: OciSpec) => OciSpec {
  return (whole) => ({ ...whole, mounts: change(whole.mounts) })
}

function bound(source: string, destination: string, options: readonly string[]): OciMount {
  return { destination, type: 'none', source, options: ['bind', 'nosuid', 'nodev', ...options] }
}

const FLAGS = ['nosuid', 'nodev', 'noexec'] as const
const SIZES = /^(ro|size=.*|nr_inodes=.*|mode=0?755)$/

function mountChanges(whole: OciSpec, scene: Scene): Change[] {
  return [
    {
      id: 'root.readonly',
      spec: (all) => JSON.parse(JSON.stringify({ ...all, root: { path: all.root.path } })),
    },
    ...whole.mounts.flatMap(({ destination, options }) =>
      options
        .filter((option) => isFlag(option) || SIZES.test(option))
        .map((option) => withoutOption(destination, option)),
    ),
    {
      id: 'mounts: one more',
      spec: withMounts((mounts) => [...mounts, bound(scene.socketDirectory, '/srv', ['ro'])]),
    },
    {
      id: 'mounts: a container engine’s socket',
      spec: withMounts((mounts) => [
        ...mounts,
        bound(`${scene.socketDirectory}/docker.sock`, '/run/docker.sock', []),
      ]),
    },
    ...['kmsg', 'full-copy'].map((name) => ({
      id: `devices: ${name}`,
      spec: withMounts((mounts) => [
        ...mounts,
        bound(name === 'kmsg' ? '/dev/kmsg' : '/dev/full', `/dev/${name}`, []),
      ]),
    })),
  ]
}

function isFlag(option: string): option is (typeof FLAGS)[number] {
  return FLAGS.some((flag) => flag === option)
}

/** With the flag that the source itself was mounted with: two places say the same. */
function withoutOption(destination: string, option: string): Change {
  return {
    id: `mount.${destination}.${option}`,
    spec: withMounts((mounts) =>
      mounts.map((mount) =>
        mount.destination === destination
          ? {
              ...mount,
              ...lowered(mount, option),
              options: mount.options.filter((other) => other !== option),
            }
          : mount,
      ),
    ),
    ...(isFlag(option) ? { around: { without: { [destination]: [option] } } } : {}),
  }
}

/** /usr comes as an overlay that nobody could write to, either. */
function lowered({ destination }: OciMount, option: string): Partial<OciMount> {
  return destination === '/usr' && option === 'ro' ? { source: '/usr' } : {}
}

const PLENTY = 2 ** 40

function limitChanges(whole: OciSpec): Change[] {
  const { limits, tmp } = SURROUNDINGS
  const around = (id: string, change: Partial<Surroundings>): Change => ({
    id: `limit.${id}`,
    around: change,
  })
  return [
    ...whole.process.rlimits.map(({ type }) => ({
      id: `rlimit.${type}`,
      spec: withProcess(({ rlimits }) => ({
        rlimits: rlimits.filter((other) => other.type !== type),
      })),
    })),
    {
      id: 'oom-score',
      spec: withProcess(() => ({ oomScoreAdj: 0 })),
      around: { resetsOomScore: true },
    },
    around('memory', { limits: { ...limits, memoryBytes: PLENTY } }),
    around('swap', { swaps: true }),
    around('processes', { limits: { ...limits, pids: 100_000 } }),
    around('cpu', { squeezedCpuMillis: 100_000 }),
    around('tmp-bytes', { tmp: { ...tmp, tmpBytes: 2 ** 30 } }),
    around('tmp-inodes', { tmp: { ...tmp, tmpInodes: 100_000 } }),
  ]
}
