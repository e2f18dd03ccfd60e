import { spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { SekishoError, toSekishoError } from '../../core/error.ts'

/** Something of the host that the program sees. */
export type JailBind = {
  /** on the host; its own links are followed */
  source: string
  /** name in the jail's root */
  name: string
  isWritable: boolean
}

export type JailRequest = {
  /** an empty place for the jail's root, in a directory of root's alone; made and removed */
  directory: string
  /** of the program: an id that owns nothing else on this machine */
  uid: number
  /** a program below /usr */
  command: readonly [file: string, ...args: string[]]
  binds: readonly JailBind[]
  environment: Readonly<Record<string, string>>
  /** the host's network, or none */
  network: 'host' | 'none'
  /** whether it may read what only root may read, among what is bound */
  readsAll: boolean
  timeoutMs: number
  /** it is stopped when the file system of `path` has less than this left */
  keepFree: { path: string; bytes: number }
}

/** No file of an image is longer; a sparse file in a layer of some bytes could be as long as a disk. */
const MAX_FILE_BYTES = 16 * 1024 ** 3
const MAX_SAID_BYTES = 16 * 1024
const FREE_CHECK_MS = 100

/**
 * In a mount namespace of its own: a root with the host's /usr and the binds, all of it read-only,
 * without devices and set-user-id programs, except what is writable. Then another root, another
 * user, no capability.
 */
const SCRIPT = `set -eu
jail=$1 uid=$2 caps=$3; shift 3
mount -t tmpfs -o mode=755,size=1m,nosuid,nodev none "$jail"
show() {
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "\${2%/*}"; : >"$2"; fi
  mount --bind "$1" "$2"
  mount -o "remount,bind,nosuid,nodev,$3" "$2"
}
show /usr "$jail/usr" ro
for name in bin lib lib64 sbin; do ln -s "usr/$name" "$jail/$name"; done
mkdir "$jail/dev"; : >"$jail/dev/null"; mount --bind /dev/null "$jail/dev/null"
while [ "$1" != -- ]; do show "$1" "$jail$2" "$3"; shift 3; done
shift
exec prlimit --fsize=${MAX_FILE_BYTES} --core=0 chroot "$jail" setpriv --reuid "$uid" --regid "$uid" \\
  --clear-groups --inh-caps "$caps" --ambient-caps "$caps" --bounding-set "$caps" \\
  --no-new-privs --pdeathsig KILL -- "$@"
`

/**
 * Runs a program on data that may be an attacker's, so that taking the program over is worth
 * nothing: it sees the host's /usr and what is bound, writes only where it is told, and has
 * neither privilege nor, unless asked for, a network. It is dead when this resolves, and dies with
 * this process.
 *
 * @throws SekishoError DEPENDENCY_MISSING, TIMEOUT, or ROOTFS_INVALID with the program's last words
 */
export async function runJailed(request: JailRequest): Promise<void> {
  const [file] = request.command
  requireProgram(file)
  mkdirSync(request.directory, { mode: 0o700 })
  try {
    const { code, said, stopped } = await run(request)
    if (stopped !== undefined) throw stopped
    if (code === 0) return
    throw new SekishoError('ROOTFS_INVALID', `${nameOf(file)}: ${lastWords(said)}`, {
      hint: 'look at the source of the image; it was not imported',
    })
  } finally {
    rmSync(request.directory, { recursive: true, force: true })
  }
}

function requireProgram(file: string): void {
  try {
    accessSync(file, constants.X_OK)
  } catch (cause) {
    throw new SekishoError('DEPENDENCY_MISSING', `${file} is not installed`, {
      hint: 'install the Debian packages skopeo and umoci',
      cause,
    })
  }
}

type Ended = { code: number | null; said: string; stopped: SekishoError | undefined }

function run(request: JailRequest): Promise<Ended> {
  const child = spawn('setpriv', commandLine(request), {
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', ...request.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  let bytes = 0
  const listen = (chunk: Buffer): void => {
    bytes += chunk.length
    said.push(chunk)
    while (bytes > MAX_SAID_BYTES && said.length > 1) bytes -= said.shift()?.length ?? 0
  }
  child.stdout.on('data', listen)
  child.stderr.on('data', listen)
  let stopped: SekishoError | undefined
  const stop = (why: SekishoError): void => {
    stopped ??= why
    child.kill('SIGKILL') // unshare: its child is the first of a process namespace and takes all along
  }
  const timer = setTimeout(() => stop(late(request)), request.timeoutMs)
  const watch = setInterval(() => {
    try {
      if (freeBytes(request.keepFree.path) < request.keepFree.bytes) stop(full(request))
    } catch (error) {
      stop(toSekishoError(error)) // the store is gone: there is nothing to import into
    }
  }, FREE_CHECK_MS)
  return new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, said: Buffer.concat(said).toString(), stopped }))
  }).finally(() => {
    clearTimeout(timer)
    clearInterval(watch)
  })
}

function commandLine(request: JailRequest): string[] {
  const { directory, uid, command, binds, network, readsAll } = request
  const namespaces = ['--mount', '--ipc', '--uts', '--pid', '--fork', '--kill-child']
  return [
    '--pdeathsig',
    'KILL',
    'unshare',
    ...(network === 'none' ? [...namespaces, '--net'] : namespaces),
    '/bin/sh',
    '-c',
    SCRIPT,
    'sekisho-jail',
    directory,
    `${uid}`,
    readsAll ? '-all,+dac_read_search' : '-all',
    ...binds.flatMap(({ source, name, isWritable }) => [
      source,
      join('/', name),
      isWritable ? 'rw' : 'ro',
    ]),
    '--',
    ...command,
  ]
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

function late({ command, timeoutMs }: JailRequest): SekishoError {
  return new SekishoError('TIMEOUT', `${nameOf(command[0])} took more than ${timeoutMs} ms`, {
    hint: 'try again, or take the image from an archive',
  })
}

function full({ keepFree }: JailRequest): SekishoError {
  const left = Math.round(keepFree.bytes / 1024 ** 2)
  return new SekishoError('ROOTFS_INVALID', `the image leaves less than ${left} MiB of the disk`, {
    hint: `free space below ${keepFree.path}`,
  })
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1)
}

function lastWords(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(-3).join('; ').slice(-1000) || 'failed without a word'
}
