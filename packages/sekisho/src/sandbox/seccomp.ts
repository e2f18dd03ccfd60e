import { ALLOWED, RECORDED } from './syscalls.ts'

type Action = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_NOTIFY'

type Condition = {
  index: number
  value: number
  valueTwo?: number
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_GT' | 'SCMP_CMP_MASKED_EQ'
}

type Rule = {
  names: readonly string[]
  action: Action
  errnoRet?: number
  args?: readonly Condition[]
}

export type SeccompProfile = {
  defaultAction: Action
  /** for an action that refuses */
  defaultErrnoRet?: number
  /**
   * Entries beside the machine's own. Absent: libseccomp then kills a thread that enters through
   * `int 0x80` or the x32 table, where numbers differ and the list would not hold. Naming the own
   * one changes nothing: the compiled filter is the same, byte by byte.
   */
  architectures?: readonly string[]
  listenerPath?: string
  listenerMetadata?: string
  syscalls: readonly Rule[]
}

export type SeccompOptions =
  | {
      /** attack-shaped calls wait for the supervisor, which records and refuses them */
      notify: true
      /** unix socket of the supervisor, absolute; receives the notification descriptor */
      listenerPath: string
      /** session id; crun sends it along, the agent cannot */
      metadata: string
    }
  /** attack-shaped calls fail with EPERM in the kernel; nothing is recorded */
  | { notify: false }

/** Rules that stand or fall together: what the mutation of the profile takes away as one. */
export type RuleGroup = {
  id: string
  does: 'allow' | 'refuse'
  rules: readonly Rule[]
}

const EPERM = 1
/** memfd_create(2), Linux 6.3 */
const MFD_EXEC = 0x10
const ENOSYS = 38

/**
 * The system calls of a session: an allow-list, as data for the OCI runtime.
 *
 * What is not listed fails with ENOSYS, so that programs fall back (glibc tries `clone3`, then
 * `clone`); what is shaped like an attack is refused with EPERM after it was recorded.
 */
export function seccompProfile(options: SeccompOptions): SeccompProfile {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    ...(options.notify
      ? { listenerPath: options.listenerPath, listenerMetadata: options.metadata }
      : {}),
    syscalls: seccompGroups(options).flatMap(({ rules }) => rules),
  }
}

/**
 * The rules of {@link seccompProfile} in order.
 *
 * libseccomp refuses two rules that match the same arguments with different actions, so every
 * "all but" is written as disjoint rules, and no call is in two groups with different arguments.
 */
export function seccompGroups({ notify }: Pick<SeccompOptions, 'notify'>): readonly RuleGroup[] {
  const action: Pick<Rule, 'action' | 'errnoRet'> = notify
    ? { action: 'SCMP_ACT_NOTIFY' }
    : { action: 'SCMP_ACT_ERRNO', errnoRet: EPERM }
  const allow = (id: string, rules: readonly Matched[]): RuleGroup => ({
    id: `allow-${id}`,
    does: 'allow',
    rules: rules.map((rule) => ({ ...rule, action: 'SCMP_ACT_ALLOW' })),
  })
  const refuse = (id: string, rules: readonly Matched[]): RuleGroup => ({
    id: `refuse-${id}`,
    does: 'refuse',
    rules: rules.map((rule) => ({ ...rule, ...action })),
  })
  return [
    ...Object.entries(ALLOWED).map(([id, names]) => allow(id, [{ names }])),
    ...Object.entries(RECORDED).map(([id, names]) => refuse(id, [{ names }])),
    // no mark of the exec monitor can be put on such memory: what is run from it is seen by nobody
    allow('memory-file', where('memfd_create', [[maskedEq(1, MFD_EXEC, 0)]])),
    refuse('executable-memory', where('memfd_create', [[maskedEq(1, MFD_EXEC, MFD_EXEC)]])),
    allow('clone', where('clone', [[maskedEq(0, NAMESPACE_FLAGS, 0)]])),
    refuse('clone-namespace', where('clone', namespaceClones())),
    allow('unix-socket', where('socket', [[eq(0, AF_UNIX)]])),
    allow('route-socket', where('socket', [[eq(0, AF_NETLINK), eq(2, NETLINK_ROUTE)]])),
    allow('internet-socket', where('socket', internetSockets())),
    refuse('raw-socket', where('socket', rawSockets())),
    refuse('netlink-socket', where('socket', [[eq(0, AF_NETLINK), gt(2, NETLINK_ROUTE)]])),
    // with them any value with high bits set
    refuse('other-socket', where('socket', [[gt(0, AF_NETLINK)]])),
    allow('socketpair', where('socketpair', [[eq(0, AF_UNIX)]])),
    allow('ioctl', where('ioctl', harmlessIoctls())),
    refuse('tiocsti', where('ioctl', [[maskedEq(1, 0xffff, TIOCSTI)]])),
    refuse('tioclinux', where('ioctl', [[maskedEq(1, 0xffff, TIOCLINUX)]])),
    allow(
      'personality',
      where(
        'personality',
        HARMLESS_PERSONALITIES.map((p) => [eq(0, p)]),
      ),
    ),
    refuse('personality', where('personality', suspectPersonalities())),
  ]
}

type Matched = Pick<Rule, 'names' | 'args'>

function where(name: string, alternatives: readonly Condition[][]): Matched[] {
  return alternatives.map((args) => ({ names: [name], args }))
}

function eq(index: number, value: number): Condition {
  return { index, value, op: 'SCMP_CMP_EQ' }
}

function gt(index: number, value: number): Condition {
  return { index, value, op: 'SCMP_CMP_GT' }
}

/** The OCI field `value` is the mask, `valueTwo` what must be left under it. */
function maskedEq(index: number, mask: number, value: number): Condition {
  return { index, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' }
}

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET; NEWTIME is for clone3 alone. */
const NAMESPACE_BITS = [17, 25, 26, 27, 28, 29, 30] as const
const NAMESPACE_FLAGS = NAMESPACE_BITS.reduce<number>((flags, bit) => flags + 2 ** bit, 0)

/** One rule for each lowest flag that is set: disjoint, and together all but none. */
function namespaceClones(): Condition[][] {
  return NAMESPACE_BITS.map((bit) => {
    const upToBit = NAMESPACE_BITS.filter((other) => other <= bit)
    return [
      maskedEq(
        0,
        upToBit.reduce<number>((mask, other) => mask + 2 ** other, 0),
        2 ** bit,
      ),
    ]
  })
}

const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const AF_NETLINK = 16
const NETLINK_ROUTE = 0
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_RAW = 3
/** the socket type without SOCK_NONBLOCK and SOCK_CLOEXEC */
const TYPE_MASK = 0xf

/**
 * TCP and UDP over IPv4 and IPv6. The protocol is pinned because asking for SCTP, DCCP or MPTCP
 * loads kernel modules on behalf of the agent.
 *
 * Beside them unix sockets, and of netlink only routes, which `getifaddrs` reads: without it
 * `os.networkInterfaces()` throws in Node and takes common development servers with it. Changing a
 * route needs a capability over a namespace that the session does not own.
 */
function internetSockets(): Condition[][] {
  const tcp = [0, 6].map((protocol) => [SOCK_STREAM, protocol] as const)
  const udp = [0, 17].map((protocol) => [SOCK_DGRAM, protocol] as const)
  return [AF_INET, AF_INET6].flatMap((family) =>
    [...tcp, ...udp].map(([type, protocol]) => [
      eq(0, family),
      maskedEq(1, TYPE_MASK, type),
      eq(2, protocol),
    ]),
  )
}

function rawSockets(): Condition[][] {
  return [AF_INET, AF_INET6].map((family) => [eq(0, family), maskedEq(1, TYPE_MASK, SOCK_RAW)])
}

/** pushes bytes into a terminal's input, as if its user had typed them */
const TIOCSTI = 0x5412
/** pastes into a virtual console */
const TIOCLINUX = 0x541c

/**
 * All requests whose low 16 bits are neither TIOCSTI nor TIOCLINUX. The kernel reads 32 bits of a
 * 64-bit register, so an exact comparison would be passed by a set high bit (CVE-2019-10063).
 */
function harmlessIoctls(): Condition[][] {
  const sharedBits = [0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
  const lowest = TIOCSTI & 0xfff1
  const elsewhere = sharedBits.map((bit, position) => {
    const below = sharedBits.slice(0, position).reduce((mask, other) => mask | (1 << other), 0)
    const mask = below | (1 << bit)
    return [maskedEq(1, mask, (lowest & mask) ^ (1 << bit))]
  })
  const neighbours = [0x5410, 0x5414, 0x5416, 0x5418, 0x541a, 0x541e]
  return [...elsewhere, ...neighbours.map((request) => [maskedEq(1, 0xffff, request)])]
}

/** PER_LINUX, PER_LINUX32, UNAME26 with each, and the query */
const HARMLESS_PERSONALITIES = [0, 8, 0x20000, 0x20008, 0xffffffff] as const
/** ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC, MMAP_PAGE_ZERO: each weakens a defence */
const SUSPECT_PERSONALITIES = [0x40000, 0x400000, 0x100000] as const

/** Bit 0 in the mask keeps 0xffffffff, the query, out of these. */
function suspectPersonalities(): Condition[][] {
  return SUSPECT_PERSONALITIES.map((flag) => [maskedEq(0, flag + 1, flag)])
}
