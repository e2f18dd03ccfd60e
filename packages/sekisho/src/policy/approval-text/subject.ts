import type { HeldAction } from '../../wire/approval.ts'
import { commandLine } from './command-line.ts'
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

type NeverHeld = Extract<Action, { kind: 'dns.resolve' | 'process.syscall' | 'file.open' }>

function isNeverHeld(action: Action): action is NeverHeld {
  return ['dns.resolve', 'process.syscall', 'file.open'].includes(action.kind)
}

function describe(action: Exclude<Action, Web>): string {
  if (isNeverHeld(action)) return showLine(JSON.stringify(action))
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
    case 'llm.generate':
      return describeModelCall(action)
    case 'llm.tool-call':
      return describeToolCall(action)
  }
}

function describeConnection(action: Extract<Action, { kind: 'net.connect' }>): string {
  const { transport, host, address, port } = action
  return `connect by ${transport} to ${showLine(host ?? address)}:${port ?? '-'}`
}

function describeModelCall(action: Extract<Action, { kind: 'llm.generate' }>): string {
  const { provider, model, serverTools, host } = action
  const run = serverTools.length === 0 ? '' : `, which may use ${shown(serverTools)} there`
  return `ask the model ${showLine(model)} of ${showLine(provider)} at ${showLine(host)}${run}`
}

/** What it would do, first; what the tool is called says less. */
function describeToolCall(action: Extract<Action, { kind: 'llm.tool-call' }>): string {
  const { tool, does, commands, paths, urls } = action
  const parts = [
    commands.map((command) => showLine(commandLine([command.program, ...command.args]))).join('; '),
    shown(paths),
    shown(urls),
  ].filter((part) => part !== '')
  const what = parts.length === 0 ? '' : `: ${parts.join('; ')}`
  return `let the agent call ${showLine(tool)} (${does})${what}`
}

function shown(texts: readonly string[]): string {
  return texts.map(showLine).join(', ')
}
