import { EXTRA_MOUNT_ROOTS } from '../core/mount-roots.ts'
import { TRIED, TRIED_CALLS, TRIED_TRIPWIRES, type Tried } from '../sandbox/standby.ts'
import type { Attested } from '../wire/sandbox.ts'
import type { SessionIds } from './identities.ts'
import type { ProcessFacts } from './sandbox-facts.ts'
import type { Trial } from './session-table.ts'

/** What the sandbox was to be, where the kernel's own words can be held against it. */
export type Expected = {
  /** of users, and the same of groups */
  idMap: SessionIds['map']
  agentUid: number
  /** the supervisor's own namespaces, of which the sandbox shares none */
  host: Readonly<Record<string, string>>
  /** `net:[inode]` of the session's network */
  network: string
  /** name of the cgroup that every process of the session is in */
  berth: string
  /** hierarchies that this host has; 0: none is delegated to the platform's user */
  hierarchies: number
  /** the system call filter must tell of calls */
  isFilterRecorded: boolean
  /** tripwires must tell of opens; where the kernel tells nobody, they deny them alone */
  tellsOpens: boolean
  /** whose shell tries and reports: an image's own can say what it likes */
  reporter: 'host' | 'image'
  /** the runtime can mount tripwires there */
  hasDecoysInProc: boolean
}

export type Evidence = {
  /** what the sandbox said of its attempts; undefined when it said nothing */
  tried: readonly Tried[]
  /** what the platform saw of them */
  trials: readonly Trial[]
  /** of the waiting process; null under a runtime whose processes the host does not see */
  facts: ProcessFacts | null
}

/**
 * The controls of one sandbox, each with whether it holds: attempts from inside, seen from outside
 * as well, and the kernel's account of the process. Pure.
 */
export function attest(evidence: Evidence, expected: Expected): Attested[] {
  const { facts } = evidence
  return [
    ...TRIED.map((control) => judgeAttempt(control, evidence, expected)),
    judgeStrangers(evidence, expected),
    ...TRIPWIRED.map((path) => judgeTripwire(path, evidence, expected)),
    ...(facts === null
      ? [{ control: 'process', held: null, detail: 'its processes are not the host kernel’s' }]
      : judgeFacts(facts, expected)),
  ]
}

function judgeAttempt(control: string, evidence: Evidence, expected: Expected): Attested {
  const result = evidence.tried.find((tried) => tried.control === control)?.result
  if (result === undefined) return { control, held: false, detail: 'not reported' }
  if (result === 'missing') return { control, held: null, detail: 'no program to try it with' }
  if (result === 'open') return { control, held: false, detail: 'it succeeded' }
  const syscall = TRIED_CALLS[control]?.syscall
  if (syscall === undefined || !expected.isFilterRecorded) {
    return expected.reporter === 'host'
      ? { control, held: true, detail: 'refused' }
      : { control, held: null, detail: 'refused, says the root file system’s own shell' }
  }
  const isSeen = evidence.trials.some((one) => one.kind === 'syscall' && one.syscall === syscall)
  return { control, held: isSeen, detail: isSeen ? 'refused and seen' : 'refused, not seen' }
}

const TRIPWIRED = ['/etc/shadow', '/proc/sys/kernel/core_pattern'] as const

/** Nothing but the platform's own attempts: an image's shell that tries others is none to wait for. */
function judgeStrangers({ trials }: Evidence, { isFilterRecorded }: Expected): Attested {
  const control = 'no-strange-attempts'
  if (!isFilterRecorded) {
    // what is seen there are files that the runtime itself opens on the guest's behalf
    return { control, held: null, detail: 'its calls are not the host kernel’s' }
  }
  const strange = trials.find((one) =>
    one.kind === 'syscall'
      ? !Object.values(TRIED_CALLS).some(({ syscall }) => syscall === one.syscall)
      : !TRIED_TRIPWIRES.includes(one.path),
  )
  const what = strange?.kind === 'syscall' ? strange.syscall : strange?.path
  return {
    control,
    held: strange === undefined,
    detail: strange === undefined ? 'holds' : `it tried ${what ?? ''}`.slice(0, 256),
  }
}

function judgeTripwire(path: string, { trials }: Evidence, expected: Expected): Attested {
  if (path.startsWith('/proc/') && !expected.hasDecoysInProc) {
    const detail = 'this runtime mounts nothing in /proc'
    return { control: `tripwire ${path}`, held: null, detail }
  }
  if (!expected.tellsOpens) {
    const detail = 'degraded: tripwires; it denies, and nothing is told of it'
    return { control: `tripwire ${path}`, held: null, detail }
  }
  const isSeen = trials.some((one) => one.kind === 'tripwire' && one.path === path)
  return { control: `tripwire ${path}`, held: isSeen, detail: isSeen ? 'told' : 'did not tell' }
}

function judgeFacts(facts: ProcessFacts, expected: Expected): Attested[] {
  const rows: [control: string, problem: string | undefined][] = [
    ['identity', identityProblem(facts, expected)],
    ['capabilities', capabilitiesProblem(facts)],
    ['no-new-privileges', facts.status['NoNewPrivs'] === '1' ? undefined : 'not set'],
    ['seccomp', facts.status['Seccomp'] === '2' ? undefined : 'no filter'],
    ['namespaces', namespacesProblem(facts, expected)],
    ['user-map', mapProblem(facts, expected)],
    ['cgroup', cgroupProblem(facts, expected)],
    ['mounts', mountsProblem(facts.mountinfo)],
    ['descriptors', descriptorsProblem(facts)],
    ['devices', devicesProblem(facts)],
    [
      'core-limit',
      /^Max core file size\s+0\s+0\s/m.test(facts.limits) ? undefined : 'cores are written',
    ],
    ['oom-score', Number(facts.oomScoreAdj) > 0 ? undefined : 'as the host’s own processes'],
  ]
  return rows.map(([control, problem]) =>
    control === 'cgroup' && expected.hierarchies === 0
      ? { control, held: null, detail: 'degraded: limits; no cgroup is delegated' }
      : { control, held: problem === undefined, detail: (problem ?? 'holds').slice(0, 256) },
  )
}

function identityProblem({ status }: ProcessFacts, { agentUid }: Expected): string | undefined {
  const ids = `${status['Uid'] ?? ''}\t${status['Gid'] ?? ''}`.split('\t')
  const isAgents = ids.length === 8 && ids.every((id) => id === String(agentUid))
  return isAgents ? undefined : `ids ${ids.join(' ')}`
}

function capabilitiesProblem({ status }: ProcessFacts): string | undefined {
  const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']
  const left = sets.filter((name) => !/^0+$/.test(status[name] ?? 'absent'))
  return left.length === 0 ? undefined : `${left.join(', ')} not empty`
}

function namespacesProblem({ namespaces }: ProcessFacts, expected: Expected): string | undefined {
  const shared = Object.keys(expected.host).filter(
    (type) => namespaces[type] === undefined || namespaces[type] === expected.host[type],
  )
  if (shared.length > 0) return `shared with the host: ${shared.join(', ')}`
  return namespaces['net'] === expected.network ? undefined : 'another network'
}

function mapProblem({ uidMap, gidMap }: ProcessFacts, { idMap }: Expected): string | undefined {
  const wanted = idMap.map((range) => `${range.containerID} ${range.hostID} ${range.size}`)
  const isExact = [uidMap, gidMap].every((map) => {
    const lines = map.trim().split('\n')
    return lines.map((line) => line.trim().replaceAll(/ +/g, ' ')).join() === wanted.join()
  })
  return isExact ? undefined : 'other ids than the session’s own'
}

function cgroupProblem({ cgroup }: ProcessFacts, expected: Expected): string | undefined {
  const within = cgroup.split('\n').filter((line) => line.endsWith(`/${expected.berth}`))
  return within.length >= expected.hierarchies
    ? undefined
    : `in ${within.length} of ${expected.hierarchies}`
}

/** What may be written at all; everything else is read-only. */
const WRITABLE =
  /^\/(?:$|tmp|home\/agent|run|workspace|dev(?:\/|$)|proc(?:$|\/sys\/kernel\/|\/kallsyms|\/kcore|\/sysrq-trigger)|var\/lib\/sekisho\/)/
const FILE_SYSTEMS = /^(?:overlay|tmpfs|ext4|xfs|btrfs|devpts|mqueue|proc)$/

type MountLine = { root: string; at: string; flags: readonly string[]; type: string }

/** proc(5): `id parent major:minor root mountpoint options fields… - type source superoptions` */
function parseMount(line: string): MountLine {
  const [before = '', after = ''] = line.split(' - ')
  const [, , , root = '', at = '', options = ''] = before.split(' ')
  return { root, at, flags: options.split(','), type: after.split(' ')[0] ?? '' }
}

/** @returns what of a sandbox's mounts would let it out, or write what is not its own */
export function mountsProblem(mountinfo: string): string | undefined {
  const mounts = mountinfo.trim().split('\n').map(parseMount)
  const rows = mounts.map((one) => setuidProblem(one) ?? writeProblem(one) ?? typeProblem(one))
  return rows.find((problem) => problem !== undefined)
}

function setuidProblem(mount: MountLine): string | undefined {
  const { at, flags } = mount
  if (flags.includes('nosuid') || isDevice(at) || isMask(mount)) return undefined
  return `${at} without nosuid`
}

function writeProblem(mount: MountLine): string | undefined {
  const { at, flags } = mount
  if (!flags.includes('rw') || isMask(mount)) return undefined
  const isPlatforms = at === '/' || at.startsWith('/.sekisho')
  const isRoom = EXTRA_MOUNT_ROOTS.some((root) => root === at)
  return !isPlatforms && (isRoom || WRITABLE.test(at)) ? undefined : `${at} is writable`
}

function typeProblem(mount: MountLine): string | undefined {
  const { at, flags, type } = mount
  if (type === 'proc') return at.startsWith('/proc') ? undefined : `proc at ${at}`
  const isKnown = FILE_SYSTEMS.test(type) || isDevice(at) || flags.includes('ro') || isMask(mount)
  return isKnown ? undefined : `${type} at ${at}`
}

/** Over something in /proc: an empty read-only file system, or /dev/null. */
function isMask({ root, at, flags, type }: MountLine): boolean {
  return (
    at.startsWith('/proc/') && (flags.includes('ro') || (type === 'devtmpfs' && root === '/null'))
  )
}

/** Bound from the host: a device node, of which the mount's own flags say nothing. */
function isDevice(at: string): boolean {
  return /^\/dev\/(?:console|null|zero|full|random|urandom|tty)$/.test(at)
}

function descriptorsProblem({ descriptors }: ProcessFacts): string | undefined {
  const strange = descriptors.filter(
    (to) => !/^(?:pipe:\[\d+\]|\/dev\/(?:pts\/\d+|console)|\/.*\/(?:ready|go))$/.test(to),
  )
  return strange.length === 0 ? undefined : `open: ${strange.join(' ')}`
}

const DEVICES = ['core', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm'].concat([
  'stderr',
  'stdin',
  'stdout',
  'tty',
  'urandom',
  'zero',
  'console',
])

function devicesProblem({ devices }: ProcessFacts): string | undefined {
  const strange = devices.filter((name) => !DEVICES.includes(name))
  return strange.length === 0 ? undefined : `in /dev: ${strange.join(' ')}`
}
