import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Cgroups, openCgroups, type SessionCgroup } from '../../cgroup.ts'
import { launchCommand } from '../../launch.ts'
import { AGENT_ID } from '../../layout.ts'
import { ociSpec, type SandboxSpec } from '../../oci-spec.ts'
import { buildRootfs } from '../../rootfs.ts'
import { seccompProfile } from '../../seccomp.ts'
import type { Runtime, RuntimeProbe } from '../runtime.ts'

export const ID_BASE = 1_879_048_192
export const SCRATCH = { bytes: 1024 * 1024, inodes: 64 } as const

/**
 * In front of a runtime: a mount namespace with one plain cgroup hierarchy, a scratch, a root as
 * the supervisor has it, and a network of lo and, to tell it from any other, a pair `told`. $1 is the
 * scratch, $2 the id base, $3 the root.
 */
const GROUND = `
mount -t cgroup2 none /sys/fs/cgroup
mount --bind "$3" "$3"; mount -o remount,bind,nosuid,nodev "$3"
unshare --net="$1-net" sh -ec 'ip link set lo up; ip link add told0 type veth peer name told1'
mount -t tmpfs -o mode=755,size=${SCRATCH.bytes},nr_inodes=${SCRATCH.inodes} scratch "$1"
agent=$(($2 + ${AGENT_ID})); cd "$1"
install -d -m 1777 -o "$2" -g "$2" tmp shm; install -d -o "$agent" -g "$agent" home run
cd /; shift 3; exec "$@"
`

export type Running = {
  child: ChildProcess
  cgroup: SessionCgroup
  bundle: string
  pidFile: string
  /** resolves when the runtime has ended and its pipes are closed */
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

export type Start = Partial<SandboxSpec> & {
  argv: readonly string[]
  consoleSocket?: string
  /** what becomes of the launcher's command line, which else is spawned */
  startWith?: (command: { file: string; args: string[] }) => { file: string; args: string[] }
}

export type Bed = {
  directory: string
  /** every path of the root file system, as it was built */
  builtRoot: string[]
  workspace: string
  /** where the runtime keeps its state */
  root: string
  /** this runtime's on this machine */
  probed: RuntimeProbe
  /** tries this runtime once more, with another spec */
  probe(over: Partial<SandboxSpec>): Promise<RuntimeProbe>
  start(start: Start): Running
  /** a whole run, without input */
  run(start: Start): Running['ended']
  remove(): void
}

/** Real sandboxes under one runtime, each in its own cgroup. */
export async function makeBed(runtime: Runtime): Promise<Bed> {
  const directory = mkdtempSync(join(tmpdir(), `sekisho-${runtime.name}-`))
  chmodSync(directory, 0o711) // the sandbox's root passes through
  const cgroups = openOwnCgroups(`contract-${runtime.name}-${process.pid}`)
  const builtRoot = await buildRoot(join(directory, 'rootfs'))
  for (const name of ['root', 'files', 'workspace']) mkdirSync(join(directory, name))
  const workspace = join(directory, 'workspace')
  chownSync(workspace, ID_BASE + AGENT_ID, ID_BASE + AGENT_ID)
  const root = join(directory, 'root')
  const probe = (over: Partial<SandboxSpec> = {}): Promise<RuntimeProbe> =>
    runtime.probe({
      spec: ociSpec({
        ...specIn(directory, { argv: ['true'], scratch: probeScratch }),
        seccomp: seccompProfile({ notify: true, listenerPath: '/none', metadata: 'probe' }),
        ...over,
      }),
      directory: join(directory, 'probe'),
      root,
      wrap: groundFor(probeScratch),
    })
  const probeScratch = makeScratch(directory, 'probe-scratch')
  const remove = (): void => {
    cgroups.close()
    rmSync(directory, { recursive: true })
  }
  const probed = await probe().catch((error: unknown) => {
    remove()
    throw error
  })
  let runs = 0
  const start = (asked: Start): Running => {
    const id = `${runtime.name}-${process.pid}-${runs++}`
    return startIn({ directory, root, id, runtime, cgroup: cgroups.create(id, LIMITS), asked })
  }
  return {
    directory,
    builtRoot,
    workspace,
    root,
    probed,
    probe,
    start,
    run: (asked) => {
      const running = start(asked)
      running.child.stdin?.end()
      return running.ended
    },
    remove,
  }
}

/** With a directory in it that the agent owns. */
async function buildRoot(rootfs: string): Promise<string[]> {
  await buildRootfs({ directory: rootfs, host: '/' })
  mkdirSync(join(rootfs, 'srv/owned'))
  chownSync(join(rootfs, 'srv/owned'), ID_BASE + AGENT_ID, ID_BASE + AGENT_ID)
  return listing(rootfs)
}

const LIMITS = { memoryBytes: 512 * 1024 * 1024, pids: 256, cpuMillis: 2000 }

function openOwnCgroups(instance: string): Cgroups {
  return openCgroups({
    instance,
    under: '/sys/fs/cgroup',
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  })
}

type Starting = {
  directory: string
  root: string
  id: string
  runtime: Runtime
  cgroup: SessionCgroup
  asked: Start
}

function startIn({ directory, root, id, runtime, cgroup, asked }: Starting): Running {
  const { consoleSocket = null, startWith = (command) => command, ...over } = asked
  const scratch = makeScratch(directory, `scratch-${id}`)
  const bundle = join(directory, id)
  const pidFile = join(bundle, 'pid')
  mkdirSync(bundle, { mode: 0o755 })
  const config = runtime.adapt(ociSpec(specIn(directory, { scratch, ...over })))
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 })
  const command = runtime.command({ id, bundle, root, pidFile, consoleSocket })
  const { file, args } = startWith(
    launchCommand({
      cgroupJoin: cgroup.joinPaths,
      command: ['/usr/bin/env', ...groundFor(scratch), ...command],
    }),
  )
  const child = spawn(file, args, { timeout: 120_000, stdio: 'pipe' })
  return { child, cgroup, bundle, pidFile, ended: outcomeOf(child) }
}

function groundFor(scratch: string): string[] {
  const unshare = ['unshare', '--mount', '--propagation', 'slave', '/bin/sh', '-ec', GROUND, 'sh']
  return [...unshare, scratch, String(ID_BASE), join(dirname(scratch), 'rootfs')]
}

function makeScratch(directory: string, name: string): string {
  const scratch = join(directory, name)
  mkdirSync(scratch)
  writeFileSync(`${scratch}-net`, '') // a network is mounted on it
  return scratch
}

function specIn(
  directory: string,
  over: Partial<SandboxSpec> & Pick<SandboxSpec, 'argv' | 'scratch'>,
): SandboxSpec {
  return {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' },
    cwd: '/',
    terminal: false,
    rootfs: join(directory, 'rootfs'),
    networkNamespace: `${over.scratch}-net`,
    idBase: ID_BASE,
    openFiles: 512,
    sessionFiles: join(directory, 'files'),
    usr: '/usr',
    workspace: join(directory, 'workspace'),
    readOnlyMounts: [],
    decoys: [],
    seccomp: seccompProfile({ notify: false }),
    seccompProgram: null,
    ...over,
  }
}

function outcomeOf(child: ChildProcess): Running['ended'] {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdin?.on('error', () => undefined) // EPIPE of a command that does not read
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString()
      resolve({ code, stdout: text(stdout), stderr: text(stderr) })
    })
  })
}

/** Every path of the root file system, as it is now. */
export function listing(rootfs: string): string[] {
  return readdirSync(rootfs, { recursive: true, encoding: 'utf8' }).toSorted()
}

/** Pids of every process in a cgroup, by each of its hierarchies. */
export function processesOf(cgroup: SessionCgroup): string[][] {
  return cgroup.joinPaths.map((path) =>
    existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter(Boolean) : [],
  )
}
