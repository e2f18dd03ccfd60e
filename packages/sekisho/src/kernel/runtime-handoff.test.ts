import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listenForDescriptors } from './descriptors.ts'
import { type TripwireEvent, watchTripwires } from './fanotify.ts'
import { createReactor, type Reactor } from './reactor.ts'
import { type AnswerCall, type InterceptedCall, nameCall, watchSyscalls } from './seccomp-notify.ts'
import { readWindowSize, writeWindowSize } from './terminal.ts'

const EPERM = 1
const errors: unknown[] = []
let bundle = ''
let reactor: Reactor
let runtime: ChildProcess | undefined
const open: { close(): void }[] = []

beforeEach(() => {
  bundle = mkdtempSync(join(tmpdir(), 'handoff-'))
  chmodSync(bundle, 0o711) // the container's root passes through
  reactor = createReactor({ onError: (error) => void errors.push(error) })
})
afterEach(async () => {
  if (runtime?.exitCode === null) {
    runtime.kill('SIGKILL')
    await once(runtime, 'exit')
  }
  for (const each of open.splice(0)) each.close()
  reactor.close()
  rmSync(bundle, { recursive: true })
})

type Bundle = { script: string; seccompSocket?: string; decoy?: string }

/** The host's /usr and /proc; with a seccomp socket, a terminal too. */
function writeBundle({ script, seccompSocket, decoy }: Bundle): void {
  const rootfs = join(bundle, 'rootfs')
  for (const name of ['usr', 'proc', 'dev', 'tmp'])
    mkdirSync(join(rootfs, name), { recursive: true })
  for (const name of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(rootfs, name))
  const range = [{ containerID: 0, hostID: 700_000, size: 65_536 }]
  const config = {
    ociVersion: '1.0.0',
    root: { path: 'rootfs', readonly: true },
    process: {
      terminal: seccompSocket !== undefined,
      user: { uid: 1000, gid: 1000 },
      args: ['/usr/bin/sh', '-c', script],
      env: ['PATH=/usr/bin', 'LC_ALL=C'],
      cwd: '/',
      noNewPrivileges: true,
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance'] },
      { destination: '/usr', type: 'none', source: '/usr', options: ['bind', 'ro'] },
      ...(decoy === undefined ? [] : [bindDecoy(decoy, rootfs)]),
    ],
    linux: {
      namespaces: ['pid', 'network', 'ipc', 'mount', 'user'].map((type) => ({ type })),
      uidMappings: range,
      gidMappings: range,
      ...(seccompSocket === undefined ? {} : { seccomp: seccompTo(seccompSocket) }),
    },
  }
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config))
}

function seccompTo(listenerPath: string): object {
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64'],
    listenerPath,
    listenerMetadata: 'session 7',
    syscalls: [{ names: ['unshare', 'keyctl'], action: 'SCMP_ACT_NOTIFY' }],
  }
}

function bindDecoy(source: string, rootfs: string): object {
  writeFileSync(join(rootfs, 'tmp', 'id_rsa'), '')
  return { destination: '/tmp/id_rsa', type: 'none', source, options: ['bind', 'ro'] }
}

/** In a mount namespace of its own with one plain cgroup hierarchy: crun refuses hybrid ones. */
function startRuntime(...options: string[]): ChildProcess {
  const run = ['run', '--bundle', bundle, ...options, `handoff-${process.pid}`]
  const crun = `exec crun --root ${bundle}/state --cgroup-manager=disabled ${run.join(' ')}`
  return spawn(
    'unshare',
    ['--mount', 'sh', '-c', `mount -t cgroup2 none /sys/fs/cgroup; ${crun}`],
    {
      // crun hands its standard streams to the agent's uid: never /dev/null or the runner's own
      stdio: 'pipe',
    },
  )
}

/** Reads the terminal to its end, which is EIO once nobody has the other side open. */
function readTerminal(terminal: number): Promise<string> {
  const ended = Promise.withResolvers<string>()
  let text = ''
  const unwatch = reactor.watch(terminal, () => {
    try {
      const chunk = Buffer.alloc(4096)
      text += chunk.toString('utf8', 0, readSync(terminal, chunk))
    } catch (error) {
      unwatch()
      closeSync(terminal)
      if (error instanceof Error && 'code' in error && error.code === 'EIO') ended.resolve(text)
      else ended.reject(error)
    }
  })
  return ended.promise
}

test('crun hands over its terminal and its seccomp listener, and refused calls are seen', async () => {
  const calls: InterceptedCall[] = []
  const states: unknown[] = []
  const terminal = Promise.withResolvers<number>()
  const seccompSocket = join(bundle, 'seccomp.sock')
  const consoleSocket = join(bundle, 'console.sock')
  const seccomp = listenForDescriptors(seccompSocket, reactor, (payload, [fd = -1]) => {
    states.push(JSON.parse(payload.toString()))
    const refuse: AnswerCall = (call) => {
      calls.push(call)
      return { errno: EPERM }
    }
    open.push(watchSyscalls(fd, reactor, refuse))
  })
  const console = listenForDescriptors(consoleSocket, reactor, (_payload, [fd = -1]) => {
    writeWindowSize(fd, { rows: 33, columns: 99 })
    terminal.resolve(fd)
  })
  open.push(seccomp, console)
  const script = 'unshare --user true; stty size; test -t 1 && echo terminal'
  writeBundle({ script, seccompSocket })
  runtime = startRuntime('--console-socket', consoleSocket)
  const exited = once(runtime, 'exit')
  const tooEarly = exited.then(() => Promise.reject(new Error('crun has ended without a terminal')))
  const fd = await Promise.race([terminal.promise, tooEarly])
  expect(readWindowSize(fd)).toEqual({ rows: 33, columns: 99 })
  expect(await readTerminal(fd)).toBe(
    'unshare: unshare failed: Operation not permitted\r\n33 99\r\nterminal\r\n',
  )
  expect(await exited).toEqual([0, null])
  expect(calls.map(nameCall)).toEqual(['unshare'])
  expect(states).toMatchObject([{ metadata: 'session 7', fds: ['seccompFd'] }])
  expect(errors).toEqual([])
})

test('crun binds a decoy in without an open, and the session trips over it', async () => {
  const decoy = join(bundle, 'decoy')
  const events: TripwireEvent[] = []
  writeFileSync(decoy, 'the decoy was read\n', { mode: 0o644 })
  const onOpen = (event: TripwireEvent): void => void events.push(event)
  const tripwires = watchTripwires({ reactor, onOpen })
  open.push(tripwires)
  tripwires.add(decoy)
  writeBundle({ script: 'exec 2>&1; stat -c %s /tmp/id_rsa; cat /tmp/id_rsa', decoy })
  runtime = startRuntime()
  let output = ''
  runtime.stdout?.on('data', (text: Buffer) => void (output += text.toString()))
  expect(await once(runtime, 'close')).toEqual([1, null])
  expect(output).toBe('19\ncat: /tmp/id_rsa: Operation not permitted\n')
  expect(events).toMatchObject([{ path: decoy, command: '/usr/bin/cat' }])
  expect(errors).toEqual([])
})
