import { expect, test } from 'vitest'
import { TRIED, TRIED_CALLS } from '../sandbox/standby.ts'
import { attest, type Evidence, type Expected } from './attestation.ts'
import type { ProcessFacts } from './sandbox-facts.ts'

const ID_BASE = 0x7000_0000
const AGENT = ID_BASE + 1000
const TYPES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts']

const expected: Expected = {
  idMap: [{ containerID: 0, hostID: ID_BASE, size: 65_536 }],
  agentUid: AGENT,
  host: Object.fromEntries(TYPES.map((type) => [type, `${type}:[1]`])),
  network: 'net:[7]',
  berth: 'berth-3',
  hierarchies: 2,
  isFilterRecorded: true,
  tellsOpens: true,
  hasDecoysInProc: true,
  reporter: 'host',
}

const MOUNTS = [
  '10 9 0:43 /rootfs / ro,nosuid,nodev - tmpfs tmpfs rw',
  '11 10 0:44 / /usr ro,nosuid,nodev - overlay overlay ro',
  '12 10 0:48 /tmp /tmp rw,nosuid,nodev - tmpfs tmpfs rw',
  '13 10 0:55 / /proc rw,nosuid,nodev,noexec - proc proc rw',
  '14 13 0:55 /sys /proc/sys ro - proc proc rw',
  '15 10 0:56 / /dev rw,nosuid,noexec - tmpfs tmpfs rw',
  '16 15 0:6 /null /dev/null rw,noexec - devtmpfs devtmpfs rw',
  '18 14 0:6 /null /proc/sys/kernel/random/boot_id rw - devtmpfs devtmpfs rw',
  '17 10 0:43 /s/berth-3/files /.sekisho/session ro,nosuid,nodev - tmpfs tmpfs rw',
]

const ids = [AGENT, AGENT, AGENT, AGENT].join('\t')
const facts: ProcessFacts = {
  status: {
    Uid: ids,
    Gid: ids,
    ...Object.fromEntries(
      ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((k) => [`Cap${k}`, '0'.repeat(16)]),
    ),
    NoNewPrivs: '1',
    Seccomp: '2',
  },
  namespaces: Object.fromEntries(TYPES.map((type) => [type, `${type}:[7]`])),
  mountinfo: `${MOUNTS.join('\n')}\n`,
  uidMap: `         0 ${ID_BASE}      65536\n`,
  gidMap: `         0 ${ID_BASE}      65536\n`,
  cgroup: '4:memory:/sekisho-x/berth-3\n0::/sekisho-x/berth-3\n1:cpuset:/\n',
  limits: 'Max core file size        0                    0                    bytes\n',
  oomScoreAdj: '500',
  descriptors: ['pipe:[1]', 'pipe:[2]', '/.sekisho/session/go'],
  devices: ['null', 'pts', 'tty'],
}

const evidence: Evidence = {
  tried: TRIED.map((control) => ({ control, result: 'refused' })),
  trials: [
    ...Object.values(TRIED_CALLS).map(({ syscall }) => ({ kind: 'syscall' as const, syscall })),
    { kind: 'tripwire', path: '/etc/shadow' },
    { kind: 'tripwire', path: '/proc/sys/kernel/core_pattern' },
  ],
  facts,
}

function failing(over: Partial<Evidence>): string[] {
  return attest({ ...evidence, ...over }, expected)
    .filter(({ held }) => held === false)
    .map(({ control }) => control)
}

test('a sandbox as it should be holds in every control', () => {
  const attested = attest(evidence, expected)
  expect(attested.filter(({ held }) => held !== true)).toEqual([])
  expect(attested.length).toBeGreaterThan(25)
})

const mounts = (line: string): Partial<ProcessFacts> => ({
  mountinfo: `${MOUNTS.join('\n')}\n${line}\n`,
})
const status = (name: string, value: string): Partial<ProcessFacts> => ({
  status: { ...facts.status, [name]: value },
})
const namespace = (type: string, link: string): Partial<ProcessFacts> => ({
  namespaces: { ...facts.namespaces, [type]: link },
})

test.for<{ name: string; over: Partial<ProcessFacts>; control: string }>([
  ...['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'].map((set) => ({
    name: `a capability in Cap${set}`,
    over: status(`Cap${set}`, '0000000000200000'),
    control: 'capabilities',
  })),
  { name: 'privileges to gain', over: status('NoNewPrivs', '0'), control: 'no-new-privileges' },
  { name: 'no filter', over: status('Seccomp', '0'), control: 'seccomp' },
  { name: 'the host’s root', over: status('Uid', '0\t0\t0\t0'), control: 'identity' },
  {
    name: 'a saved id of root',
    over: status('Uid', `${AGENT}\t${AGENT}\t0\t${AGENT}`),
    control: 'identity',
  },
  ...TYPES.map((type) => ({
    name: `the host’s ${type} namespace`,
    over: namespace(type, `${type}:[1]`),
    control: 'namespaces',
  })),
  { name: 'another session’s network', over: namespace('net', 'net:[8]'), control: 'namespaces' },
  { name: 'more ids', over: { uidMap: `0 ${ID_BASE} 131072` }, control: 'user-map' },
  { name: 'another session’s groups', over: { gidMap: '0 1 65536' }, control: 'user-map' },
  {
    name: 'a second line in the map',
    over: { uidMap: `0 ${ID_BASE} 65536\n70000 0 1` },
    control: 'user-map',
  },
  {
    name: 'one hierarchy not entered',
    over: { cgroup: '4:memory:/\n0::/sekisho-x/berth-3\n' },
    control: 'cgroup',
  },
  {
    name: 'another session’s cgroup',
    over: { cgroup: '4:memory:/x/berth-33\n0::/x/berth-33\n' },
    control: 'cgroup',
  },
  {
    name: 'setuid in the workspace',
    over: mounts('20 10 0:9 / /workspace rw,nodev - ext4 e rw'),
    control: 'mounts',
  },
  {
    name: 'setuid in /tmp',
    over: mounts('20 10 0:9 / /tmp rw,nodev - tmpfs t rw'),
    control: 'mounts',
  },
  {
    name: 'a writable /usr',
    over: mounts('20 10 0:9 / /usr rw,nosuid - overlay o rw'),
    control: 'mounts',
  },
  {
    name: 'a writable root',
    over: mounts('20 10 0:9 / / rw,nosuid - tmpfs t rw'),
    control: 'mounts',
  },
  {
    name: 'writable files of the platform',
    over: mounts('20 10 0:9 / /.sekisho/session rw,nosuid - tmpfs t rw'),
    control: 'mounts',
  },
  {
    name: 'a second /proc',
    over: mounts('20 10 0:9 / /tmp/p rw,nosuid - proc p rw'),
    control: 'mounts',
  },
  {
    name: 'a cgroup file system',
    over: mounts('20 10 0:9 / /tmp/c rw,nosuid - cgroup2 c rw'),
    control: 'mounts',
  },
  {
    name: 'a writable /proc/sys',
    over: mounts('20 13 0:9 /sys /proc/sys rw,nosuid - proc p rw'),
    control: 'mounts',
  },
  { name: 'a file left open', over: { descriptors: ['/etc/passwd'] }, control: 'descriptors' },
  { name: 'a socket left open', over: { descriptors: ['socket:[1]'] }, control: 'descriptors' },
  { name: 'a block device', over: { devices: ['null', 'vda'] }, control: 'devices' },
  {
    name: 'core files',
    over: { limits: 'Max core file size  unlimited  unlimited  bytes\n' },
    control: 'core-limit',
  },
  { name: 'the host’s own oom score', over: { oomScoreAdj: '0' }, control: 'oom-score' },
])('$name is seen by $control', ({ over, control }) => {
  expect(failing({ facts: { ...facts, ...over } })).toEqual([control])
})

test('an attempt that succeeds fails its control, and no other', () => {
  for (const control of TRIED) {
    const tried = evidence.tried.map((one) =>
      one.control === control ? { control, result: 'open' as const } : one,
    )
    expect(failing({ tried })).toEqual([control])
  }
})

test('an attempt that is not reported fails its control', () => {
  expect(failing({ tried: evidence.tried.slice(1) })).toEqual([TRIED[0]])
})

test('a refusal that the platform did not see fails: the record is part of the control', () => {
  expect(failing({ trials: [] })).toEqual([
    ...Object.keys(TRIED_CALLS),
    'tripwire /etc/shadow',
    'tripwire /proc/sys/kernel/core_pattern',
  ])
})

test.for<Evidence['trials'][number]>([
  { kind: 'syscall', syscall: 'mount' },
  { kind: 'tripwire', path: '/root/.ssh/id_rsa' },
])('an attempt that is none of the platform’s own fails: %o', (strange) => {
  expect(failing({ trials: [...evidence.trials, strange] })).toEqual(['no-strange-attempts'])
})

test('what cannot be tried is neither held nor failed, and says why', () => {
  const tried = evidence.tried.map((one) =>
    one.control === 'syscall-chroot' ? { ...one, result: 'missing' as const } : one,
  )
  const row = attest({ ...evidence, tried }, expected).find(
    ({ control }) => control === 'syscall-chroot',
  )
  expect(row).toEqual({
    control: 'syscall-chroot',
    held: null,
    detail: 'no program to try it with',
  })
})

test('a runtime without decoys in /proc does not claim the tripwire there', () => {
  const trials = evidence.trials.filter((one) => !('path' in one && one.path.startsWith('/proc/')))
  const rows = attest({ ...evidence, trials }, { ...expected, hasDecoysInProc: false })
  expect(rows.filter(({ held }) => held !== true)).toEqual([
    {
      control: 'tripwire /proc/sys/kernel/core_pattern',
      held: null,
      detail: 'this runtime mounts nothing in /proc',
    },
  ])
})

test('what an image’s own shell says is not taken for a fact, but for what was seen', () => {
  const rows = attest(evidence, { ...expected, reporter: 'image' })
  const believed = rows.filter(({ held }) => held !== true).map(({ control }) => control)
  expect(believed).toEqual(TRIED.filter((control) => TRIED_CALLS[control] === undefined))
  const silent = attest({ ...evidence, trials: [] }, { ...expected, reporter: 'image' })
  expect(silent.some(({ held }) => held === false)).toBe(true)
})

test('what an ordinary user’s platform lacks is claimed by nobody, and keeps no session back', () => {
  const trials = evidence.trials.filter(({ kind }) => kind !== 'tripwire')
  const inNoGroup = { ...facts, cgroup: '0::/\n' }
  const lacking = { ...expected, tellsOpens: false, hierarchies: 0 }
  const rows = attest({ ...evidence, trials, facts: inNoGroup }, lacking)
  expect(rows.filter(({ held }) => held !== true)).toEqual([
    ...['/etc/shadow', '/proc/sys/kernel/core_pattern'].map((path) => ({
      control: `tripwire ${path}`,
      held: null,
      detail: 'degraded: tripwires; it denies, and nothing is told of it',
    })),
    { control: 'cgroup', held: null, detail: 'degraded: limits; no cgroup is delegated' },
  ])
})

test('a map of several ranges is held against each of them', () => {
  const idMap = [
    { containerID: 0, hostID: 4096, size: 1000 },
    { containerID: 1000, hostID: 0, size: 1 },
  ]
  const map = '         0       4096       1000\n      1000          0          1\n'
  const judge = (uidMap: string): boolean | null | undefined =>
    attest({ ...evidence, facts: { ...facts, uidMap, gidMap: map } }, { ...expected, idMap }).find(
      ({ control }) => control === 'user-map',
    )?.held
  expect(judge(map)).toBe(true)
  expect(judge('0 4096 1000\n')).toBe(false)
  expect(judge(`${map}1001 5097 23\n`)).toBe(false)
})

test('a kernel of its own is told as such: nothing of its processes is claimed', () => {
  const opened = { kind: 'tripwire' as const, path: '/var/lib/sekisho/keyholder/log/1.log' }
  const rows = attest(
    { ...evidence, facts: null, trials: [...evidence.trials, opened] },
    { ...expected, isFilterRecorded: false },
  )
  expect(rows.filter(({ held }) => held === false)).toEqual([])
  expect(rows.at(-1)).toEqual({
    control: 'process',
    held: null,
    detail: 'its processes are not the host kernel’s',
  })
})
