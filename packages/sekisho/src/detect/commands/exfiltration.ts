import type { CommandRule } from './command-rule.ts'
import { upstreamOf } from './flows.ts'
import { isLocal } from './hosts.ts'
import { argumentsOf, programOf, type SeenCommand, type SeenWord } from './seen-command.ts'

const HTTP_DATA =
  /^(?:-[a-zA-Z]*[dFT]|--data(?:-\w+)?|--json|--form(?:-string)?|--upload-file|--url-query|-H|--header|-b|--cookie|-u|--user|-A|--user-agent)$/
const HTTP_DATA_JOINED =
  /^(?:--(?:data(?:-\w+)?|json|form|upload-file|url-query|header|cookie|post-data|body-data)=|-[dFTH](?=.))/
/** A value that is read from a file or from standard input. */
const FROM_FILE = /^(?:[^@=<]{0,64}=)?[@<].|^[^@=]{1,64}@(?=[/.~\w-])/
const UPLOADS = /^(?:-[a-zA-Z]*T|--upload-file|--post-file|--body-file)(?:=|$)/
const CONNECTS = /^(?:nc|ncat|netcat|nc\.openbsd|nc\.traditional|telnet|socat)$/
const ASKS_NAMES = /^(?:dig|nslookup|host|ping|drill|kdig|getent|resolvectl)$/
/** Programs whose output says nothing that is not the same everywhere. */
const HARMLESS =
  /^(?:uname|arch|date|nproc|lsb_release|dpkg|seq|basename|dirname|echo|printf|expr|sleep|true|mktemp|uuidgen)$/

/** Data of the session is put into what leaves it. */
export const exfiltration: CommandRule = {
  id: 'command.exfiltration',
  matches: (seen, place) => {
    const command = seen[place]
    if (command === undefined) return false
    const program = programOf(command)
    if (program === 'curl' || /^(?:wget2?|https?|xh)$/.test(program))
      return sendsOverHttp(seen, command)
    if (CONNECTS.test(program)) return sendsOverConnection(seen, command)
    if (ASKS_NAMES.test(program)) return command.words.slice(1).some((word) => carries(seen, word))
    return sendsOverSocket(command)
  },
}

function sendsOverHttp(seen: readonly SeenCommand[], command: SeenCommand): boolean {
  const args = argumentsOf(command)
  if (args.some((arg) => /^[\w[]/.test(arg) && isLocal(arg))) return false
  return (
    args.some((arg, i) => UPLOADS.test(arg) && (arg.includes('=') || args[i + 1] !== undefined)) ||
    dataOf(args).some((value) => FROM_FILE.test(value)) ||
    command.words.slice(1).some((word) => carries(seen, word))
  )
}

function dataOf(args: readonly string[]): string[] {
  return args.flatMap((arg, i) => {
    if (HTTP_DATA.test(args[i - 1] ?? '')) return [arg]
    const value = arg.replace(HTTP_DATA_JOINED, '')
    return value === arg ? [] : [value]
  })
}

/** Holds what a command prints that looks at the session. */
function carries(seen: readonly SeenCommand[], { outputs }: SeenWord): boolean {
  return upstreamOf(seen, outputs).some((source) => {
    const command = seen[source]
    return command !== undefined && !HARMLESS.test(programOf(command))
  })
}

function sendsOverConnection(seen: readonly SeenCommand[], command: SeenCommand): boolean {
  if (argumentsOf(command).some(isLocal)) return false
  const isFromFile = command.redirects.some(({ operator, target }) => {
    return operator === '<' && !target.text.startsWith('/dev/')
  })
  const sources = upstreamOf(seen, [...command.pipedFrom, ...(command.input?.outputs ?? [])])
  return (
    isFromFile ||
    sources.some((source) => {
      const from = seen[source]
      return from !== undefined && !HARMLESS.test(programOf(from))
    })
  )
}

/** `cat file > /dev/tcp/host/port` */
function sendsOverSocket({ redirects }: SeenCommand): boolean {
  return redirects.some(({ operator, target }) => {
    const [, host] = /^\/dev\/(?:tcp|udp)\/([^/]+)/.exec(target.text) ?? []
    return operator.includes('>') && host !== undefined && !isLocal(host)
  })
}
