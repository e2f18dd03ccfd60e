import { pathsFrom } from '../daemon/paths.ts'
import { type RatedChange, SessionChanges } from '../daemon/session-changes.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { printable } from './terminal.ts'

export const diff: Command = {
  name: 'diff',
  summary: 'Show what a session changed in its workspace; your files are untouched until apply',
  usage: 'sekisho diff SESSION [--stat] [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(diff.usage, argv, {
      stat: { type: 'boolean', default: false },
    })
    const session = onePositional(diff.usage, positionals)
    await SessionChanges.use(pathsFrom(process.env), session, (made) =>
      print(made, terminal, { json: values['json'] === true, stat: values['stat'] === true }),
    )
    return 0
  },
}

async function print(
  made: SessionChanges,
  terminal: Terminal,
  { json, stat }: { json: boolean; stat: boolean },
): Promise<void> {
  const { changes, unreadable } = await made.list()
  if (json) {
    terminal.out(JSON.stringify({ changes, unreadable }))
    return
  }
  for (const change of changes) {
    if (stat) terminal.out(statLine(change))
    else printText(await made.textOf(change), terminal)
  }
  for (const { path, reason } of unreadable) {
    terminal.err(`left out ${printable(path)}: ${printable(reason)}`)
  }
}

function printText(text: string, terminal: Terminal): void {
  for (const line of text.trimEnd().split('\n')) {
    terminal.out(line.split('\t').map(printable).join('\t'))
  }
}

function statLine({ path, before, after, risk }: RatedChange): string {
  const note = risk.kind === 'refused' ? `  refused: ${risk.reason}` : ''
  return `${letterOf(before, after)} ${printable(path)}${risk.kind === 'config' ? '  (config)' : note}`
}

/** As git names them: added, deleted, modified, of another type. */
function letterOf(before: RatedChange['before'], after: RatedChange['after']): string {
  if (before === null) return 'A'
  if (after === null) return 'D'
  return before.type === after.type ? 'M' : 'T'
}
