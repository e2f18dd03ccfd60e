import { SESSION_FILES } from './layout.ts'

/**
 * Between the session's files of the host and the sandbox that stands and waits:
 * `ready` takes what the sandbox found when it tried its own walls, `go` lets it begin, and
 * `start` is what it then becomes.
 */
export const STANDBY_FILE = { ready: 'ready', go: 'go', start: 'start' } as const

/** Last line of a complete report. */
const END = 'end'

/** One attempt of the sandbox against its own walls. */
export type Tried = { control: string; result: 'refused' | 'open' | 'missing' }

/**
 * Attempts that need a program, with the system call that each makes. They harm nothing when they
 * succeed. A root file system without the program cannot try: that is reported, not passed over.
 */
export const TRIED_CALLS: Readonly<Record<string, { syscall: string; command: string }>> = {
  'syscall-unshare': { syscall: 'unshare', command: 'unshare -U true' },
  'syscall-chroot': { syscall: 'chroot', command: 'chroot / true' },
  'syscall-sethostname': { syscall: 'sethostname', command: 'hostname sekisho' },
}

/**
 * Attempts on files. `command` keeps a shell alive whose special built-in has failed (POSIX 2.14),
 * so that none needs a process of its own: each would cost every sandbox a millisecond.
 */
const TRIED_FILES: Readonly<Record<string, string>> = {
  'read-shadow': 'command exec 3</etc/shadow',
  'open-core-pattern': 'command exec 3<>/proc/sys/kernel/core_pattern',
  'write-root': 'command : >/standby',
  'write-etc': 'command : >/etc/standby',
  'write-usr': 'command : >/usr/standby',
  'write-proc-sys': 'command : >/proc/sys/kernel/randomize_va_space',
  'write-sysrq': 'command : >/proc/sysrq-trigger',
  'write-session-files': `command : >${SESSION_FILES}/standby`,
  'write-root-home': 'command : >/root/standby',
  'device-memory': 'command exec 3</dev/mem',
  'device-kmsg': 'command exec 3</dev/kmsg',
}

/** Tripwires that the attempts touch, where the root file system or the runtime has them. */
export const TRIED_TRIPWIRES: readonly string[] = [
  '/etc/shadow',
  '/proc/sys/kernel/core_pattern',
  '/proc/sysrq-trigger',
]

/**
 * The shell script that a sandbox runs before it has a session: it tries its walls, reports, waits
 * for `go` and becomes the command. All of it is the platform's text; of a session it reads
 * nothing but `start`, which it is given read-only.
 *
 * @param waits how it learns of `go`: where FIFOs do not lead into the sandbox, it looks every
 * hundredth of a second
 */
export function standbyCommand(waits: 'fifo' | 'poll'): string[] {
  const files = Object.entries(TRIED_FILES).map(
    ([control, attempt]) => `try ${control} ${quote(attempt)}`,
  )
  const calls = Object.entries(TRIED_CALLS).map(([control, { command }]) => {
    const program = command.split(' ')[0] ?? ''
    return `has ${program} && try ${control} ${quote(command)} || echo ${control} missing`
  })
  const at = (name: string): string => `${SESSION_FILES}/${name}`
  const script = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'try() { if eval "$2" >/dev/null 2>&1; then echo "$1 open"; else echo "$1 refused"; fi; }',
    'has() { command -v "$1" >/dev/null 2>&1; }',
    `{ ${[...files, ...calls, `echo ${END}`].join('; ')}; } >${REPORT[waits]}`,
    'command exec 3<&-',
    waits === 'fifo'
      ? `read -r go <${at(STANDBY_FILE.go)} || exit 125`
      : `while [ ! -e ${at(STANDBY_FILE.go)} ]; do sleep 0.01; done`,
    `. ${at(STANDBY_FILE.start)}`,
  ]
  return ['/bin/sh', '-c', script.join('\n')]
}

/** Without FIFOs the report goes to /run, which is the session's scratch and still empty. */
const REPORT = {
  fifo: `${SESSION_FILES}/${STANDBY_FILE.ready}`,
  poll: `/run/${STANDBY_FILE.ready}`,
} as const

/** @returns undefined while the report is not complete */
export function parseReport(text: string): Tried[] | undefined {
  const lines = text.split('\n')
  if (!lines.includes(END)) return undefined
  return lines.slice(0, lines.indexOf(END)).flatMap((line) => {
    const [, control, result] = /^(\S+) (refused|open|missing)$/.exec(line) ?? []
    return control === undefined || !isResult(result) ? [] : [{ control, result }]
  })
}

function isResult(text: string | undefined): text is Tried['result'] {
  return text === 'refused' || text === 'open' || text === 'missing'
}

/** Every attempt that a complete report speaks of. */
export const TRIED: readonly string[] = [...Object.keys(TRIED_FILES), ...Object.keys(TRIED_CALLS)]

/**
 * The look that execvp(3) would take, with words that name the command and not this file's lines:
 * 127 for what is not there, 126 for what is no program (POSIX, 2.8.2). The shell itself tests, so
 * a command that is there costs nothing. Variables of the shell stay its own: none is exported.
 */
const LOOK = [
  'code=127',
  'is_program() {',
  '  [ -e "$1" ] || return 1',
  '  [ -f "$1" ] && [ -x "$1" ] && return 0',
  '  code=126',
  '  return 1',
  '}',
  'look() {',
  '  case $1 in "") return 1 ;; */*) is_program "$1"; return ;; esac',
  '  set -f; IFS=:',
  '  for at in $PATH; do is_program "${at:-.}/$1" && return 0; done',
  '  return 1',
  '}',
  'refuse() {',
  '  [ "$code" = 126 ] && why="cannot be executed" || why="not found"',
  '  printf "sekisho: %s: %s\\n" "$1" "$why" >&2',
  '  exit "$code"',
  '}',
] as const

/**
 * What the waiting shell becomes: the directory, the environment, the command. POSIX shell, for
 * whatever /bin/sh the root file system has. The caller has refused NUL bytes and names that are
 * no variables; everything else stands in single quotes, where a shell reads nothing.
 */
export function startText(start: {
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  /** absolute, inside */
  cwd: string
  /** soft and hard; at most what the runtime gave the sandbox */
  openFiles: number
}): string {
  const [file = '', ...args] = start.argv
  // `exec -x` would be an option of some shells, and not every shell knows `--`
  const command = file.startsWith('-') ? ['nice', '-n', '0', '--', file] : [file]
  return [
    ...LOOK,
    `ulimit -n ${start.openFiles} || exit 125`,
    `cd ${quote(start.cwd)} || exit 125`,
    'unset PATH PWD OLDPWD',
    ...Object.entries(start.env).map(([name, value]) => `export ${name}=${quote(value)}`),
    `look ${quote(file)} || refuse ${quote(file)}`,
    `exec ${[...command, ...args].map(quote).join(' ')}`,
    '',
  ].join('\n')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
