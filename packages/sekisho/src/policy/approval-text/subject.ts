import type { HeldAction } from '../../wire/approval.ts'
import { showLine } from './escape.ts'

const MAX_SUBJECT = 500

type Held = Pick<HeldAction, 'action' | 'operation'>

/** One line of what will be done; cut, and saying so, where it is long. */
export function subjectOf(held: Held): string {
  const line = wholeSubjectOf(held)
  if (line.length <= MAX_SUBJECT) return line
  const shown = line.slice(0, MAX_SUBJECT - 40).toWellFormed()
  return `${shown}… (${line.length - shown.length} more characters)`
}

/** The same, uncut. */
export function wholeSubjectOf({ action, operation }: Held): string {
  const what = operation === null ? '' : `${showLine(operation.id)}: `
  return `${what}${action.kind === 'http.request' ? describeRequest(action) : describe(action)}`
}

type Action = HeldAction['action']
type Web = Extract<Action, { kind: 'http.request' }>

function describeRequest({ method, scheme, host, port, path, query, upgrade }: Web): string {
  const origin = `${scheme}://${showLine(host)}${port === USUAL[scheme] ? '' : `:${port}`}`
  const asked = query === null ? '' : `?${showLine(query)}`
  const turns = upgrade === undefined ? '' : ', which becomes a WebSocket'
  return `${showLine(method)} ${origin}${showLine(path)}${asked}${turns}`
}

const USUAL = { http: 80, https: 443 } as const

function describe(action: Exclude<Action, Web>): string {
  switch (action.kind) {
    case 'ws.message': {
      const to = `${showLine(action.host)}:${action.port}${showLine(action.path)}`
      return `send a ${action.type} message of ${action.bytes} bytes to ${to}`
    }
    case 'net.connect':
      return describeConnection(action)
    case 'secret.use':
      return `use the secret ${showLine(action.secret)} at ${showLine(action.host)}`
    case 'package.install': {
      const version = showLine(action.version ?? 'of an unknown version')
      const what = `${action.ecosystem} ${showLine(action.name)} ${version}`
      return `install ${what} from ${showLine(action.host)}${showLine(action.file)}`
    }
    case 'dns.resolve':
    case 'process.syscall':
    case 'file.open':
      return showLine(JSON.stringify(action))
  }
}

function describeConnection(action: Extract<Action, { kind: 'net.connect' }>): string {
  const { transport, host, address, port } = action
  return `connect by ${transport} to ${showLine(host ?? address)}:${port ?? '-'}`
}
