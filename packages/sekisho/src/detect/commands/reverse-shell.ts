import type { CommandRule } from './command-rule.ts'
import { upstreamOf } from './flows.ts'
import { isLocal } from './hosts.ts'
import { codeOf, isShell, readsProgram } from './programs.ts'
import { argumentsOf, programOf, type SeenCommand } from './seen-command.ts'

const SHELL_SOCKET = /^\/dev\/(?:tcp|udp)\/([^/]+)/
const NETCAT = /^(?:nc|ncat|netcat|nc\.openbsd|nc\.traditional)$/
const NETCAT_RUNS = /^(?:-[a-zA-Z]*[ec]|--exec|--sh-exec|--lua-exec)(?:=|$)/
const CARRIER = /^(?:nc|ncat|netcat|nc\.openbsd|nc\.traditional|telnet|socat|openssl)$/
const SOCKET =
  /\bsocket\b|\bTCPSocket\b|\bfsockopen\b|\bnet\.(?:connect|Socket|createConnection)\b|require\(["'](?:node:)?net["']\)|\/inet\/tcp\//
const SPAWNS =
  /\bdup2\b|\bpty\.spawn\b|\/bin\/(?:ba)?sh\b|\bproc_open\b|\bshell_exec\b|\bpopen\b|\bspawn\s*\(|>&\s?(?:S|\d)|\bgetline\b/i

/** A shell, or an interpreter, whose input and output are a connection. */
export const reverseShell: CommandRule = {
  id: 'command.reverse-shell',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    return (
      overShellSocket(command) ||
      overProgram(command) ||
      overPipe(seen, place) ||
      codeOf(command).some((code) => SOCKET.test(code) && SPAWNS.test(code))
    )
  },
}

/** Bash's own sockets; nothing but bash has them, and they are no way to fetch a file. */
function overShellSocket({ redirects, words }: SeenCommand): boolean {
  return [...redirects.map(({ target }) => target.text), ...words.map(({ text }) => text)].some(
    (text) => {
      const [, host] = SHELL_SOCKET.exec(text) ?? []
      return host !== undefined && !isLocal(host)
    },
  )
}

function overProgram(command: SeenCommand): boolean {
  const program = programOf(command)
  const args = argumentsOf(command)
  if (NETCAT.test(program)) return args.some((arg) => NETCAT_RUNS.test(arg))
  if (program !== 'socat') return false
  return (
    args.some((arg) => /(?:^|!!)(?:EXEC|SYSTEM|SHELL):/i.test(arg)) &&
    args.some((arg) => /^(?:TCP|UDP|OPENSSL|SSL|SCTP|SOCKS|PROXY|VSOCK)/i.test(arg))
  )
}

/** `cat pipe | sh -i 2>&1 | nc host port > pipe`, and `nc host port | sh` */
function overPipe(seen: readonly SeenCommand[], place: number): boolean {
  const command = seen[place]
  if (command === undefined || !isGivenAway(command)) return false
  const isFed = upstreamOf(seen, command.pipedFrom).some((source) => isCarrier(seen[source]))
  return isFed || seen.some((other) => isCarrier(other) && other.pipedFrom.includes(place))
}

/** A shell that reads what it runs, and was not given it by the line itself. */
function isGivenAway(command: SeenCommand): boolean {
  return isShell(programOf(command)) && command.input === null && readsProgram(command)
}

function isCarrier(command: SeenCommand | undefined): boolean {
  if (command === undefined || !CARRIER.test(programOf(command))) return false
  return programOf(command) !== 'openssl' || argumentsOf(command).includes('s_client')
}
