import { launchCommand } from './launch.ts'
import { crun } from './runtimes/crun.ts'
import type { RuntimeProbeOptions } from './runtimes/runtime.ts'

export { checkVersion } from './runtimes/crun.ts'

const CRUN = '/usr/bin/crun'

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

/** Of before there were several runtimes. */
export function crunCommand(command: CrunCommand): { file: string; args: string[] } {
  const { cgroupJoin, consoleSocket = null, ...request } = command
  return launchCommand({ cgroupJoin, command: crun.command({ ...request, consoleSocket }) })
}

/** Of before there were several runtimes. */
export async function probeCrun(
  options: RuntimeProbeOptions,
): Promise<{ version: string; seccompProgram: string }> {
  const { version, seccompProgram } = await crun.probe(options)
  return { version, seccompProgram: seccompProgram ?? '' }
}
