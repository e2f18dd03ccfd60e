import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bindFunction, libc } from './libc.ts'
import { listOpen } from './open-descriptors.ts'
import {
  describeDescriptor,
  openPidfd,
  peerByNumber,
  peerOf,
  signalPidfd,
  takeDescriptor,
} from './pidfd.ts'
import { createPipe, createSocketPair } from './pipes.ts'

const NOBODY = 65534
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000
const accept4 = bindFunction<[fd: number, a: null, b: null, flags: number]>(
  'int accept4(int, void *, void *, int)',
)
let directory = ''
const owned: number[] = []
const children: ChildProcess[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pidfd-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) await end(child)
  for (const fd of owned.splice(0)) closeSync(fd)
  rmSync(directory, { recursive: true })
})

function own(fd: number): number {
  owned.push(fd)
  return fd
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A perl program that prints one line when it is ready and then waits for its input to end. */
async function startPerl(program: string, ...args: string[]): Promise<[ChildProcess, string]> {
  const child = spawn('perl', ['-e', `$|=1; ${program}; <STDIN>;`, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  children.push(child)
  const [line]: unknown[] = await once(child.stdout ?? child, 'data')
  return [child, String(line).trim()]
}

const BECOME_NOBODY = `$) = "${NOBODY} ${NOBODY}"; $> = ${NOBODY};`
const CONNECT = `use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0);
  connect(S, sockaddr_un($ARGV[0])) or die $!;`

/** @param program connects to the path in its first argument */
async function connectFrom(program: string): Promise<{ child: ChildProcess; socket: number }> {
  const path = join(directory, 's')
  const address = Buffer.alloc(110)
  address.writeUInt16LE(1)
  address.write(path, 2)
  const listener = own(libc.socket(1, SOCK_STREAM_CLOEXEC, 0))
  libc.bind(listener, address, address.length)
  libc.listen(listener, 1)
  chmodSync(directory, 0o711)
  chmodSync(path, 0o666)
  const [child] = await startPerl(`${program} print "connected\n"`, path)
  return { child, socket: own(accept4(listener, null, null, 0)) }
}

test.for([
  { name: 'by its own descriptor', find: (socket: number) => peerOf(socket).pidfd },
  { name: 'by its number, on an older kernel', find: peerByNumber },
])('a peer is found $name', async ({ find }) => {
  const { child, socket } = await connectFrom(`${BECOME_NOBODY} ${CONNECT}`)
  const { pidfd, ...credentials } = peerOf(socket)
  own(pidfd)
  expect(credentials).toEqual({ pid: child.pid, uid: NOBODY, gid: NOBODY })
  const found = own(find(socket))
  expect(signalPidfd(found, 'SIGTERM')).toBe(true)
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
})

test('a peer that has ended is not found by its number', async () => {
  const { child, socket } = await connectFrom(`${BECOME_NOBODY} ${CONNECT}`)
  await end(child)
  expect(() => peerByNumber(socket)).toThrow(/has gone|ESRCH/)
})

test('a process with other ids than the connection is not taken for its peer', async () => {
  const { child, socket } = await connectFrom(`${CONNECT} ${BECOME_NOBODY}`)
  const before = listOpen('pidfd')
  expect(() => peerByNumber(socket)).toThrow(`the peer, process ${child.pid}, has gone`)
  expect(listOpen('pidfd')).toEqual(before)
  const peer = peerOf(socket)
  own(peer.pidfd)
  expect(peer).toMatchObject({ pid: child.pid, uid: 0, gid: 0 })
})

test('a connection whose other end is closed has no peer by number', () => {
  const [ours, theirs] = createSocketPair()
  own(ours)
  closeSync(theirs)
  expect(() => peerByNumber(ours)).toThrow(`the peer, process ${process.pid}, has gone`)
})

test('a descriptor is taken out of another process and closes on exec', async () => {
  const path = join(directory, 'file')
  writeFileSync(path, 'what the child has open')
  const [child, number] = await startPerl('open F, "<", $ARGV[0]; print fileno(F), "\\n"', path)
  const pidfd = own(openPidfd(child.pid ?? 0))
  rmSync(path)
  const fd = own(takeDescriptor(pidfd, Number(number)))
  expect(readFileSync(fd, 'utf8')).toBe('what the child has open')
  expect(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')).toMatch(/^flags:\s+02\d{6}$/m)
  expect(() => takeDescriptor(pidfd, 999)).toThrow('pidfd_getfd: EBADF')
})

test('a process that has ended cannot be signalled, nor can its number be opened', async () => {
  const [child] = await startPerl('print "ready\\n"')
  const pidfd = own(openPidfd(child.pid ?? 0))
  expect(signalPidfd(pidfd, 0)).toBe(true)
  await end(child)
  expect(signalPidfd(pidfd, 0)).toBe(false)
  expect(signalPidfd(pidfd, 'SIGKILL')).toBe(false)
  expect(() => openPidfd(child.pid ?? 0)).toThrow('pidfd_open: ESRCH')
  expect(() => takeDescriptor(pidfd, 0)).toThrow('pidfd_getfd: ESRCH')
})

test('a descriptor is described by what stands behind it', () => {
  const pipe = createPipe()
  const pair = createSocketPair()
  const path = join(directory, 'file')
  writeFileSync(path, '')
  const kinds = {
    pipe: pipe.read,
    socket: pair[0],
    tty: openSync('/dev/ptmx', 'r+'),
    null: openSync('/dev/null', 'r'),
    file: openSync(path, 'r'),
    zero: openSync('/dev/zero', 'r'),
    directory: openSync(directory, 'r'),
  }
  owned.push(pipe.write, pair[1], ...Object.values(kinds))
  expect(Object.entries(kinds).map(([name, fd]) => [name, describeDescriptor(fd)])).toEqual([
    ['pipe', 'pipe'],
    ['socket', 'socket'],
    ['tty', 'tty'],
    ['null', 'null'],
    ['file', 'file'],
    ['zero', 'other'],
    ['directory', 'other'],
  ])
})

test('what is no socket has no peer', () => {
  const fd = own(openSync('/dev/null', 'r'))
  expect(() => peerOf(fd)).toThrow('getsockopt: ENOTSOCK')
})
