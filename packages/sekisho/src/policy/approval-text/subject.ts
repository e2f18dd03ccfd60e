import type { HeldAction } from '../../wire/approval.ts'
import { showLine } from './escape.ts'

const MAX_SUBJECT = 500

type Held = Pick<HeldAction, 'action' | 'operation'>

/** One line of what will be done; cut, and saying so, where it is long. */
export function subjectOf(held: Held): string {
  const line = wholeSubjectOf(held)
  const characters = [...line]
  if (line.length <= MAX_SUBJECT) return line
  const shown = characters
    .slice(0, MAX_SUBJECT / 2)
    .join('')
    .slice(0, MAX_SUBJECT - 40)
  return `${shown}… (${line.length - shown.length} more characters)`
}

/** The same, uncut. */
export function wholeSubjectOf({ action, operation }: Held): string {
  const what = operation === null ? '' : `${showLine(operation.id)}: `
  return `${what}${describe(action)}`
}

function describe(action: HeldAction['action']): string {
  switch (action.kind) {
    case 'http.request': {
      const { method, path, query } = action
      return `${showLine(method)} ${originOf(action)}${showLine(path)}${query === null ? '' : `?${showLine(query)}`}`
    }
    case 'ws.message':
      return `send a ${action.type} message of ${action.bytes} bytes to ${showLine(action.host)}${showLine(action.path)}`
    case 'net.connect':
      return `connect by ${action.transport} to ${showLine(action.host ?? action.address)}:${action.port ?? '-'}`
    case 'dns.resolve':
      return `resolve ${showLine(action.name)} ${showLine(action.type)}`
    case 'secret.use':
      return `use the secret ${showLine(action.secret)} at ${showLine(action.host)}`
    case 'package.install':
      return `install ${action.ecosystem} ${showLine(action.name)} ${showLine(action.version ?? 'of an unknown version')} from ${showLine(action.host)}`
    case 'process.syscall':
      return `call ${showLine(action.syscall)}`
    case 'file.open':
      return `open ${showLine(action.path)}`
  }
}

type Web = Extract<HeldAction['action'], { kind: 'http.request' }>

function originOf({ scheme, host, port }: Web): string {
  const usual = scheme === 'https' ? 443 : 80
  return `${scheme}://${showLine(host)}${port === usual ? '' : `:${port}`}`
}
