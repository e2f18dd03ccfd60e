import { access, constants, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'
import type { OciSpec } from '../oci-types.ts'
import { probeable, requireProgram, runProbe, withBundle } from './probe-command.ts'
import type { RunRequest, Runtime, RuntimeProbe, RuntimeProbeOptions } from './runtime.ts'

const RUNC = '/usr/bin/runc'
/** 1.1 is the first with seccomp listeners */
const OLDEST = [1, 1] as const

/**
 * runc has no way to be told that cgroups are not its affair: it makes one beside its own and moves
 * the container there, out of the session's limits. What it does accept is a hierarchy in which
 * nothing can be made, when it is told to expect that (`--rootless`, which is about cgroups alone
 * for a process with uid 0): then everything stays where it was started. So it gets a mount
 * namespace of its own in which cgroups are read-only.
 */
const READ_ONLY_CGROUPS = `mount -o remount,bind,ro /sys/fs/cgroup || exit 123
exec "$@"`
const IN_NAMESPACE = ['--mount', '--propagation', 'slave', '--', '/bin/sh'] as const
const CONFINED = [
  '/usr/bin/unshare',
  ...IN_NAMESPACE,
  '-c',
  READ_ONLY_CGROUPS,
  'sekisho-runc',
] as const
const CONFINED_RUNC = [...CONFINED, RUNC, '--rootless=true'] as const

const DEGRADED = ['tripwires-in-proc'] as const

const PERL = '/usr/bin/perl'
/**
 * With a console socket runc only runs detached. So somebody has to be there in the foreground:
 * takes in what runc leaves behind (PR_SET_CHILD_SUBREAPER), starts the container only then, so
 * that init's death signal is for this process's end, and ends with init's code. A shell cannot.
 */
const ATTENDED = `
my ($bundle, $pid_file, $socket, $id, @runc) = @ARGV;
sub run { system(@_) == 0 or exit($? >> 8 || 125) }
syscall(157, 36, 1, 0, 0, 0) == 0 or die "no subreaper: $!\\n";
run(@runc, qw(create --bundle), $bundle, '--pid-file', $pid_file, '--console-socket', $socket, $id);
open(my $file, '<', $pid_file) or die "$pid_file: $!\\n";
my $init = <$file>;
run(@runc, 'start', $id);
waitpid($init, 0);
my $status = $?;
system(@runc, qw(delete --force), $id);
exit($status & 127 ? 128 + ($status & 127) : $status >> 8);
`

/** The reference implementation: slower to start than crun, and on many hosts already. */
export const runc: Runtime = {
  name: 'runc',
  isolation: 'standard',
  takesLateMounts: true,
  takesMountsInProc: false,
  takesSignals: 'init',
  command,
  adapt,
  probe,
}

function command(request: RunRequest): readonly [string, ...string[]] {
  const { bundle, root, pidFile, consoleSocket } = request
  const id = containerId(request.id)
  const state = join(root, request.id)
  if (consoleSocket === null) {
    const run = ['--root', state, 'run', '--bundle', bundle, '--pid-file', pidFile, id]
    return [...CONFINED_RUNC, ...run]
  }
  const attended = [PERL, '-e', ATTENDED, bundle, pidFile, consoleSocket, id]
  return [...CONFINED, ...attended, RUNC, '--rootless=true', '--root', state]
}

/** It looks for a cgroup of the container's name beside its own: there must be none. */
function containerId(id: string): string {
  return `${id}.runc`
}

/** What tells of the kernel's memory when it is read; the other decoys are there to be written. */
const TELLING: readonly string[] = ['/proc/kcore', '/proc/kallsyms']

/**
 * It mounts nothing inside /proc: there, what would have been a decoy is masked or read-only again.
 * crun's compiled filter would only make its message to the seccomp listener long.
 */
function adapt(spec: OciSpec): OciSpec {
  const isDecoy = ({ destination }: { destination: string }): boolean =>
    destination.startsWith('/proc/')
  const places = spec.mounts.filter(isDecoy).map(({ destination }) => destination)
  const { maskedPaths, readonlyPaths } = spec.linux
  return {
    ...spec,
    annotations: {},
    mounts: spec.mounts.filter((mount) => !isDecoy(mount)),
    linux: {
      ...spec.linux,
      maskedPaths: [...maskedPaths, ...places.filter((place) => TELLING.includes(place))],
      readonlyPaths: [...readonlyPaths, ...places.filter((place) => !TELLING.includes(place))],
    },
  }
}

async function probe(options: RuntimeProbeOptions): Promise<RuntimeProbe> {
  await requireProgram(RUNC, 'runc')
  const version = checkVersion(await run(options, ['--version']))
  await withBundle(options.directory, withoutListener(options.spec), () => create(options))
  const hasPerl = await access(PERL, constants.X_OK).then(
    () => true,
    () => false,
  )
  return { version, seccompProgram: null, degraded: hasPerl ? DEGRADED : [...DEGRADED, 'terminal'] }
}

/** It refuses rules that notify while nobody is there to be notified. */
function withoutListener(of: OciSpec): OciSpec {
  const spec = adapt(probeable(of))
  const { seccomp } = spec.linux
  const syscalls = seccomp.syscalls.map((rule) =>
    rule.action === 'SCMP_ACT_NOTIFY' ? { ...rule, action: 'SCMP_ACT_ERRNO' as const } : rule,
  )
  return { ...spec, linux: { ...spec.linux, seccomp: { ...seccomp, syscalls } } }
}

async function create(options: RuntimeProbeOptions): Promise<void> {
  const id = containerId('probe')
  const pidFile = join(options.directory, 'pid')
  await run(options, ['create', '--bundle', options.directory, '--pid-file', pidFile, id])
  try {
    await checkCgroups((await readFile(pidFile, 'utf8')).trim())
  } finally {
    await run(options, ['delete', '--force', id])
  }
}

/** A runc that moves its containers out of the session's limits must not be used. */
async function checkCgroups(pid: string): Promise<void> {
  const ofContainer = await readFile(`/proc/${pid}/cgroup`, 'utf8')
  if (ofContainer === (await readFile('/proc/self/cgroup', 'utf8'))) return
  throw new SekishoError('HOST_UNSUPPORTED', 'this runc takes containers out of their cgroup', {
    hint: 'use crun',
  })
}

function run(options: RuntimeProbeOptions, args: readonly string[]): Promise<string> {
  return runProbe({
    wrap: options.wrap ?? [],
    command: [...CONFINED_RUNC, '--root', options.root, ...args],
    package: 'runc',
    hint: 'the kernel must allow user namespaces; /sys/fs/cgroup must be one plain hierarchy',
    leavesContainer: args[0] === 'create',
  })
}

/**
 * @returns the version, such as `1.1.5+ds1`
 * @throws SekishoError DEPENDENCY_MISSING when it cannot hold a session
 */
export function checkVersion(output: string): string {
  const version = /^runc version (\d+)\.(\d+)\S*/m.exec(output)
  const [text = '', major = '0', minor = '0'] = version ?? []
  if (!/^libseccomp: /m.test(output)) {
    throw new SekishoError('DEPENDENCY_MISSING', 'this runc cannot filter system calls', {
      hint: 'install the Debian package runc',
    })
  }
  if (Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1])) {
    throw new SekishoError('DEPENDENCY_MISSING', `${text} is older than ${OLDEST.join('.')}`, {
      hint: 'install a newer runc',
    })
  }
  return text.slice('runc version '.length)
}
