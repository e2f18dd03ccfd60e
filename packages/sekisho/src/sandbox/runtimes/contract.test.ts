import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nameCall } from '../../kernel/seccomp-notify.ts'
import { AGENT_ID } from '../layout.ts'
import { RUNTIMES } from './all.ts'
import type { Runtime } from './runtime.ts'
import {
  type Bed,
  ID_BASE,
  listing,
  makeBed,
  processesOf,
  type Running,
  SCRATCH,
} from './testing/bed.ts'
import { onTerminal, withListener } from './testing/listeners.ts'

const AGENT_UID = ID_BASE + AGENT_ID
const sh = (script: string, ...args: string[]): string[] => ['sh', '-c', script, 'sh', ...args]

describe.each(RUNTIMES.map((runtime) => [runtime.name, runtime] as const))(
  '%s',
  (name, runtime) => {
    let bed: Bed | undefined
    const of: Laid = {
      get bed() {
        if (bed === undefined) throw new Error('there is no bed yet')
        return bed
      },
    }
    beforeAll(async () => {
      bed = await makeBed(runtime)
    })
    afterAll(() => bed?.remove())

    test('its probe tells the version, the filter where it takes one, and what is lacking', () => {
      const { version, seccompProgram, degraded } = of.bed.probed
      expect(version).toMatch(/^(?:release-)?\d+\.?\d*/)
      expect(seccompProgram === null).toBe(name !== 'crun')
      const unseen = ['syscall-record', 'exec-monitor', 'tripwires-in-proc']
      const lacking = { crun: [], runc: ['tripwires-in-proc'], runsc: unseen }
      expect(degraded).toEqual(expect.arrayContaining(lacking[name]))
      expect(degraded.length).toBeLessThanOrEqual(lacking[name].length + 1) // of this build
    })

    test('a host that cannot hold the sandbox is refused, and nothing of the probe stays', async () => {
      const networkNamespace = '/proc/self/fd/9999'
      const refused = of.bed.probe({ networkNamespace })
      await expect(refused).rejects.toMatchObject({ code: 'HOST_UNSUPPORTED' })
      await expect(refused).rejects.toThrow(new RegExp(`^${name}: .*9999`, 's'))
      expect(existsSync(join(of.bed.directory, 'probe'))).toBe(false)
    })

    itRunsCommands(runtime, of)
    itEndsWhole(of)
    itIsConfined(runtime, of)
  },
)

type Laid = { readonly bed: Bed }
type Ended = Awaited<Running['ended']>

/** Without what init says of a signal that runc sent it when the command had just ended. */
function byCommand({ stderr, ...ended }: Ended): Ended {
  const late = '[WARN  tini (1)] Child was dead when forwarding signal\n'
  return { ...ended, stderr: stderr.replaceAll(late, '') }
}

function itRunsCommands(runtime: Runtime, of: Laid): void {
  test.for([
    ['an exit code', sh('exit 7'), 7],
    ['a command that is not there', ['no-such-command'], 127],
    ['a signal that ended the command', sh('kill -KILL $$'), 137],
  ] as const)('%s is the runtime’s', async ([, argv, code]) => {
    expect(await of.bed.run({ argv })).toMatchObject({ code, stdout: '' })
  })

  test('arguments, environment, directory and limits arrive as they were given', async () => {
    const args = ['a b', '', 'new\nline', '-n', '--', '\'"`$(id)\\', 'ünï\tcode']
    const env = { PATH: '/usr/bin', HOME: '/', EMPTY: '', LINES_OF_IT: 'a\nb=\'"$PATH' }
    const script = `printf '%s\\0' "$@"; printf '|%s' "$EMPTY" "$LINES_OF_IT" "$PWD"
    printf '|%s' "$(hostname)" "$(umask)" "$(ulimit -n)" "$(ulimit -Hn)" "$(ulimit -c)"
    env -0 | sort -z | cut -z -d= -f1 | tr '\\0' ' '`
    const got = await of.bed.run({ argv: sh(script, ...args), env, cwd: '/workspace' })
    expect(byCommand(got)).toEqual({
      code: 0,
      stdout: `${args.join('\0')}\0||a\nb='"$PATH|/workspace|sekisho|0022|512|512|0EMPTY HOME LINES_OF_IT PATH PWD `,
      stderr: '',
    })
  })

  test('the standard streams are pipes of their own, byte for byte', async () => {
    const running = of.bed.start({ argv: sh('cat; echo done >&2') })
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => 97 + (i % 26)))
    running.child.stdin?.end(sent)
    const ended = byCommand(await running.ended)
    expect(ended).toEqual({ code: 0, stdout: sent.toString(), stderr: 'done\n' })
  })

  test('a terminal comes by the console socket, and takes a size', async () => {
    // whoever holds the other side sets the size when it gets it: nobody waits for that
    const script = 'test -t 0 || exit; until stty size | grep "33 99"; do :; done; exit 5'
    const { text, code } = await onTerminal(of.bed, sh(script))
    // init may say before it that nobody takes its SIGWINCH yet
    expect(text).toMatch(/(?:^|\n)33 99\r\n$/)
    expect(code).toBe(5)
  })

  test('a signal reaches the command', async () => {
    const running = of.bed.start({
      argv: sh('trap "echo told; exit 9" TERM; echo ready; while :; do sleep 0.05; done'),
    })
    await ready(running)
    const init = await pidOf(running)
    const isInit = runtime.takesSignals === 'init'
    process.kill(isInit ? init : (running.child.pid ?? 0), 'SIGTERM')
    expect(await running.ended).toMatchObject({ code: 9, stdout: 'ready\ntold\n' })
  })
}

function itEndsWhole(of: Laid): void {
  test('every process is in each of the cgroups that were joined, and one kill takes all', async () => {
    const running = of.bed.start({ argv: sh('setsid sleep 1000 & echo ready; exec sleep 1000') })
    await ready(running)
    const all = descendants(running.child.pid ?? 0)
    expect(all.length).toBeGreaterThan(2)
    expect(all).toContain(String(await pidOf(running)))
    for (const processes of processesOf(running.cgroup)) {
      expect(processes.toSorted()).toEqual(expect.arrayContaining(all.toSorted()))
    }
    running.cgroup.kill()
    expect((await running.ended).code).toBe(null)
    await expect.poll(() => all.filter(isAlive)).toEqual([])
    await expect.poll(() => running.cgroup.remove()).toBe(true)
  })

  test('when the supervisor dies, everything dies with it', async () => {
    const running = of.bed.start({
      argv: sh('setsid sleep 1000 & echo ready; exec sleep 1000'),
      startWith: ({ file, args }) => ({
        file: process.execPath,
        args: ['-e', SUPERVISOR, JSON.stringify([file, ...args])],
      }),
    })
    await ready(running)
    const all = processesOf(running.cgroup).flat()
    expect(all.filter(isAlive)).toEqual(all)
    running.child.kill('SIGKILL')
    await running.ended
    await expect.poll(() => all.filter(isAlive)).toEqual([])
  })

  test('nothing is left behind', async () => {
    const before = traces(of.bed)
    const { code } = await of.bed.run({ argv: ['true'] })
    expect({ code, ...traces(of.bed) }).toEqual({ code: 0, ...before })
    expect(listing(join(of.bed.directory, 'rootfs'))).toEqual(of.bed.builtRoot)
  })
}

function itIsConfined(runtime: Runtime, of: Laid): void {
  test('the command has the session’s ids, no capability, no way to more, and a filter', async () => {
    const script = `id -u; id -g; id -G; setpriv --dump 2>/dev/null | grep no_new_privs
    grep -E '^(Cap|Seccomp:)' /proc/self/status | tr '\\n\\t' '  '; touch /workspace/made`
    const { code, stdout } = await of.bed.run({ argv: sh(script) })
    const [uid, gid, groups, nnp, status = ''] = stdout.split('\n')
    expect({ code, uid, gid, groups, nnp }).toEqual({
      code: 0,
      uid: '1000',
      gid: '1000',
      groups: '1000',
      nnp: 'no_new_privs: 1',
    })
    expect(status).toMatch(/^(?:Cap\w+: 0{16} ){4,5}Seccomp: 2 $/)
    const made = statSync(join(of.bed.workspace, 'made'))
    expect([made.uid, made.gid]).toEqual([AGENT_UID, AGENT_UID])
  })

  test('the root and read-only binds cannot be written, not even what the agent owns', async () => {
    const source = join(of.bed.directory, 'bound')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'kept')
    for (const path of [source, join(source, 'file')]) chownSync(path, AGENT_UID, AGENT_UID)
    const places =
      '/x /srv/owned/x /etc/x /usr/x /dev/x /.sekisho/session/x /mnt/bound/x /mnt/bound/file'
    const argv = sh(
      `cat /mnt/bound/file; for at in ${places}; do (: >$at) 2>/dev/null && echo $at; done`,
    )
    const readOnlyMounts = [{ source, target: '/mnt/bound' }]
    expect((await of.bed.run({ argv, readOnlyMounts })).stdout).toBe('kept')
    expect(readFileSync(join(source, 'file'), 'utf8')).toBe('kept')
  })

  test('the scratch takes as many bytes and files as it may, over all its places together', async () => {
    const script = `cd /home/agent; head -c ${SCRATCH.bytes * 2} /dev/zero >big 2>/dev/null; echo $?
    wc -c <big; (echo more >/dev/shm/more) 2>/dev/null || echo full; rm big
    i=0; while (: >/tmp/$i) 2>/dev/null; do i=$((i + 1)); [ $i -lt 1000 ] || break; done; echo $i
    (: >/run/one) 2>/dev/null || echo full`
    const lines = (await of.bed.run({ argv: sh(script) })).stdout.split('\n')
    const [failed, bytes, noBytes, files, noFiles] = lines
    expect({ failed, noBytes, noFiles }).toEqual({
      failed: '1',
      noBytes: 'full',
      noFiles: 'full',
    })
    expect(Number(bytes)).toBeLessThanOrEqual(SCRATCH.bytes)
    expect(Number(bytes)).toBeGreaterThan(0)
    expect(Number(files)).toBeLessThan(SCRATCH.inodes)
  })

  test('its network is the one it was given', async () => {
    const argv = sh("tail -n +3 /proc/net/dev | tr -d ' ' | cut -d: -f1 | sort")
    expect((await of.bed.run({ argv })).stdout).toBe('lo\ntold0\ntold1\n')
  })

  test('what begins an escape is refused, and told where the filter is the kernel’s', async () => {
    const argv = sh('unshare -U true; python3 -c "$1"', SOCKETS)
    const { calls, outcome } = await withListener(of.bed, argv)
    expect(outcome.stderr).toMatch(/unshare failed: Operation not permitted/)
    expect(outcome.stdout).toBe('EPERM EPERM EPERM EPERM EPERM OK\n')
    const told = ['unshare', 'socket', 'socket', 'socket', 'socket', 'socket']
    expect(calls.map(nameCall)).toEqual(runtime.isolation === 'strong' ? [] : told)
  })

  test('a terminal’s input cannot be typed into', async () => {
    const { text } = await onTerminal(of.bed, ['python3', '-c', TIOCSTI])
    expect(text.replace(INIT_EARLY, '')).toMatch(/^(?:EPERM|EIO|ENOTTY)\r\n$/)
  })

  const wait = runtime.takesLateMounts
    ? { way: 'a FIFO leads into it', until: 'read line <$f' }
    : {
        way: 'a file that comes later is seen inside',
        until: 'while [ ! -s $f ]; do sleep 0.01; done; read line <$f',
      }
  test(wait.way, async () => {
    const file = join(of.bed.directory, 'files', 'word')
    rmSync(file, { force: true })
    if (runtime.takesLateMounts) spawnSync('mkfifo', ['-m', '644', file])
    const running = of.bed.start({
      argv: sh(`f=/.sekisho/session/word; echo ready; ${wait.until}; echo $line`),
    })
    await ready(running)
    writeFileSync(file, 'go\n')
    expect(await running.ended).toMatchObject({ code: 0, stdout: 'ready\ngo\n' })
  })
}

/** Raw, packet, ALG, vsock, audit netlink; a plain one. */
const SOCKETS = `
import socket, errno
def attempt(*args):
    try: socket.socket(*args).close(); return 'OK'
    except OSError as error: return errno.errorcode[error.errno]
print(*[attempt(*a) for a in [(2, 3, 1), (17, 3, 3), (38, 5, 0), (40, 1, 0), (16, 3, 9), (2, 1, 0)]])
`
/** What init says of a change of the window's size that is there before the program is. */
const INIT_EARLY = /\[WARN {2}tini \(1\)\] Child was dead when forwarding signal\r\n/g
const TIOCSTI = `
import fcntl, errno
try: fcntl.ioctl(0, 0x5412, b'x'); print('OK')
except OSError as error: print(errno.errorcode[error.errno])
`
/** A process that starts a sandbox and then waits to be killed; stands in for the supervisor. */
const SUPERVISOR = `
const { spawn } = require('node:child_process')
const [file, ...args] = JSON.parse(process.argv[1])
const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] })
child.stdout.pipe(process.stdout)
setInterval(() => undefined, 1000)
`

async function ready({ child, ended }: Running): Promise<void> {
  const tooEarly = ended.then(({ stderr }) => Promise.reject(new Error(`it has ended: ${stderr}`)))
  await Promise.race([once(child.stdout ?? child, 'data'), tooEarly])
}

/** The runtime may write it after the command's first output. */
async function pidOf({ pidFile }: Running): Promise<number> {
  const pid = (): number => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0)
  await expect.poll(pid).toBeGreaterThan(1)
  return pid()
}

/** Children's children too, which the kernel lists by thread of the parent. */
function descendants(pid: number | string): string[] {
  const threads = unlessGone(() => readdirSync(`/proc/${pid}/task`)) ?? []
  const children = threads.flatMap((thread) => {
    const listed = unlessGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'))
    return listed?.split(' ').filter(Boolean) ?? []
  })
  return [...children, ...children.flatMap(descendants)]
}

/** Threads come and go while they are looked at. */
function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    if (error instanceof Error && /^(ENOENT|ESRCH)/.test(error.message)) return undefined
    throw error
  }
}

/** A zombie is dead; when it is reaped is its new parent's affair. */
function isAlive(pid: number | string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** What a sandbox could leave on the host, outside its own cgroup and bundle. */
function traces({ directory, root }: Bed): Record<'mounts' | 'cgroups' | 'state', string[]> {
  const unified = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(path))
  return {
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(directory)),
    state: readdirSync(root).flatMap((entry) => readdirSync(join(root, entry))),
    cgroups: readdirSync(unified ?? '').filter((entry) =>
      entry.split('-').includes(`${process.pid}`),
    ),
  }
}
