import { closeSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { unmount } from '../../kernel/mounts.ts'
import { inNewNamespace } from '../../kernel/network-namespace.ts'
import type { Cgroups } from '../cgroup.ts'
import { sessionEnvironment } from '../environment.ts'
import { HOSTNAME, WORKSPACE } from '../layout.ts'
import { OOM_SCORE_ADJ, ociSpec } from '../oci-spec.ts'
import type { OciSpec } from '../oci-types.ts'
import { buildRootfs } from '../rootfs.ts'
import { seccompProfile } from '../seccomp.ts'
import { machineId, writeSessionFiles } from '../session-files.ts'
import { type BerthCgroup, makeCgroup, openOwnCgroups } from './berth-cgroup.ts'
import { mountParts } from './berth-mounts.ts'
import type { Given } from './inside/probe.ts'
import type { Scene } from './scene.ts'
import { LIMITS, type Surroundings } from './surroundings.ts'

const SESSION = 's-battery0000000000000'
const IDS_PER_SESSION = 65_536
const FIRST_ID = 1_879_048_192

/** One sandbox's own parts on the host. */
export type Berth = {
  spec: OciSpec
  bundle: string
  limits: BerthCgroup
  around: Surroundings
  remove(): void
}

export type Wanted = {
  /** tells berths apart that stand at the same time, from 0 */
  slot: number
  /** whether the sandbox's calls reach the host's kernel */
  hostKernel: boolean
  around: Surroundings
}

export type Stage = {
  berth(wanted: Wanted): Berth
  close(): void
}

/**
 * What every battery run shares. The process is in a mount namespace of its own, as the supervisor
 * is: nothing that is mounted here is seen outside.
 *
 * @param directory private, empty, absolute; readable by everybody, for sandboxes are
 */
export async function openStage(directory: string, scene: Scene): Promise<Stage> {
  const { cgroups, mounted } = openOwnCgroups(join(directory, 'cgroup'))
  const rootfs = join(directory, 'rootfs')
  await buildRootfs({ directory: rootfs, host: '/' })
  const empty = join(directory, 'empty')
  mkdirSync(empty)
  const namespaceFd = inNewNamespace((fd) => fd)
  // any certificate: no connection is made
  const [caPem = ''] = rootCertificates
  const shared = { directory, rootfs, empty, namespaceFd, caPem, cgroups, scene }
  let berths = 0
  return {
    berth: (wanted) => makeBerth(shared, { number: berths++, ...wanted }),
    close: () => {
      cgroups.close()
      for (const path of mounted) unmount(path)
      closeSync(namespaceFd)
    },
  }
}

type Shared = {
  directory: string
  rootfs: string
  empty: string
  namespaceFd: number
  caPem: string
  cgroups: Cgroups
  scene: Scene
}

function makeBerth(shared: Shared, wanted: Wanted & { number: number }): Berth {
  const { number, slot, hostKernel, around } = wanted
  const { caPem, cgroups, empty, scene } = shared
  const bundle = join(shared.directory, `berth-${number}`)
  const at = (name: string): string => join(bundle, name)
  for (const name of ['', 'usr', 'scratch', 'workspace']) mkdirSync(at(name), { mode: 0o755 })
  const idBase = FIRST_ID + slot * IDS_PER_SESSION
  writeSessionFiles(at('files'), { session: SESSION, caPem, nowMs: 0 })
  const mounts = mountParts({ at, empty, idBase, around, secret: scene.secret })
  const limits = makeCgroup(cgroups, `berth-${number}`, around)
  return {
    spec: specOf(shared, { at, idBase, hostKernel, word: bundle }),
    bundle,
    limits,
    around,
    remove: () => {
      limits.cgroup.remove()
      for (const path of mounts.toReversed()) unmount(path)
      rmSync(bundle, { recursive: true })
    },
  }
}

type Placed = {
  at: (name: string) => string
  idBase: number
  hostKernel: boolean
  /** for the canary */
  word: string
}

/** The whole sandbox of a session, as the supervisor has it, with the battery as its command. */
function specOf(shared: Shared, { at, idBase, hostKernel, word }: Placed): OciSpec {
  const env = sessionEnvironment({ session: SESSION, terminal: null, agent: {}, placeholders: {} })
  const canary = { ...shared.scene.canary, word }
  const given = describe({ hostKernel, environment: Object.keys(env), canary })
  const battery = ['/opt/battery/bin/node', '--no-warnings', '/opt/battery/inside/main.ts']
  return ociSpec({
    argv: [...battery, JSON.stringify(given)],
    env,
    cwd: WORKSPACE,
    terminal: false,
    rootfs: shared.rootfs,
    networkNamespace: `/proc/${process.pid}/fd/${shared.namespaceFd}`,
    idBase,
    openFiles: LIMITS.openFiles,
    seccomp: seccompProfile({ notify: true, listenerPath: at('notify'), metadata: SESSION }),
    seccompProgram: null,
    sessionFiles: at('files'),
    usr: at('usr'),
    scratch: at('scratch'),
    workspace: at('workspace'),
    readOnlyMounts: tools(),
    decoys: [],
  })
}

function describe(told: Pick<Given, 'hostKernel' | 'environment' | 'canary'>): Given {
  return {
    ...told,
    hostname: HOSTNAME,
    machineId: machineId(SESSION),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    oomFloor: hasCapability(CAP_SYS_RESOURCE) ? OOM_SCORE_ADJ : 0,
    limits: LIMITS,
  }
}

const CAP_SYS_RESOURCE = 24n

function hasCapability(number: bigint): boolean {
  const held = /^CapEff:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return ((BigInt(`0x${held ?? '0'}`) >> number) & 1n) === 1n
}

const MODULES = join(import.meta.dirname, '../../../../..', 'node_modules')

/** Node, koffi and the battery: all that it has beside the host's /usr. */
function tools(): { source: string; target: string }[] {
  return [
    { source: join(import.meta.dirname, 'inside'), target: '/opt/battery/inside' },
    { source: dirname(realpathSync(process.execPath)), target: '/opt/battery/bin' },
    { source: join(MODULES, 'koffi'), target: '/opt/battery/lib/node_modules/koffi' },
    { source: join(MODULES, '@koromix'), target: '/opt/battery/lib/node_modules/@koromix' },
  ]
}
