import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { listOpen } from './open-descriptors.ts'
import { openPidfd, takeDescriptor } from './pidfd.ts'
import { createReactor, type Reactor } from './reactor.ts'
import {
  type AnswerCall,
  type InterceptedCall,
  nameCall,
  SYSCALL_NAMES,
  watchSyscalls,
} from './seccomp-notify.ts'

const MOUNT = 165
const GETPPID = 110
const X32_MOUNT = 0x40000000 + MOUNT
const EPERM = 1

const errors: unknown[] = []
const children: ChildProcess[] = []
const watches: { close(): void }[] = []
let reactor: Reactor

beforeEach(() => {
  reactor = createReactor({ onError: (error) => void errors.push(error) })
})
afterEach(async () => {
  vi.useRealTimers()
  await Promise.all(children.splice(0).map(end))
  for (const watch of watches.splice(0)) watch.close()
  reactor.close()
  errors.length = 0
})

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** BPF: load the number, return USER_NOTIF where it is one of these, else ALLOW. */
function filterFor(numbers: readonly number[]): string {
  const line = (code: number, [yes, no]: [number, number], k: number): Buffer => {
    const instruction = Buffer.alloc(8)
    instruction.writeUInt16LE(code, 0)
    instruction.writeUInt8(yes, 2)
    instruction.writeUInt8(no, 3)
    instruction.writeUInt32LE(k, 4)
    return instruction
  }
  return Buffer.concat([
    line(0x20, [0, 0], 0),
    ...numbers.map((number, i) => line(0x15, [numbers.length - i, 0], number)),
    line(0x06, [0, 0], 0x7fff0000),
    line(0x06, [0, 0], 0x7fc00000),
  ]).toString('hex')
}

/** Puts itself under the filter, waits until we hold the listener, then runs the program. */
const PRELUDE = `$| = 1; my $code = pack("H*", $ARGV[0]);
  my $filter = pack("S x6 P", length($code) / 8, $code);
  syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
  my $listener = syscall(317, 1, 8, $filter); die "seccomp: $!" if $listener < 0;
  print "$listener\\n"; <STDIN>; syscall(3, $listener);
  sub call { my $r = syscall($_[0], 0, 0, 0, 0xdead, 0, 7); $r < 0 ? -($! + 0) : $r }
  sub try { print call($_[0]) . "\\n" }
  sub tryAs { print $_[0] . " " . call($_[1]) . "\\n" }`

type Confined = { child: ChildProcess; lines: AsyncIterator<string>; watch: { close(): void } }

async function confine(program: string, answer: AnswerCall): Promise<Confined> {
  const filter = filterFor([MOUNT, GETPPID, X32_MOUNT])
  const child = spawn('perl', ['-e', `${PRELUDE} ${program}`, filter], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const pidfd = openPidfd(child.pid ?? 0)
  const notifyFd = takeDescriptor(pidfd, Number(await nextLine(lines)))
  closeSync(pidfd)
  const watch = watchSyscalls(notifyFd, reactor, answer)
  watches.push(watch)
  child.stdin.write('go\n')
  return { child, lines, watch }
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  return done === true ? 'end of output' : value
}

test('a call is answered with the errno, and shows its number and arguments', async () => {
  const calls: InterceptedCall[] = []
  const { child, lines } = await confine(`try(${MOUNT});`, async (call) => {
    calls.push(call)
    await Promise.resolve()
    return { errno: 13 }
  })
  expect(await nextLine(lines)).toBe('-13')
  const args = [0n, 0n, 0n, 0xdeadn, 0n, 7n]
  expect(calls).toEqual([{ pid: child.pid, nr: MOUNT, abi: 'x86-64', args }])
  expect(errors).toEqual([])
})

test('a call that the kernel would have allowed is never continued', async () => {
  const { lines } = await confine(`try(${GETPPID});`, () => ({ errno: EPERM }))
  expect(await nextLine(lines)).toBe('-1')
})

test.for([
  { name: 'no errno, which would mean success', answer: () => ({ errno: 0 }) },
  { name: 'a negative errno', answer: () => ({ errno: -1 }) },
  { name: 'an errno beyond the largest', answer: () => ({ errno: 4096 }) },
  { name: 'a rejection', answer: () => Promise.reject(new Error('log is gone')) },
  {
    name: 'a throw',
    answer: () => {
      throw new Error('log is gone')
    },
  },
])('$name becomes EPERM and is reported', async ({ answer }) => {
  const { lines } = await confine(`try(${GETPPID});`, answer)
  expect(await nextLine(lines)).toBe('-1')
  expect(errors).toHaveLength(1)
})

test('an answer that never comes becomes EPERM after ten seconds', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const asked = Promise.withResolvers<void>()
  const { lines } = await confine(`try(${GETPPID});`, () => {
    asked.resolve()
    return new Promise(() => {})
  })
  await asked.promise
  await vi.advanceTimersByTimeAsync(9_999)
  expect(errors).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(await nextLine(lines)).toBe('-1')
  expect(errors).toMatchObject([
    { code: 'TIMEOUT', message: 'the answer to getppid took more than 10000 ms' },
  ])
})

test('several callers wait at once, and each gets its own answer', async () => {
  const waiting: { pid: number; answer: (errno: number) => void }[] = []
  const everyone = Promise.withResolvers<void>()
  const forks = `for (1..5) { next if fork; tryAs($$, ${MOUNT}); exit } 1 while wait > 0;`
  const answer: AnswerCall = ({ pid }) =>
    new Promise((resolve) => {
      waiting.push({ pid, answer: (errno) => resolve({ errno }) })
      if (waiting.length === 5) everyone.resolve()
    })
  const { lines } = await confine(forks, answer)
  await everyone.promise
  for (const [i, caller] of waiting.toReversed().entries()) caller.answer(20 + i)
  const printed = await Promise.all(waiting.map(() => nextLine(lines)))
  const expected = waiting.toReversed().map(({ pid }, i) => `${pid} -${20 + i}`)
  expect(printed.toSorted()).toEqual(expected.toSorted())
})

test('more callers than may wait are all answered in the end', async () => {
  let asked = 0
  const release = Promise.withResolvers<void>()
  const forks = `for (1..100) { next if fork; try(${MOUNT}); exit } 1 while wait > 0;`
  const { child, lines } = await confine(forks, async () => {
    asked += 1
    await release.promise
    return { errno: EPERM }
  })
  await expect.poll(() => countBlocked(child, MOUNT)).toBe(100)
  expect(asked).toBe(64)
  release.resolve()
  const printed = await Promise.all(Array.from({ length: 100 }, () => nextLine(lines)))
  expect({ printed, asked }).toEqual({
    printed: Array.from({ length: 100 }, () => '-1'),
    asked: 100,
  })
})

/** How many children of a process are inside the call, by /proc/PID/syscall. */
function countBlocked({ pid }: ChildProcess, nr: number): number {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  const inCall = (each: string): boolean =>
    readFileSync(`/proc/${each}/syscall`, 'utf8').startsWith(`${nr} `)
  return pids.filter(Boolean).filter(inCall).length
}

test('a caller that is killed while others live is dropped without a report', async () => {
  const held = Promise.withResolvers<{ errno: number }>()
  const asked = Promise.withResolvers<number>()
  const answers = [held.promise, Promise.resolve({ errno: 5 })]
  const program = `if (!fork) { try(${MOUNT}) } wait; print "reaped\n"; <STDIN>; try(${MOUNT});`
  const { child, lines } = await confine(program, async ({ pid }) => {
    asked.resolve(pid)
    return (await answers.shift()) ?? { errno: 99 }
  })
  process.kill(await asked.promise, 'SIGKILL')
  expect(await nextLine(lines)).toBe('reaped')
  held.resolve({ errno: 4 })
  child.stdin?.write('go\n')
  expect(await nextLine(lines)).toBe('-5')
  expect(errors).toEqual([])
})

test('a caller that dies while it waits is dropped, and the listener ends with it', async () => {
  const asked = Promise.withResolvers<void>()
  const held = Promise.withResolvers<{ errno: number }>()
  const { child } = await confine(`try(${MOUNT});`, () => {
    asked.resolve()
    return held.promise
  })
  await asked.promise
  expect(listOpen('seccomp notify')).toHaveLength(1)
  await end(child)
  held.resolve({ errno: EPERM })
  await expect.poll(() => listOpen('seccomp notify').length).toBe(0)
  expect(errors).toEqual([])
})

test('once closed, a caller is refused and never let through', async () => {
  const asked = Promise.withResolvers<void>()
  const { lines, watch } = await confine(`try(${GETPPID}); try(${GETPPID});`, () => {
    asked.resolve()
    return new Promise(() => {})
  })
  await asked.promise
  watch.close()
  watch.close()
  const ENOSYS = 38
  expect([await nextLine(lines), await nextLine(lines)]).toEqual([`-${ENOSYS}`, `-${ENOSYS}`])
})

test('a call by another ABI does not pass under an x86-64 name', async () => {
  const calls: InterceptedCall[] = []
  const { lines } = await confine(`try(${X32_MOUNT});`, (call) => {
    calls.push(call)
    return { errno: EPERM }
  })
  expect(await nextLine(lines)).toBe('-1')
  expect(calls.map(nameCall)).toEqual([`x32 syscall ${MOUNT}`])
  expect(nameCall({ nr: 21, abi: 'i386' })).toBe('i386 syscall 21')
})

test.for([
  [0, 'read'],
  [16, 'ioctl'],
  [41, 'socket'],
  [56, 'clone'],
  [101, 'ptrace'],
  [155, 'pivot_root'],
  [165, 'mount'],
  [166, 'umount2'],
  [175, 'init_module'],
  [246, 'kexec_load'],
  [250, 'keyctl'],
  [272, 'unshare'],
  [298, 'perf_event_open'],
  [304, 'open_by_handle_at'],
  [308, 'setns'],
  [310, 'process_vm_readv'],
  [321, 'bpf'],
  [323, 'userfaultfd'],
  [334, 'rseq'],
  [424, 'pidfd_send_signal'],
  [425, 'io_uring_setup'],
  [428, 'open_tree'],
  [435, 'clone3'],
  [442, 'mount_setattr'],
  [462, 'mseal'],
] as const)('number %i is %s', ([nr, name]) => {
  expect(SYSCALL_NAMES.get(nr)).toBe(name)
  expect(nameCall({ nr, abi: 'x86-64' })).toBe(name)
})

test('a number without a name stays a number', () => {
  expect(nameCall({ nr: 400, abi: 'x86-64' })).toBe('syscall 400')
})
