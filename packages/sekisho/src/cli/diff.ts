import type { Change } from '../sandbox/workspace-diff.ts'
import { diffWorkspace } from '../sandbox/workspace-diff.ts'
import { riskOf } from '../sandbox/workspace-risk.ts'
import { changeText } from '../sandbox/workspace-text.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { printable } from './terminal.ts'
import { workspaceOf } from './workspace-of.ts'

export const diff: Command = {
  name: 'diff',
  summary: 'Show what a session changed in its workspace; your files are untouched until apply',
  usage: 'sekisho diff SESSION [--stat] [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(diff.usage, argv, {
      stat: { type: 'boolean', default: false },
    })
    const { layers } = workspaceOf(onePositional(diff.usage, positionals))
    const { changes, unreadable } = await diffWorkspace(layers)
    if (values['json'] === true) {
      const rows = changes.map((change) => ({ ...change, risk: riskOf(change) }))
      terminal.out(JSON.stringify({ changes: rows, unreadable }))
      return 0
    }
    for (const change of changes) {
      if (values['stat'] === true) terminal.out(statLine(change))
      else printText(await changeText(layers, change), terminal)
    }
    for (const { path, reason } of unreadable) {
      terminal.err(`left out ${printable(path)}: ${printable(reason)}`)
    }
    return 0
  },
}

function printText(text: string, terminal: Terminal): void {
  for (const line of text.trimEnd().split('\n')) {
    terminal.out(line.split('\t').map(printable).join('\t'))
  }
}

function statLine(change: Change): string {
  const { path, before, after } = change
  const kind = before === null ? 'A' : after === null ? 'D' : before.type === after.type ? 'M' : 'T'
  const risk = riskOf(change)
  const note = risk.kind === 'refused' ? `  refused: ${risk.reason}` : ''
  return `${kind} ${printable(path)}${risk.kind === 'config' ? '  (config)' : note}`
}
