import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../core/error.ts'
import type { OciSpec } from './oci-types.ts'

const CRUN = '/usr/bin/crun'
const CRUN_TIMEOUT_MS = 10_000
const MAX_OUTPUT_CHARS = 4096
/** 1.8 is the first that connects a seccomp listener before it drops into the container */
const OLDEST = [1, 8] as const

export type CrunCommand = {
  /** container id: the session id */
  id: string
  /** directory of config.json */
  bundle: string
  /** state directory of crun, one per daemon instance; readable by root alone */
  root: string
  /** unix socket that receives the terminal's master side; only for `terminal: true` */
  consoleSocket?: string
  /** written by crun once the container exists: without it, no command ever ran */
  pidFile: string
  /** `cgroup.procs` files that the process enters before it becomes crun */
  cgroupJoin: readonly string[]
}

/**
 * Enters the cgroups, then becomes crun: nothing of a session ever runs outside its limits.
 *
 * It refuses a standard stream that is no pipe and no socket. crun 1.8 changes the owner of its
 * standard streams to the agent: given /dev/null, a terminal or a user's file, it hands *that* to
 * the agent's uid, on the host.
 */
const ENTER = `
for fd in 0 1 2; do
  [ -p /proc/self/fd/$fd ] || [ -S /proc/self/fd/$fd ] || exit 120
done
joins=$1; shift
while [ "$joins" -gt 0 ]; do
  echo 0 > "$1" || exit 121
  shift; joins=$((joins - 1))
done
`
const LAUNCH = `${ENTER}exec "$@"
`
/** Waits in its cgroups until it is told, on descriptor 3, which bundle to run. */
const BERTH = `${ENTER}
IFS= read -r id <&3 && IFS= read -r console <&3 || exit 122
exec 3<&-
exec ${CRUN} --root "$1" --cgroup-manager=disabled run --bundle "$2/$id" \\
  --pid-file "$2/$id/pid" \${console:+--console-socket "$console"} "$id"
`

export type BerthCommand = Pick<CrunCommand, 'root' | 'cgroupJoin'> & {
  /** directory of all bundles, each named after its session */
  bundles: string
}

/**
 * A launcher that is started before there is a session for it: joining a cgroup can cost the
 * kernel 10 ms, and starting a process 2. It reads two lines from descriptor 3, the session's id
 * and the console socket's path (empty for none), then becomes crun. At the end of its input it
 * exits 122. It dies with the supervisor, as {@link crunCommand}'s does.
 */
export function berthCommand(command: BerthCommand): { file: string; args: string[] } {
  const joins = [String(command.cgroupJoin.length), ...command.cgroupJoin]
  const script = ['/bin/sh', '-c', BERTH, 'sekisho-berth', ...joins]
  return {
    file: '/usr/bin/setpriv',
    args: ['--pdeathsig', 'KILL', ...script, command.root, command.bundles],
  }
}

/**
 * The command line that runs one session in the foreground and dies with the supervisor.
 *
 * Every path is a positional argument of the launcher, never text in its script. The parent of the
 * spawned process must be the supervisor's main thread: the death signal follows the thread.
 */
export function crunCommand(command: CrunCommand): { file: string; args: string[] } {
  const { consoleSocket } = command
  return {
    file: '/usr/bin/setpriv',
    args: [
      ['--pdeathsig', 'KILL', '/bin/sh', '-c', LAUNCH, 'sekisho-launch'],
      [String(command.cgroupJoin.length), ...command.cgroupJoin],
      [CRUN, '--root', command.root, '--cgroup-manager=disabled', 'run'],
      ['--bundle', command.bundle, '--pid-file', command.pidFile],
      consoleSocket === undefined ? [] : ['--console-socket', consoleSocket],
      [command.id],
    ].flat(),
  }
}

export type CrunProbe = { version: string; seccompProgram: string }

export type ProbeOptions = {
  /** a complete spec, as sessions will have it; it is created and never started */
  spec: OciSpec
  /** private directory for the probe's bundle; must not exist yet, is removed */
  directory: string
  /** crun's state directory */
  root: string
  /** put in front of every command; the supervisor, in its own mount namespace, needs none */
  wrap?: readonly string[]
}

/**
 * Proves at start-up that this machine can build a whole sandbox, and returns the compiled system
 * call filter, which later sessions carry in their spec: compiling costs 2 ms, each time.
 *
 * @throws SekishoError DEPENDENCY_MISSING, HOST_UNSUPPORTED with what crun said
 */
export async function probeCrun(options: ProbeOptions): Promise<CrunProbe> {
  const version = checkVersion(await crun(options, ['--version']))
  await mkdir(options.directory, { mode: 0o700 })
  try {
    await writeFile(
      join(options.directory, 'config.json'),
      JSON.stringify(compilable(options.spec)),
    )
    return { version, seccompProgram: await compile(options) }
  } finally {
    await rm(options.directory, { recursive: true })
  }
}

async function compile(options: ProbeOptions): Promise<string> {
  const id = 'probe'
  await crun(options, ['create', '--bundle', options.directory, id])
  try {
    return (await readFile(join(options.root, id, 'seccomp.bpf'))).toString('base64')
  } finally {
    await crun(options, ['delete', '--force', id])
  }
}

/** Without the listener, which nothing serves yet: the filter's text does not depend on it. */
function compilable(spec: OciSpec): OciSpec {
  const { listenerPath: _path, listenerMetadata: _metadata, ...seccomp } = spec.linux.seccomp
  const process = { ...spec.process, terminal: false }
  return { ...spec, process, annotations: {}, linux: { ...spec.linux, seccomp } }
}

/** @returns the version, such as `1.8.1` */
export function checkVersion(output: string): string {
  const version = /^crun version (\d+)\.(\d+)\S*/m.exec(output)
  if (version === null || !output.includes('+SECCOMP')) {
    throw new SekishoError('DEPENDENCY_MISSING', 'this crun cannot filter system calls', {
      hint: 'install the Debian package crun',
    })
  }
  const [text, major = '0', minor = '0'] = version
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
    throw new SekishoError('DEPENDENCY_MISSING', `${text} is older than ${OLDEST.join('.')}`, {
      hint: 'install a newer crun',
    })
  }
  return text.slice('crun version '.length)
}

function crun(options: ProbeOptions, args: readonly string[]): Promise<string> {
  const [file, ...rest] = [...(options.wrap ?? []), CRUN]
  const common = ['--root', options.root, '--cgroup-manager=disabled']
  return new Promise((resolve, reject) => {
    // pipes, so crun's change of their owner touches nothing
    const child = spawn(file, [...rest, ...common, ...args], {
      stdio: 'pipe',
      timeout: CRUN_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    const said = { out: '', err: '' }
    child.stdin.end()
    child.stdout.on('data', (chunk: Buffer) => (said.out = bounded(said.out, chunk)))
    child.stderr.on('data', (chunk: Buffer) => (said.err = bounded(said.err, chunk)))
    child.on('error', (cause) => reject(notInstalled(cause)))
    child.on('close', (code) => {
      if (code !== 0) reject(refused(args, said.err))
      else resolve(said.out)
    })
    // a created container keeps the pipes open: success must not wait for them
    if (args[0] === 'create') child.on('exit', (code) => code === 0 && resolve(said.out))
  })
}

function bounded(text: string, chunk: Buffer): string {
  return (text + chunk.toString()).slice(0, MAX_OUTPUT_CHARS)
}

function notInstalled(cause: Error): SekishoError {
  return new SekishoError('DEPENDENCY_MISSING', `crun cannot be started: ${cause.message}`, {
    hint: 'install the Debian package crun',
    cause,
  })
}

function refused(args: readonly string[], said: string): SekishoError {
  return new SekishoError('HOST_UNSUPPORTED', `crun ${args[0] ?? ''}: ${said.trim()}`, {
    hint: 'the kernel must allow user namespaces; /sys/fs/cgroup must be one plain hierarchy',
  })
}
