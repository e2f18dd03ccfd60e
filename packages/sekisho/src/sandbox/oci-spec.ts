import { SekishoError } from '../core/error.ts'
import { AGENT_ID, HOSTNAME, INIT } from './layout.ts'
import { type MountSources, sessionMounts } from './mounts.ts'
import type { OciSpec } from './oci-types.ts'
import type { SeccompProfile } from './seccomp.ts'

export type SandboxSpec = MountSources & {
  argv: readonly string[]
  /** the whole environment; nothing of the caller's is added */
  env: Readonly<Record<string, string>>
  /** absolute, inside */
  cwd: string
  terminal: boolean
  /** skeleton root of `buildRootfs`, absolute */
  rootfs: string
  /** a network namespace that has no uplink: `/proc/<pid>/fd/<n>`; null: a new one, empty */
  networkNamespace: string | null
  /** host id of container id 0; 65,536 ids from here belong to this session alone */
  idBase: number
  /** in place of that block, where the supervisor has fewer ids to give, or others */
  idMap?: OciSpec['linux']['uidMappings'] | undefined
  /** soft and hard; at most the supervisor's own hard limit, without CAP_SYS_RESOURCE */
  openFiles: number
  seccomp: SeccompProfile
  /** the same profile compiled (`compileSeccomp`), base64; null lets the runtime compile it */
  seccompProgram: string | null
}

const IDS_PER_SESSION = 65_536
/** The kernel kills a session before anything of the platform when memory runs out. */
export const OOM_SCORE_ADJ = 500

/**
 * The whole isolation of one session as an OCI runtime configuration.
 *
 * Pure, so that a golden test pins every line of it.
 *
 * @throws SekishoError CONFIG_INVALID for a mount that would cover the sandbox's own parts
 */
export function ociSpec(spec: SandboxSpec): OciSpec {
  const block = { containerID: 0, hostID: spec.idBase, size: IDS_PER_SESSION }
  const mapping = spec.idMap ?? [block]
  return {
    ociVersion: '1.0.0',
    process: process(spec),
    root: { path: spec.rootfs, readonly: true },
    hostname: HOSTNAME,
    mounts: sessionMounts(spec),
    annotations:
      spec.seccompProgram === null ? {} : { 'run.oci.seccomp_bpf_data': spec.seccompProgram },
    linux: {
      namespaces: [
        ...['pid', 'ipc', 'uts', 'mount', 'user', 'cgroup'].map((type) => ({ type })),
        network(spec.networkNamespace),
      ],
      uidMappings: mapping,
      gidMappings: mapping,
      // these are mounted last, so they would keep an intruder from the tripwire
      maskedPaths: MASKED.filter((path) => !isDecoy(spec, path)),
      readonlyPaths: READ_ONLY.filter((path) => !isDecoy(spec, path)),
      seccomp: spec.seccomp,
    },
  }
}

function network(path: string | null): { type: string; path?: string } {
  return path === null ? { type: 'network' } : { type: 'network', path }
}

function isDecoy({ decoys }: SandboxSpec, path: string): boolean {
  return decoys.some(({ target }) => target === path)
}

function process(spec: SandboxSpec): OciSpec['process'] {
  return {
    terminal: spec.terminal,
    user: { uid: AGENT_ID, gid: AGENT_ID, umask: 0o022, additionalGids: [] },
    // -p: init dies with the runtime that started it; -g: signals reach the whole process group
    args: [INIT, '-p', 'SIGKILL', '-g', '--', ...checkedArgv(spec.argv)],
    env: Object.entries(spec.env).map(([name, value]) => checkedVariable(name, value)),
    cwd: spec.cwd,
    capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    rlimits: [
      { type: 'RLIMIT_NOFILE', hard: spec.openFiles, soft: spec.openFiles },
      // a core file would carry the agent's memory into the workspace
      { type: 'RLIMIT_CORE', hard: 0, soft: 0 },
    ],
    noNewPrivileges: true,
    oomScoreAdj: OOM_SCORE_ADJ,
  }
}

/** An argument with a NUL would be cut short by the kernel: what was recorded is not what runs. */
function checkedArgv(argv: readonly string[]): readonly string[] {
  if (argv.length === 0) throw new SekishoError('USAGE', 'no command', { hint: 'name a command' })
  if (argv.some((argument) => argument.includes('\0'))) {
    throw new SekishoError('USAGE', 'an argument contains a NUL byte')
  }
  return argv
}

function checkedVariable(name: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0')) {
    throw new SekishoError('CONFIG_INVALID', `environment variable ${JSON.stringify(name)}`, {
      hint: 'use letters, digits and _ for the name, and no NUL in the value',
    })
  }
  return `${name}=${value}`
}

/** What /proc tells about the host, its kernel's memory, timers, keys and other users' load. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/key-users',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  // by which two sessions would know that they share a host
  '/proc/sys/kernel/random/boot_id',
  '/proc/timer_list',
  '/proc/timer_stats',
] as const

const READ_ONLY = [
  '/proc/bus',
  '/proc/fs',
  '/proc/irq',
  '/proc/sys',
  '/proc/sysrq-trigger',
] as const
