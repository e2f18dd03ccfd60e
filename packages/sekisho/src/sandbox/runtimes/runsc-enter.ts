import { join } from 'node:path'
import { SekishoError } from '../../core/error.ts'

/** What of a session's bundle is set up before runsc sees it. */
export type Ground = {
  /** host id of container id 0, and how many follow it */
  idBase: number
  idCount: number
  /** path of the session's network namespace */
  network: string
  /** the read-only root */
  root: string
  /** directories of the root that are empty inside, so that mount points can be made in them */
  emptied: readonly string[]
  /** mount points in those; the source tells whether it is to be a directory or a file */
  points: readonly { at: string; source: string }[]
}

/** Inside `Entering.directory`, so as the bundle has to name them. */
export const STATE = { root: 'root', runtime: 'state' } as const

type Entering = Ground & {
  /** made for runsc's state and the root; nothing may be there */
  directory: string
  /** what runsc opens by name, given to container id 0; a file that is not there is made */
  owned: readonly string[]
  /** runs the container in the foreground */
  command: readonly [file: string, ...args: string[]]
  /** sends the container's init the signal whose name, such as `TERM`, is added */
  signal: readonly [file: string, ...args: string[]]
}

/**
 * Stays in front of runsc, which passes signals on for a terminal only: without one it would die of
 * them. It is descriptor 4's last holder, and keeps none of the streams open.
 */
const FOREGROUND = `
exec 4<&- 3<&0
words=$1; shift
signal=
while [ "$words" -gt 0 ]; do signal="$signal '$1'"; shift; words=$((words - 1)); done
/usr/bin/setpriv --pdeathsig KILL "$@" <&3 3<&- &
runsc=$!
exec 3<&- </dev/null >/dev/null 2>&1
for name in HUP INT QUIT TERM USR1 USR2 CONT; do
  trap "told=1; $signal $name" $name
done
while told=; wait $runsc; code=$?; [ -n "$told" ]; do :; done
exit $code
`

/**
 * Three things are done as the host's root, in a mount namespace that ends with the sandbox:
 *
 * The root gets places for mount points, and becomes read-only. runsc mounts on the host what crun
 * mounts inside, has no right to make directories there, and cannot remount what is `nosuid`.
 *
 * The session's ids become a user namespace. A process can map a block of ids for itself only with
 * help from outside, and Debian has that help only for ids of /etc/subuid. So another process makes
 * the namespace, this one writes its maps, keeps it by descriptor 4, and ends that process.
 *
 * Then it enters the session's network and that namespace, as id 0 there. The death signal is set
 * again, because a change of ids takes it away. Exit 122 to 124: files, mounts, namespace.
 */
const ENTER = `
network=$1; base=$2; count=$3; directory=$4; root=$5
shift 5
umask 077
mkdir "$directory" && cd "$directory" && mkdir ${STATE.root} ${STATE.runtime} || exit 122
chown "$base:$base" . ${STATE.runtime} || exit 122
owned=$1; shift
while [ "$owned" -gt 0 ]; do
  [ -e "$1" ] || : >"$1" || exit 122
  chown "$base:$base" "$1" || exit 122
  shift; owned=$((owned - 1))
done
umask 022
mount --rbind "$root" ${STATE.root} || exit 123
emptied=$1; shift
while [ "$emptied" -gt 0 ]; do
  mount -t tmpfs -o mode=755,size=64k,nosuid,nodev,noexec tmpfs "${STATE.root}$1" || exit 123
  shift; emptied=$((emptied - 1))
done
points=$1; shift
while [ "$points" -gt 0 ]; do
  at=${STATE.root}$1
  if [ -d "$2" ]; then mkdir -p "$at"; else mkdir -p "\${at%/*}" && : >"$at"; fi || exit 123
  shift 2; points=$((points - 1))
done
mount -o remount,bind,ro ${STATE.root} || exit 123
/usr/bin/unshare --user /bin/sleep 30 </dev/null >/dev/null 2>&1 &
maker=$!
until { echo "0 $base $count" >/proc/$maker/uid_map; } 2>/dev/null; do
  kill -0 $maker 2>/dev/null || exit 124
done
echo "0 $base $count" >/proc/$maker/gid_map || exit 124
exec 4</proc/$maker/ns/user || exit 124
kill -KILL $maker; wait $maker 2>/dev/null
cd /
exec /usr/bin/nsenter --net="$network" --user=/proc/self/fd/4 -- /usr/bin/setpriv \\
  --pdeathsig KILL /bin/sh -c "$@"
`

/** The command line that becomes `command` as id 0 of the session, on the session's network. */
export function enterAsSession(entering: Entering): readonly [file: string, ...args: string[]] {
  const { idBase, idCount, network, directory, root, owned, emptied, points } = entering
  const { command, signal } = entering
  if (signal.some((word) => word.includes("'"))) {
    throw new SekishoError('INTERNAL', 'a quote in a path of the platform')
  }
  const script = [
    '--mount',
    '--propagation',
    'slave',
    '--',
    '/bin/sh',
    '-c',
    ENTER,
    'sekisho-runsc',
  ]
  const counted = [
    [String(owned.length), ...owned],
    [String(emptied.length), ...emptied],
    [String(points.length), ...points.flatMap(({ at, source }) => [at, source])],
    [FOREGROUND, 'sekisho-session', String(signal.length), ...signal],
  ].flat()
  const ground = [network, String(idBase), String(idCount), directory, root]
  return ['/usr/bin/unshare', ...script, ...ground, ...counted, ...command]
}

/** @param state directory of {@link enterAsSession} */
export function runtimeState(state: string): string {
  return join(state, STATE.runtime)
}
