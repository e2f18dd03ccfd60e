import { commandLine } from '../policy/approval-text/command-line.ts'

type Fields = Readonly<Record<string, unknown>>

/** A call of a model, or of a tool that a model proposes, in one line; not yet printable. */
export function describeModelAction(action: Fields): string | undefined {
  switch (action['kind']) {
    case 'llm.generate': {
      const run = list(action['serverTools'])
      const itself = run === '' ? '' : `, which may use ${run} there`
      return `ask ${text(action['provider'])}:${text(action['model'])} at ${text(action['host'])}${itself}`
    }
    case 'llm.tool-call':
      return `the model calls ${text(action['tool'])}${describeCall(action)}`
    default:
      return undefined
  }
}

/** What a tool would do, as far as the arguments of its call say it. */
function describeCall({ commands, paths, urls }: Fields): string {
  const lines = Array.isArray(commands) ? commands.map(describeCommand).join('; ') : ''
  const parts = [lines, list(paths), list(urls)].filter((part) => part !== '')
  return parts.length === 0 ? '' : `: ${parts.join('; ')}`
}

function describeCommand(command: unknown): string {
  const { program, args }: Fields = { ...Object(command) }
  const words = [program, ...(Array.isArray(args) ? args : [])]
  return commandLine(words.map((word) => (typeof word === 'string' ? word : null)))
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(' ') : ''
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '-')
}
