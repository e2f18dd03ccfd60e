import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seccompProfile } from './seccomp.ts'
import { ALLOWED, RECORDED } from './syscalls.ts'
import { type TestSandbox, testSandbox } from './testing/sandbox.ts'

const profile = seccompProfile({ notify: false })
const recorded = seccompProfile({ notify: true, listenerPath: '/run/l', metadata: 's-1' })

/** What the kernel would do, by the OCI rules: 64-bit unsigned arguments, first match. */
function decide(name: string, args: readonly bigint[]): string {
  const matching = recorded.syscalls.filter(
    (rule) =>
      rule.names.includes(name) &&
      (rule.args ?? []).every((condition) => {
        const value = BigInt.asUintN(64, args[condition.index] ?? 0n)
        const wanted = BigInt(condition.value)
        if (condition.op === 'SCMP_CMP_EQ') return value === wanted
        if (condition.op === 'SCMP_CMP_GT') return value > wanted
        return (value & wanted) === BigInt(condition.valueTwo ?? 0)
      }),
  )
  expect(matching.length, `${name}(${args.join()}) matches more than one rule`).toBeLessThan(2)
  return matching[0]?.action ?? 'default'
}

const register = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

test('no call is both allowed and recorded', () => {
  const names = [ALLOWED, RECORDED].flatMap((groups) => Object.values(groups).flat())
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

test('the listener is named only when there is one', () => {
  expect([profile.listenerPath, profile.listenerMetadata]).toEqual([undefined, undefined])
  expect([recorded.listenerPath, recorded.listenerMetadata]).toEqual(['/run/l', 's-1'])
})

test('without notification the same calls fail with EPERM', () => {
  const rules = profile.syscalls.map(({ errnoRet, ...rule }) =>
    errnoRet === 1 ? { ...rule, action: 'SCMP_ACT_NOTIFY' } : rule,
  )
  expect(rules).toEqual(recorded.syscalls)
})

test('clone with any namespace flag is recorded, without one it is allowed', () => {
  const namespaces = 0x7e020000n
  fc.assert(
    fc.property(register, (flags) => {
      const want = (flags & namespaces) === 0n ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_NOTIFY'
      expect(decide('clone', [flags])).toBe(want)
    }),
  )
})

test('ioctl is refused exactly for TIOCSTI and TIOCLINUX, whatever the upper 48 bits say', () => {
  const near = fc.bigInt({ min: 0x5400n, max: 0x5430n })
  const request = fc.oneof(register, near, fc.constantFrom(0x5412n, 0x541cn))
  fc.assert(
    fc.property(request, register, (low, high) => {
      const value = ((high & ~0xffffn) | (low & 0xffffn)) & (2n ** 64n - 1n)
      const want = [0x5412n, 0x541cn].includes(low & 0xffffn) ? 'SCMP_ACT_NOTIFY' : 'SCMP_ACT_ALLOW'
      expect(decide('ioctl', [0n, value])).toBe(want)
    }),
  )
})

test.for([
  ['a unix socket', [1n, 1n, 0n], 'SCMP_ACT_ALLOW'],
  ['TCP, close-on-exec', [2n, 0x80001n, 6n], 'SCMP_ACT_ALLOW'],
  ['UDP over IPv6, non-blocking', [10n, 0x802n, 0n], 'SCMP_ACT_ALLOW'],
  ['route netlink', [16n, 3n, 0n], 'SCMP_ACT_ALLOW'],
  ['netfilter netlink', [16n, 3n, 12n], 'SCMP_ACT_NOTIFY'],
  ['a raw socket', [2n, 3n, 1n], 'SCMP_ACT_NOTIFY'],
  ['a raw IPv6 socket, close-on-exec', [10n, 0x80003n, 58n], 'SCMP_ACT_NOTIFY'],
  ['a packet socket', [17n, 3n, 3n], 'SCMP_ACT_NOTIFY'],
  ['vsock', [40n, 1n, 0n], 'SCMP_ACT_NOTIFY'],
  ['a family with high bits', [0x1_0000_0002n, 1n, 0n], 'SCMP_ACT_NOTIFY'],
  ['SCTP', [2n, 1n, 132n], 'default'],
  ['a ping socket', [2n, 2n, 1n], 'default'],
  ['MPTCP', [2n, 1n, 262n], 'default'],
] as const)('socket: %s is %s', ([, args, want]) => {
  expect(decide('socket', args)).toBe(want)
})

test('no socket argument matches two rules', () => {
  const small = fc.bigInt({ min: 0n, max: 50n })
  const any = fc.oneof(small, register)
  fc.assert(fc.property(any, any, any, (...args) => typeof decide('socket', args) === 'string'))
})

test.for([
  [0n, 'SCMP_ACT_ALLOW'],
  [0xffffffffn, 'SCMP_ACT_ALLOW'],
  [0x40000n, 'SCMP_ACT_NOTIFY'],
  [0x400000n, 'SCMP_ACT_NOTIFY'],
  [0x100000n, 'SCMP_ACT_NOTIFY'],
  [0x1n, 'default'],
] as const)('personality %s is %s', ([value, want]) => {
  expect(decide('personality', [value])).toBe(want)
})

let sandbox: TestSandbox
beforeAll(async () => {
  sandbox = await testSandbox()
})
afterAll(() => sandbox.remove())

const WORKS = `
set -e
node -e 'console.log("node", require("os").networkInterfaces().lo.length > 0)'
python3 -c 'import threading, subprocess, multiprocessing; print("python", subprocess.check_output(["echo", "ok"]).decode().strip())'
git init -q . && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && git log --format='git %s'
printf '#include <stdio.h>\\nint main(void) { puts("gcc ok"); return 0; }\\n' > hello.c && gcc -o hello hello.c && ./hello
perl -e 'print "perl ok\\n"'
bash -ic 'set -m; sleep 100 & kill %1; wait %1 || echo jobs $?' 2>/dev/null
curl --version | head -c 4; echo
if [ -x /usr/bin/java ]; then java -version 2>&1 | grep -qi openjdk; echo java ok; else echo java ok; fi
`

test('compilers, interpreters, git and job control work under the filter', async () => {
  const done = await sandbox.run(['bash', '-c', WORKS])
  expect(done.stdout.split('\n')).toEqual([
    'node true',
    'python ok',
    'git x',
    'gcc ok',
    'perl ok',
    'jobs 143',
    'curl',
    'java ok',
    '',
  ])
  expect(done.code, done.stderr).toBe(0)
})

const PROBE = `
import ctypes, json, os
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *[ctypes.c_ulong(a) for a in args])
    return 'done' if result >= 0 else os.strerror(ctypes.get_errno())
numbers = json.loads(os.environ['CALLS'])
print(json.dumps({name: call(*numbers[name]) for name in numbers}))
`

const CALLS: Record<string, readonly number[]> = {
  mount: [165, 0, 0, 0, 0, 0],
  umount2: [166, 0, 0],
  pivot_root: [155, 0, 0],
  chroot: [161, 0],
  setns: [308, 0, 0],
  'unshare nothing': [272, 0],
  'clone NEWUSER': [56, 0x10000011, 0, 0, 0, 0],
  'clone NEWNET': [56, 0x40000011, 0, 0, 0, 0],
  ptrace: [101, 0, 0, 0, 0],
  process_vm_readv: [310, 1, 0, 0, 0, 0, 0],
  keyctl: [250, 0, 0, 0, 0, 0],
  add_key: [248, 0, 0, 0, 0, 0],
  bpf: [321, 0, 0, 0],
  perf_event_open: [298, 0, 0, 0, 0, 0],
  userfaultfd: [323, 0],
  io_uring_setup: [425, 1, 0],
  open_by_handle_at: [304, 0, 0, 0],
  init_module: [175, 0, 0, 0],
  kexec_load: [246, 0, 0, 0, 0],
  fsopen: [430, 0, 0],
  open_tree: [428, 0, 0, 0],
  mount_setattr: [442, 0, 0, 0, 0, 0],
  reboot: [169, 0, 0, 0, 0],
  syslog: [103, 2, 0, 0],
  fanotify_init: [300, 0, 0],
  kcmp: [312, 1, 1, 0, 0, 0],
  sethostname: [170, 0, 0],
  'raw socket': [41, 2, 3, 1],
  'packet socket': [41, 17, 3, 3],
  vsock: [41, 40, 1, 0],
  TIOCSTI: [16, 0, 0x5412, 0],
  'TIOCSTI with high bits': [16, 0, 0x7_0000_5412, 0],
  'personality no-randomize': [135, 0x40000],
}
const UNKNOWN: Record<string, readonly number[]> = {
  clone3: [435, 0, 0],
  vmsplice: [278, 0, 0, 0, 0],
  modify_ldt: [154, 0, 0, 0],
  memfd_secret: [447, 0],
  'a call of the future': [999],
}

test('each forbidden call fails in a real session', async () => {
  const env = { PATH: '/usr/bin', CALLS: JSON.stringify({ ...CALLS, ...UNKNOWN }) }
  const done = await sandbox.run(['python3', '-c', PROBE], { env })
  const want = [
    ...Object.keys(CALLS).map((name) => [name, 'Operation not permitted']),
    ...Object.keys(UNKNOWN).map((name) => [name, 'Function not implemented']),
  ]
  expect(JSON.parse(done.stdout || '{}'), done.stderr).toEqual(Object.fromEntries(want))
})

const ENTRY = (code: string): string => `
import ctypes, mmap
code = bytes.fromhex('${code}')
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
entry = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print('pid', entry())
`

test.for([
  // mov eax, 39 (getpid); syscall; ret
  {
    name: 'a native getpid returns',
    code: 'b8270000000f05c3',
    want: { code: 0, out: /^pid \d+\n$/ },
  },
  // mov eax, 20 (getpid of i386); int 0x80; ret
  { name: 'int 0x80 kills the thread', code: 'b814000000cd80c3', want: { code: 159, out: /^$/ } },
  // mov eax, 0x40000027 (getpid of x32); syscall; ret
  {
    name: 'the x32 table kills the thread',
    code: 'b8270000400f05c3',
    want: { code: 159, out: /^$/ },
  },
])('$name', async ({ code, want }) => {
  const done = await sandbox.run(['python3', '-c', ENTRY(code)])
  expect(done.stdout).toMatch(want.out)
  expect(done.code, done.stderr).toBe(want.code)
})
