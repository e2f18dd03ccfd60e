import { isInterpreterName, isShell } from './exec-view.ts'
import type { ExecRule, ExecView } from './rule.ts'
import type { Command } from './shell-text.ts'

/** Bash's own sockets: a redirection to a host and a port. */
const SHELL_SOCKET = /[<>&]\s{0,8}\/dev\/(?:tcp|udp)\//
const LOCAL_SOCKET = /\/dev\/(?:tcp|udp)\/(?:localhost|127\.0\.0\.1|::1)\//
/** A shell whose input is given away, or one that runs each line that comes. */
const GIVEN_AWAY = /\bsh\s+-i\b|\b0[<>]&|<&\s?\d|\bread\b[^;]{0,40};\s*do\b|\bbash\s*<|\bsh\s*</
const NETCAT = /^(?:nc|ncat|netcat|nc\.(?:openbsd|traditional))$/
const NETCAT_EXEC = /^(?:-[a-zA-Z]*[ec]|--exec|--sh-exec|--lua-exec)$/
const SHELL_PATH = /^(?:\/\S*\/)?(?:ba|da|z|k|a)?sh\b/
const SOCAT_EXEC = /^(?:EXEC|SYSTEM|SHELL):/i
const SOCAT_NETWORK = /^(?:TCP|TCP4|TCP6|UDP|UDP4|OPENSSL|SSL|SCTP|SOCKS\w*|PROXY)[-:\w]*:/i
const SOCKET =
  /\bsocket\b|\bTCPSocket\b|\bfsockopen\b|\bnet\.(?:connect|Socket|createConnection)\b|require\(["'](?:node:)?net["']\)/
const SPAWNS =
  /\bdup2\b|\bpty\.spawn\b|\/bin\/(?:ba)?sh\b|\bproc_open\b|\bshell_exec\b|\bpopen\b|\bspawn\s*\(|>&\s?(?:S|\d)/i
const CARRIERS: ReadonlySet<string> = new Set([
  'nc',
  'ncat',
  'netcat',
  'telnet',
  'openssl',
  'socat',
])

export const REVERSE_SHELL_RULES: readonly ExecRule[] = [
  {
    name: 'reverse-shell',
    severity: 'high',
    reason: 'a shell or interpreter whose input and output are a network connection',
    matches: (view) =>
      [overShellSocket, overNetcat, overSocat, overScript, overPipe].some((is) => is(view)),
  },
  {
    name: 'shell-socket',
    severity: 'medium',
    reason: 'a connection that a shell makes by itself, to another machine',
    matches: ({ program, scripts }) =>
      isShell(program) &&
      scripts.some((script) => SHELL_SOCKET.test(script) && !LOCAL_SOCKET.test(script)),
  },
]

function overShellSocket({ program, scripts, args }: ExecView): boolean {
  if (!isShell(program)) return false
  return scripts.some(
    (script) => SHELL_SOCKET.test(script) && (GIVEN_AWAY.test(script) || args.includes('-i')),
  )
}

function overNetcat({ program, args }: ExecView): boolean {
  if (!NETCAT.test(program)) return false
  return args.some((arg, i) => NETCAT_EXEC.test(arg) && SHELL_PATH.test(args[i + 1] ?? ''))
}

function overSocat({ program, args }: ExecView): boolean {
  const does = (what: RegExp): boolean => args.some((arg) => what.test(arg))
  return program === 'socat' && does(SOCAT_EXEC) && does(SOCAT_NETWORK)
}

function overScript({ program, scripts }: ExecView): boolean {
  if (!isInterpreterName(program) || isShell(program)) return false
  return scripts.some((script) =>
    program.endsWith('awk')
      ? script.includes('/inet/') && script.includes('|&') && script.includes('getline')
      : SOCKET.test(script) && SPAWNS.test(script),
  )
}

/** `sh -i < pipe | nc host port > pipe`, and its relatives. */
function overPipe({ pipelines }: ExecView): boolean {
  return pipelines.some((commands) => {
    const shell = commands.findIndex((command) => isShell(command.program))
    return shell !== -1 && commands.some((command, i) => i !== shell && carries(command, commands))
  })
}

function carries({ program, args }: Command, commands: readonly Command[]): boolean {
  if (!CARRIERS.has(program)) return false
  if (program === 'openssl') return args[0] === 's_client'
  // a script fetched with nc and run is another shape; here the connection gets the output, too
  return commands.at(-1)?.program === program || commands.some((c) => c.args.includes('-i'))
}
