import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkVersion, crunCommand, probeCrun } from './crun.ts'
import { ociSpec } from './oci-spec.ts'
import { seccompProfile } from './seccomp.ts'
import { SESSION, type TestSandbox, testSandbox, WRAP } from './testing/sandbox.ts'

let sandbox: TestSandbox
beforeAll(async () => {
  sandbox = await testSandbox()
})
afterAll(() => sandbox.remove())

test('the command line, with every path a positional argument', () => {
  const { file, args } = crunCommand({
    id: 's-1',
    bundle: '/b',
    root: '/r',
    pidFile: '/p',
    consoleSocket: '/c',
    cgroupJoin: ['/cg/a b', "/cg/';reboot"],
  })
  expect([file, ...args.slice(0, 4)]).toEqual([
    '/usr/bin/setpriv',
    '--pdeathsig',
    'KILL',
    '/bin/sh',
    '-c',
  ])
  expect(args[4]).not.toContain('reboot')
  expect(args.slice(5)).toEqual(
    [
      ['sekisho-launch', '2', '/cg/a b', "/cg/';reboot"],
      ['/usr/bin/crun', '--root', '/r', '--cgroup-manager=disabled', 'run'],
      ['--bundle', '/b', '--pid-file', '/p', '--console-socket', '/c', 's-1'],
    ].flat(),
  )
})

/** The launcher alone: what would be crun prints its arguments. */
function launch(
  cgroupJoin: string[],
  stdio: ('pipe' | number)[] = ['pipe', 'pipe', 'pipe'],
): ChildProcess {
  const base = { id: 's-1', bundle: '/b', root: '/r', pidFile: '/p', cgroupJoin }
  const { file, args } = crunCommand(base)
  return spawn(
    file,
    args.map((arg) => (arg === '/usr/bin/crun' ? '/usr/bin/echo' : arg)),
    { stdio },
  )
}

test('it joins each cgroup before it becomes the runtime', async () => {
  const files = ['a', "b ';$(reboot)"].map((name) => join(sandbox.directory, name))
  const child = launch(files)
  let said = ''
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect(await once(child, 'close')).toEqual([0, null])
  expect(said).toBe('--root /r --cgroup-manager=disabled run --bundle /b --pid-file /p s-1\n')
  expect(files.map((path) => readFileSync(path, 'utf8'))).toEqual(['0\n', '0\n'])
})

test('a cgroup that cannot be joined stops it', async () => {
  expect(
    await once(
      launch(['/proc/none/cgroup.procs']).on('spawn', () => undefined),
      'close',
    ),
  ).toEqual([121, null])
})

test.for([
  ['/dev/null', 0],
  ['a file of the user’s', 1],
] as const)('%s as a standard stream stops it before its owner is changed', async ([name, fd]) => {
  const path = name === '/dev/null' ? name : join(sandbox.directory, 'out.txt')
  const opened = openSync(path, name === '/dev/null' ? 'r' : 'w')
  const stdio: ('pipe' | number)[] = ['pipe', 'pipe', 'pipe']
  stdio[fd] = opened
  const child = launch([], stdio)
  closeSync(opened)
  expect(await once(child, 'close')).toEqual([120, null])
})

/** A process that starts a session and then waits to be killed; stands in for the supervisor. */
const SUPERVISOR = `
const { spawn } = require('node:child_process')
const [file, ...args] = JSON.parse(process.argv[1])
const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
child.stdout.pipe(process.stdout)
setInterval(() => undefined, 1000)
`

test('when the supervisor dies, the runtime and everything inside die with it', async () => {
  const bundle = join(sandbox.directory, 'orphan')
  mkdirSync(bundle)
  const spec = sandbox.spec({
    argv: ['sh', '-c', 'setsid sleep 1000 & echo ready; exec sleep 1000'],
  })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(ociSpec(spec)))
  const pidFile = join(bundle, 'pid')
  const { file, args } = crunCommand({
    id: 'orphan',
    bundle,
    root: join(bundle, 'crun'),
    pidFile,
    cgroupJoin: [],
  })
  const [wrapper = '', ...wrap] = WRAP
  const supervisor = spawn(
    wrapper,
    [...wrap, process.execPath, '-e', SUPERVISOR, JSON.stringify([file, ...args])],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  await once(supervisor.stdout, 'data')
  const pid = (): number => Number(readFileSync(pidFile, 'utf8'))
  await expect.poll(pid).toBeGreaterThan(1) // written after the container's first output, perhaps
  const init = pid()
  const inside = readFileSync(`/proc/${init}/task/${init}/children`, 'utf8').trim().split(' ')
  expect(inside.length).toBeGreaterThan(0)
  expect([init, ...inside].filter(isAlive)).toEqual([init, ...inside])
  const gone = once(supervisor, 'close') // of its streams too, which the session's inherited
  supervisor.kill('SIGKILL')
  await gone
  await expect.poll(() => [init, ...inside].filter(isAlive)).toEqual([])
})

/** A zombie is dead; when it is reaped is its new parent's affair. */
function isAlive(pid: number | string): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+[ZX]/m.test(statusOf(pid))
}

function statusOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State:\tX' // gone since
  }
}

test('the probe proves a whole sandbox and returns a filter that later sessions carry', async () => {
  const listening = seccompProfile({ notify: true, listenerPath: '/none', metadata: SESSION })
  const probe = (over: Parameters<TestSandbox['spec']>[0]): ReturnType<typeof probeCrun> =>
    probeCrun({
      spec: ociSpec(sandbox.spec(over)),
      directory: join(sandbox.directory, 'probe'),
      root: join(sandbox.directory, 'probe-crun'),
      wrap: WRAP,
    })
  const listened = await probe({ seccomp: listening, terminal: true })
  expect(listened.version).toMatch(/^\d+\.\d+/)
  const { seccompProgram } = await probe({})
  expect(seccompProgram).not.toBe(listened.seccompProgram)
  const done = await sandbox.run(['sh', '-c', 'grep Seccomp: /proc/self/status; unshare -r true'], {
    seccompProgram,
  })
  expect([done.code, done.stdout]).toEqual([1, 'Seccomp:\t2\n'])
  expect(done.stderr).toContain('Operation not permitted')
  expect(existsSync(join(sandbox.directory, 'probe'))).toBe(false)
})

test('a host that cannot hold the sandbox is refused with what the runtime said', async () => {
  const spec = ociSpec(sandbox.spec({ networkNamespace: '/proc/self/fd/9999' }))
  const refused = probeCrun({
    spec,
    directory: join(sandbox.directory, 'refused'),
    root: join(sandbox.directory, 'probe-crun'),
    wrap: WRAP,
  })
  await expect(refused).rejects.toMatchObject({ code: 'HOST_UNSUPPORTED' })
  await expect(refused).rejects.toThrow(/crun create: .*9999/)
})

test.for([
  ['crun version 1.8.1\n+SECCOMP +CAP', '1.8.1'],
  ['crun version 1.21\ncommit: x\n+SYSTEMD +SECCOMP', '1.21'],
  ['crun version 2.0-rc1\n+SECCOMP', '2.0-rc1'],
] as const)('%j is good enough', ([text, want]) => {
  expect(checkVersion(text)).toBe(want)
})

test.for([
  'crun version 1.7.2\n+SECCOMP',
  'crun version 0.17\n+SECCOMP',
  'crun version 1.8.1\n+CAP',
  'runc',
])('%j is not', (text) => {
  expect(() => checkVersion(text)).toThrow(/older|cannot filter/)
})
