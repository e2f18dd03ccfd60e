import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { bindTree, MOUNT_FLAGS, mount } from '../kernel/mounts.ts'
import { type Cgroups, openCgroups } from '../sandbox/cgroup.ts'
import { planCgroupMounts } from '../sandbox/cgroup-layout.ts'
import type { Bind } from '../sandbox/mounts.ts'
import { ociSpec } from '../sandbox/oci-spec.ts'
import { buildRootfs } from '../sandbox/rootfs.ts'
import { runtimeFor } from '../sandbox/runtimes/all.ts'
import type { Runtime, RuntimeProbe } from '../sandbox/runtimes/runtime.ts'
import { SCRATCH_PARTS } from '../sandbox/scratch.ts'
import { seccompProfile } from '../sandbox/seccomp.ts'
import type { Isolation, RuntimeName } from '../wire/sandbox.ts'
import { IdMaps } from './id-maps.ts'
import { IS_ROOTLESS, PROBE_IDS } from './identities.ts'
import { BOX, EXPORTER_STATE, KEYHOLDER_STATE, LOG_IN_BOX, type Paths } from './paths.ts'
import { disown, makeRoomFor, openUserCgroups } from './rootless.ts'
import { decoyOf, MOUNTED, writeTripwires } from './tripwire-files.ts'

/** A runtime that was tried on this machine. */
export type SandboxKind = { runtime: Runtime } & RuntimeProbe

/** Where a runtime keeps its state. */
export function runtimeRoot({ name }: Pick<Runtime, 'name'>): string {
  return join(BOX, 'runtimes', name)
}

/** The supervisor's private directory tree: a tmpfs in its own mount namespace (see {@link BOX}). */
export class Box {
  /** skeleton root of every session */
  readonly rootfs = join(BOX, 'rootfs')
  readonly decoys = join(BOX, 'decoys')
  readonly seccompSocket = join(BOX, 'seccomp.sock')
  readonly idMaps = new IdMaps()
  readonly cgroups: Cgroups
  /** host path of each tripwire, and the path it has inside */
  readonly tripwires: ReadonlyMap<string, string>
  readonly maxOpenFiles: number
  /** whether the kernel asks before a file is opened or executed: it asks the host's root alone */
  readonly tellsOpens = !IS_ROOTLESS
  /** an empty directory: the second layer of an overlay that needs two */
  readonly empty = join(BOX, 'empty')
  readonly #kinds = new Map<Isolation, Promise<SandboxKind>>()
  readonly #preferred: RuntimeName

  private constructor(
    parts: Pick<Box, 'cgroups' | 'tripwires' | 'maxOpenFiles'> & { preferred: RuntimeName },
  ) {
    this.cgroups = parts.cgroups
    this.tripwires = parts.tripwires
    this.maxOpenFiles = parts.maxOpenFiles
    this.#preferred = parts.preferred
  }

  /** @throws SekishoError HOST_UNSUPPORTED, DEPENDENCY_MISSING: this host cannot hold a sandbox */
  static async open(paths: Paths, preferred: RuntimeName): Promise<Box> {
    mountPrivateTree(paths)
    const cgroups = openOwnCgroups(paths)
    try {
      return await Box.#openOn(cgroups, preferred)
    } catch (error) {
      cgroups.close() // no guardian does it yet
      throw error
    }
  }

  static async #openOn(cgroups: Cgroups, preferred: RuntimeName): Promise<Box> {
    const rootfs = join(BOX, 'rootfs')
    await buildRootfs({ directory: rootfs, host: '/' })
    const decoys = join(BOX, 'decoys')
    const tripwires = writeTripwires(rootfs, decoys)
    if (IS_ROOTLESS) disown(rootfs)
    const maxOpenFiles = ownOpenFilesLimit()
    const box = new Box({ cgroups, tripwires, maxOpenFiles, preferred })
    await box.kind('standard')
    return box
  }

  /**
   * The runtime for an isolation, tried on this machine the first time it is asked for.
   *
   * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED: no weaker one takes its place
   */
  kind(isolation: Isolation): Promise<SandboxKind> {
    if (isolation === 'strong' && IS_ROOTLESS) return Promise.reject(needsRoot())
    const known = this.#kinds.get(isolation)
    if (known !== undefined) return known
    const trying = this.#probe(runtimeFor(isolation, this.#preferred))
    trying.catch(() => this.#kinds.delete(isolation)) // it may be installed meanwhile
    this.#kinds.set(isolation, trying)
    return trying
  }

  /** The decoys that are mounts of their own. */
  get decoyBinds(): Bind[] {
    return MOUNTED.map((target) => ({ source: decoyOf(this.decoys, target), target }))
  }

  async #probe(runtime: Runtime): Promise<SandboxKind> {
    const root = runtimeRoot(runtime)
    mkdirSync(root, { recursive: true, mode: 0o711 })
    const directory = join(BOX, `probe-${runtime.name}`)
    const probe = await runtime.probe({ spec: this.#probeSpec(), directory, root })
    return { runtime, ...probe }
  }

  /** A complete sandbox that is created once and never runs. */
  #probeSpec(): ReturnType<typeof ociSpec> {
    return ociSpec({
      argv: ['true'],
      env: {},
      cwd: '/',
      terminal: false,
      rootfs: this.rootfs,
      // the host's own may only be entered by the host's root
      networkNamespace: IS_ROOTLESS ? null : '/proc/self/ns/net',
      idBase: PROBE_IDS.idBase,
      idMap: PROBE_IDS.map,
      openFiles: 64,
      sessionFiles: join(BOX, 'probe-files'),
      usr: '/usr',
      scratch: join(BOX, 'probe-files'),
      workspace: null,
      readOnlyMounts: [],
      decoys: this.decoyBinds,
      seccomp: seccompProfile({
        notify: true,
        listenerPath: this.seccompSocket,
        metadata: 'probe',
      }),
      seccompProgram: null,
    })
  }

  close(): void {
    this.cgroups.close()
  }
}

/** The instance's name is stable over restarts, so that a crash's leftovers are found again. */
function openOwnCgroups(paths: Paths): Cgroups {
  const instance = createHash('sha256').update(paths.state).digest('hex').slice(0, 12)
  if (IS_ROOTLESS) return openUserCgroups(join(BOX, 'cgroup'), instance)
  const plan = planCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), join(BOX, 'cgroup'))
  for (const { type, options, target } of plan.mounts) {
    mkdirSync(target, { recursive: true })
    mount({ source: 'cgroup', target, type, flags: 0, options })
  }
  return openCgroups({
    instance,
    under: plan.under,
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  })
}

const DIRECTORIES = ['s', 'cgroup', 'runtimes', 'code', 'decoys', 'keyholder', 'empty'].concat([
  'log',
  'exporter',
  'probe-files',
  ...SCRATCH_PARTS.map((part) => `probe-files/${part}`),
])

function mountPrivateTree(paths: Paths): void {
  refuseHostNamespace()
  if (IS_ROOTLESS) makeRoomFor(BOX)
  mkdirSync(BOX, { recursive: true, mode: 0o711 })
  const flags = MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices
  mount({ source: 'tmpfs', target: BOX, type: 'tmpfs', flags, options: 'mode=0711' })
  for (const name of DIRECTORIES) {
    mkdirSync(join(BOX, name), { mode: 0o711 })
  }
  // The state may lie where the keyholder's user cannot go (a home of mode 0700); here it can.
  bindTree(paths.keyholderState, KEYHOLDER_STATE)
  bindTree(join(paths.keyholderState, 'log'), LOG_IN_BOX, MOUNT_FLAGS.readOnly | flags)
  bindTree(paths.exporterState, EXPORTER_STATE)
  // The clone may lie where the other processes' users cannot go (/root); here they can.
  const code = join(BOX, 'code')
  bindTree(paths.code, code, MOUNT_FLAGS.readOnly | flags)
}

/** Started by hand, outside `sekisho serve`, these mounts would land on the host. */
function refuseHostNamespace(): void {
  const outside = process.env['SEKISHO_OUTER_MOUNTS'] ?? ''
  if (outside !== '' && outside !== readlinkSync('/proc/self/ns/mnt')) return
  throw new SekishoError('HOST_UNSUPPORTED', 'the supervisor is in the host mount namespace', {
    hint: 'start it with `npm start` or `sekisho serve`',
  })
}

/** Its sentry would want ids and a root file system as only the host's root can lay them out. */
function needsRoot(): SekishoError {
  return new SekishoError('HOST_UNSUPPORTED', 'isolation: strong needs a platform that root runs', {
    hint: 'run the platform as root, or let this agent have isolation: standard',
  })
}

/** This process's own hard limit: without CAP_SYS_RESOURCE no session can have more. */
function ownOpenFilesLimit(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  const hard = line?.[1]
  return hard === undefined || hard === 'unlimited' ? 1_048_576 : Number(hard)
}
