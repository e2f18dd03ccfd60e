import { OOM_SCORE_ADJ } from './oci-spec.ts'

export type Launch = {
  /** `cgroup.procs` files that the process enters before it becomes the runtime */
  cgroupJoin: readonly string[]
  /** of `Runtime.command` */
  command: readonly [file: string, ...args: string[]]
}

/**
 * Enters the cgroups, then becomes the runtime: nothing of a session ever runs outside its limits.
 *
 * It refuses a standard stream that is no pipe and no socket (exit 120). All three runtimes change
 * the owner of their standard streams to the agent: given /dev/null, a terminal or a user's file,
 * they hand *that* to the agent's uid, on the host. A cgroup that cannot be joined is exit 121.
 *
 * The OOM score is set here, with the privilege that makes it the lowest that anything below may
 * have (exit 119): one that is set in the session's user namespace the agent could lower again.
 */
const LAUNCH = `
for fd in 0 1 2; do
  [ -p /proc/self/fd/$fd ] || [ -S /proc/self/fd/$fd ] || exit 120
done
joins=$1; shift
while [ "$joins" -gt 0 ]; do
  echo 0 > "$1" || exit 121
  shift; joins=$((joins - 1))
done
echo ${OOM_SCORE_ADJ} > /proc/self/oom_score_adj || exit 119
exec "$@"
`

/**
 * The command line that runs one sandbox in the foreground and dies with the supervisor.
 *
 * Every path is a positional argument of the launcher, never text in its script. The parent of the
 * spawned process must be the supervisor's main thread: the death signal follows the thread.
 */
export function launchCommand({ cgroupJoin, command }: Launch): { file: string; args: string[] } {
  const script = ['/bin/sh', '-c', LAUNCH, 'sekisho-launch']
  const joins = [String(cgroupJoin.length), ...cgroupJoin]
  return {
    file: '/usr/bin/setpriv',
    args: ['--pdeathsig', 'KILL', ...script, ...joins, ...command],
  }
}
