import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import { attachTree, cloneTree, MOUNT_FLAGS, mount } from '../kernel/mounts.ts'
import { libc } from '../kernel/libc.ts'
import { type Cgroups, openCgroups } from '../sandbox/cgroup.ts'
import { planCgroupMounts } from '../sandbox/cgroup-layout.ts'
import { probeCrun } from '../sandbox/crun.ts'
import { WORKSPACE } from '../sandbox/layout.ts'
import { ociSpec } from '../sandbox/oci-spec.ts'
import { buildRootfs } from '../sandbox/rootfs.ts'
import { seccompProfile } from '../sandbox/seccomp.ts'
import { IdMaps } from './id-maps.ts'
import { BOX, KEYHOLDER_STATE, type Paths } from './paths.ts'
import { decoyOf, MOUNTED, writeTripwires } from './tripwire-files.ts'

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
  /** the system call filter, compiled once; base64 */
  readonly seccompProgram: string
  readonly maxOpenFiles: number

  private constructor(
    parts: Pick<Box, 'cgroups' | 'tripwires' | 'seccompProgram' | 'maxOpenFiles'>,
  ) {
    this.cgroups = parts.cgroups
    this.tripwires = parts.tripwires
    this.seccompProgram = parts.seccompProgram
    this.maxOpenFiles = parts.maxOpenFiles
  }

  /** @throws SekishoError HOST_UNSUPPORTED, DEPENDENCY_MISSING: this host cannot hold a sandbox */
  static async open(paths: Paths): Promise<Box> {
    mountPrivateTree(paths)
    const cgroups = openOwnCgroups(paths)
    const rootfs = join(BOX, 'rootfs')
    await buildRootfs({ directory: rootfs, host: '/' })
    const decoys = join(BOX, 'decoys')
    const tripwires = writeTripwires(rootfs, decoys)
    const maxOpenFiles = ownOpenFilesLimit()
    const { seccompProgram } = await probeCrun({
      spec: probeSpec({ rootfs, decoys, maxOpenFiles }),
      directory: join(BOX, 'probe'),
      root: join(BOX, 'crun'),
    })
    return new Box({ cgroups, tripwires, seccompProgram, maxOpenFiles })
  }

  close(): void {
    this.cgroups.close()
  }
}

/** The instance's name is stable over restarts, so that a crash's leftovers are found again. */
function openOwnCgroups(paths: Paths): Cgroups {
  const plan = planCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'), join(BOX, 'cgroup'))
  for (const { type, options, target } of plan.mounts) {
    mkdirSync(target, { recursive: true })
    mount({ source: 'cgroup', target, type, flags: 0, options })
  }
  return openCgroups({
    instance: createHash('sha256').update(paths.state).digest('hex').slice(0, 12),
    under: plan.under,
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  })
}

function mountPrivateTree(paths: Paths): void {
  refuseHostNamespace()
  mkdirSync(BOX, { recursive: true, mode: 0o711 })
  const flags = MOUNT_FLAGS.noSetuid | MOUNT_FLAGS.noDevices
  mount({ source: 'tmpfs', target: BOX, type: 'tmpfs', flags, options: 'mode=0711' })
  for (const name of ['s', 'cgroup', 'crun', 'code', 'decoys', 'keyholder', 'probe-files']) {
    mkdirSync(join(BOX, name), { mode: 0o711 })
  }
  // The state may lie where the keyholder's user cannot go (a home of mode 0700); here it can.
  bind(paths.keyholderState, KEYHOLDER_STATE)
  // The clone may lie where the other processes' users cannot go (/root); here they can.
  const code = join(BOX, 'code')
  bind(paths.code, code)
  const readOnly = MOUNT_FLAGS.bind | MOUNT_FLAGS.remount | MOUNT_FLAGS.readOnly | flags
  mount({ source: null, target: code, type: null, flags: readOnly, options: null })
}

function bind(source: string, target: string): void {
  const tree = cloneTree(source)
  try {
    attachTree(tree, target)
  } finally {
    libc.close(tree)
  }
}

/** Started by hand, outside `sekisho serve`, these mounts would land on the host. */
function refuseHostNamespace(): void {
  const outside = process.env['SEKISHO_OUTER_MOUNTS'] ?? ''
  if (outside !== '' && outside !== readlinkSync('/proc/self/ns/mnt')) return
  throw new SekishoError('HOST_UNSUPPORTED', 'the supervisor is in the host mount namespace', {
    hint: 'start it with `npm start` or `sekisho serve`',
  })
}

/** This process's own hard limit: without CAP_SYS_RESOURCE no session can have more. */
function ownOpenFilesLimit(): number {
  const line = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
  const hard = line?.[1]
  return hard === undefined || hard === 'unlimited' ? 1_048_576 : Number(hard)
}

/** A complete session that is created once at start-up and never runs. */
function probeSpec(parts: {
  rootfs: string
  decoys: string
  maxOpenFiles: number
}): ReturnType<typeof ociSpec> {
  return ociSpec({
    argv: ['true'],
    env: {},
    cwd: WORKSPACE,
    terminal: false,
    rootfs: parts.rootfs,
    networkNamespace: '/proc/self/ns/net',
    idBase: PROBE_ID_BASE,
    limits: {
      memoryBytes: 64 * 1024 * 1024,
      pids: 16,
      cpuMillis: 1000,
      openFiles: 64,
      wallClockMs: 10_000,
      tmpBytes: 1024 * 1024,
      tmpInodes: 10_000,
      diskBytes: 64 * 2 ** 20,
      diskInodes: 10_000,
      egressBytes: 2 ** 30,
      egressRequests: 100_000,
    },
    maxOpenFiles: parts.maxOpenFiles,
    sessionFiles: join(BOX, 'probe-files'),
    workspace: null,
    readOnlyMounts: [],
    decoys: MOUNTED.map((target) => ({ source: decoyOf(parts.decoys, target), target })),
    seccomp: seccompProfile({
      notify: true,
      listenerPath: join(BOX, 'seccomp.sock'),
      metadata: 'probe',
    }),
    seccompProgram: null,
  })
}

const PROBE_ID_BASE = 0x7000_0000
