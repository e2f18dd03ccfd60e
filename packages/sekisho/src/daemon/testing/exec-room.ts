import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MOUNT_FLAGS, mount, mountOverlay, unmount } from '../../kernel/mounts.ts'
import { createReactor, type Reactor } from '../../kernel/reactor.ts'
import { type Cgroups, openCgroups } from '../../sandbox/cgroup.ts'
import type { LeafInput } from '../../wire/leaves.ts'
import type { ExecPolicy } from '../../wire/sandbox.ts'
import type { Monitored } from '../attendants/exec-monitor.ts'

export type Ran = { code: unknown; output: string }

/** A session's file systems, cgroup and process tree, without network, ids and system call filter. */
export type ExecRoom = {
  reactor: Reactor
  /** what was recorded, in order */
  leaves: LeafInput[]
  warnings: string[]
  /** the user's directory below the workspace, and the layer of changes above it */
  lower: string
  upper: string
  live(exec: ExecPolicy['written'], record?: Monitored['record']): Monitored
  /** runs a shell script inside to its end; errors go to the output too */
  run(script: string): Promise<Ran>
  close(): void
}

export const ROOM_SESSION = 's-0123456789abcdefghij'

let rooms = 0

export function openExecRoom(): ExecRoom {
  const ground = new Ground()
  const cgroups = joinableCgroups()
  const berth = `berth-${9000 + (rooms += 1)}`
  const cgroup = cgroups.create(berth, null)
  const leaves: LeafInput[] = []
  const warnings: string[] = []
  const reactor = createReactor({ onError: (error) => void warnings.push(String(error)) })
  return {
    reactor,
    leaves,
    warnings,
    lower: ground.at('lower'),
    upper: ground.at('layers/upper'),
    live: (written, record = async (leaf) => void leaves.push(leaf)) => ({
      berth,
      record,
      plan: {
        session: ROOM_SESSION,
        exec: { written },
        workspace: ground.at('lower'),
        isolation: 'standard',
      },
      platform: {
        reactor,
        paths: { sessions: ground.at('layers') },
        warn: (line) => void warnings.push(line),
      },
      places: ground.places,
    }),
    run: (script) => runIn(ground.at('root'), cgroup.joinPaths, script),
    close: () => {
      reactor.close()
      cgroup.kill()
      cgroup.remove()
      cgroups.close()
      ground.close()
    },
  }
}

/** The file systems, with the supervisor's own options. */
class Ground {
  readonly #base = mkdtempSync(join(tmpdir(), 'exec-room-'))
  readonly #made: string[] = []

  constructor() {
    for (const name of ['', 'layers', 'scratch', 'root']) this.#tmpfs(this.at(name))
    const directories = ['empty', 'lower', 'usr', 'workspace', 'layers/upper', 'layers/work']
    for (const name of [...directories, 'scratch/tmp']) mkdirSync(this.at(name))
    const flags = MOUNT_FLAGS.readOnly | MOUNT_FLAGS.noSetuid
    this.#overlay({ lower: ['/usr', this.at('empty')], target: this.at('usr'), flags })
    this.#overlay({
      lower: [this.at('lower')],
      upper: this.at('layers/upper'),
      work: this.at('layers/work'),
      target: this.at('workspace'),
      options: ['redirect_dir=nofollow', 'metacopy=off', 'index=off', 'xino=off'],
    })
    const binds = { usr: 'usr', 'scratch/tmp': 'tmp', workspace: 'workspace' }
    furnishRoot(
      this.at('root'),
      Object.entries(binds).map(([from, to]) => [this.at(from), to]),
      this.#made,
    )
  }

  at(name: string): string {
    return join(this.#base, name)
  }

  get places(): Monitored['places'] {
    return {
      execRoots: [
        { path: this.at('usr'), inside: '/usr', isWritable: false },
        { path: this.at('scratch'), inside: '/', isWritable: true },
        { path: this.at('workspace'), inside: '/workspace', isWritable: true },
      ],
      scratch: this.at('scratch'),
      workspace: this.at('workspace'),
      changes: this.at('layers/upper'),
    }
  }

  close(): void {
    for (const path of this.#made.toReversed()) unmount(path)
    rmSync(this.#base, { recursive: true })
  }

  #tmpfs(target: string): void {
    mkdirSync(target, { recursive: true })
    mount({ source: 'tmpfs', target, type: 'tmpfs', flags: 0, options: 'mode=755' })
    this.#made.push(target)
  }

  #overlay(overlay: Parameters<typeof mountOverlay>[0]): void {
    mountOverlay(overlay)
    this.#made.push(overlay.target)
  }
}

function furnishRoot(root: string, binds: readonly string[][], made: string[]): void {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) symlinkSync(`usr/${name}`, join(root, name))
  for (const name of ['usr', 'tmp', 'workspace', 'proc', 'dev', 'old']) mkdirSync(join(root, name))
  for (const [source = '', name = ''] of [...binds, ['/dev', 'dev']]) {
    const target = join(root, name)
    mount({ source, target, type: null, flags: MOUNT_FLAGS.bind, options: null })
    made.push(target)
  }
}

function joinableCgroups(): Cgroups {
  return openCgroups({
    instance: `exec-${process.pid}-${rooms}`,
    under: '/sys/fs/cgroup',
    mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
    membership: readFileSync('/proc/self/cgroup', 'utf8'),
  })
}

const ENTER = `root=$1 script=$2; shift 2
for join in "$@"; do echo 0 > "$join" || exit 99; done
mount --make-rprivate / && mount -t proc proc "$root/proc" && cd "$root" && pivot_root . old &&
cd /workspace && exec sh -c "$script" 2>&1`

/** In namespaces of its own, so that paths are what they are for whoever lives there. */
async function runIn(root: string, joins: readonly string[], script: string): Promise<Ran> {
  const child = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', ENTER, 'sh', root, script, ...joins],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
      timeout: 120_000,
    },
  )
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const [code]: unknown[] = await once(child, 'close')
  return { code, output }
}
