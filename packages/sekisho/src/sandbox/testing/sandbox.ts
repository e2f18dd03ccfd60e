import { execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sessionEnvironment } from '../environment.ts'
import { launchCommand } from '../launch.ts'
import { ociSpec, type SandboxSpec } from '../oci-spec.ts'
import { buildRootfs } from '../rootfs.ts'
import { crun } from '../runtimes/crun.ts'
import { seccompProfile } from '../seccomp.ts'
import { writeSessionFiles } from '../session-files.ts'

export const SESSION = 's-00000000000000000000'
export const ID_BASE = 1_879_048_192
export const AGENT_HOST_ID = ID_BASE + 1000

export const LIMITS = {
  memoryBytes: 1024 ** 3,
  pids: 256,
  cpuMillis: 2000,
  openFiles: 1024,
  wallClockMs: 60_000,
  tmpBytes: 64 * 1024 ** 2,
  tmpInodes: 10_000,
  diskBytes: 64 * 2 ** 20,
  diskInodes: 10_000,
  egressBytes: 2 ** 30,
  egressRequests: 100_000,
}

/** A private mount namespace whose /sys/fs/cgroup is one plain hierarchy, and a loopback. */
export const WRAP: readonly string[] = [
  'unshare',
  '--mount',
  '--net',
  '--propagation',
  'slave',
  'sh',
  '-c',
  'mount -t cgroup2 none /sys/fs/cgroup && ip link set lo up && exec "$@"',
  'sh',
]

/** The scratch of one run, as `makeScratch` makes it, in the run's own mount namespace. */
const SCRATCH = `
mount -t tmpfs -o "nosuid,nodev,mode=755,size=$2,nr_inodes=$3" tmpfs "$1" && cd "$1" &&
mkdir tmp home run shm && chown "$4:$4" tmp home run shm && chmod 1777 tmp shm && chmod 700 home &&
for part in run shm; do
  mount --bind $part $part && mount -o remount,bind,nosuid,nodev,noexec $part || exit 1
done
cd / && shift 4 && exec "$@"
`

export type Outcome = { code: number | null; signal: string | null; stdout: string; stderr: string }

export type TestSandbox = {
  directory: string
  workspace: string
  spec(over: Partial<SandboxSpec>): SandboxSpec
  /** runs a command to its end; `input` is written to its standard input */
  run(argv: readonly string[], over?: Partial<SandboxSpec>): Promise<Outcome>
  remove(): void
}

/** Real sandboxes for tests: everything except the gate, the overlay and the cgroups. */
export async function testSandbox(): Promise<TestSandbox> {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-sandbox-'))
  chmodSync(directory, 0o711) // crun enters the root as the session's uid 0
  const caPem = makeCa(directory)
  await buildRootfs({ directory: join(directory, 'rootfs'), host: '/' })
  writeSessionFiles(join(directory, 'files'), { session: SESSION, caPem, nowMs: 0 })
  const workspace = join(directory, 'workspace')
  mkdirSync(workspace)
  chownSync(workspace, AGENT_HOST_ID, AGENT_HOST_ID)
  const spec = (over: Partial<SandboxSpec>): SandboxSpec => ({
    ...baseSpec(directory, workspace),
    ...over,
  })
  let runs = 0
  return {
    directory,
    workspace,
    spec,
    run: (argv, over = {}) => runSpec(join(directory, `run-${runs++}`), spec({ ...over, argv })),
    remove: () => rmSync(directory, { recursive: true }),
  }
}

function baseSpec(directory: string, workspace: string): SandboxSpec {
  return {
    argv: ['true'],
    env: sessionEnvironment({ session: SESSION, terminal: null, agent: {}, placeholders: {} }),
    cwd: '/workspace',
    terminal: false,
    rootfs: join(directory, 'rootfs'),
    networkNamespace: '/proc/self/ns/net',
    idBase: ID_BASE,
    openFiles: LIMITS.openFiles,
    usr: '/usr',
    scratch: join(directory, 'scratch'),
    seccomp: seccompProfile({ notify: false }),
    seccompProgram: null,
    sessionFiles: join(directory, 'files'),
    workspace,
    readOnlyMounts: [],
    decoys: [],
  }
}

function runSpec(bundle: string, spec: SandboxSpec): Promise<Outcome> {
  mkdirSync(bundle, { mode: 0o700 })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(ociSpec(spec)))
  const command = crun.command({
    id: `test-${process.pid}-${bundle.split('-').at(-1) ?? ''}`,
    bundle,
    root: join(bundle, 'crun'),
    pidFile: join(bundle, 'pid'),
    consoleSocket: null,
  })
  const launch = launchCommand({ cgroupJoin: [], command })
  mkdirSync(spec.scratch, { recursive: true })
  const scratch = [spec.scratch, LIMITS.tmpBytes, LIMITS.tmpInodes, spec.idBase + 1000].map(String)
  const [file = '', ...wrap] = [...WRAP, 'sh', '-c', SCRATCH, 'sh', ...scratch]
  const child = spawn(file, [...wrap, launch.file, ...launch.args], { timeout: 120_000 })
  child.stdin.end()
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString()
      resolve({ code, signal, stdout: text(stdout), stderr: text(stderr) })
    })
  })
}

function makeCa(directory: string): string {
  const certificate = join(directory, 'ca.pem')
  execFileSync(
    'openssl',
    [
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ['-days', '2', '-subj', '/CN=Sekisho test CA'],
      ['-keyout', join(directory, 'ca.key'), '-out', certificate],
    ].flat(),
    { stdio: 'pipe' },
  )
  return readFileSync(certificate, 'utf8')
}
