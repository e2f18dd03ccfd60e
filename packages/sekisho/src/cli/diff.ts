import { pathsFrom } from '../daemon/paths.ts'
import { type Commit, type RatedChange, SessionChanges } from '../daemon/session-changes.ts'
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
  const commits = await made.commits()
  if (json) {
    terminal.out(JSON.stringify({ ...(commits === null ? {} : { commits }), changes, unreadable }))
    return
  }
  for (const commit of commits ?? []) terminal.out(commitLine(commit))
  if (stat) await printStat(made, changes, terminal)
  else await printTexts(made, changes, terminal)
  for (const { path, reason } of unreadable) {
    terminal.err(`left out ${printable(path)}: ${printable(reason)}`)
  }
}

/** A patch that `git apply` takes: commits and what is said of paths are no part of it. */
async function printTexts(
  made: SessionChanges,
  changes: readonly RatedChange[],
  terminal: Terminal,
): Promise<void> {
  for (const change of changes) {
    if (!isDirectory(change)) printText(await made.textOf(change), terminal)
  }
  for (const { path, risk } of changes) {
    if (risk.kind === 'config') terminal.err(`config   ${printable(path)}`)
    if (risk.kind === 'refused') {
      terminal.err(`refused  ${printable(path)}: ${printable(risk.reason)}`)
    }
  }
}

/** Patches know files; a directory comes with what is in it. */
function isDirectory({ before, after }: RatedChange): boolean {
  return [before, after].every((side) => side === null || side.type === 'directory')
}

function printText(text: string, terminal: Terminal): void {
  for (const line of text.trimEnd().split('\n')) {
    terminal.out(line.split('\t').map(printable).join('\t'))
  }
}

async function printStat(
  made: SessionChanges,
  changes: readonly RatedChange[],
  terminal: Terminal,
): Promise<void> {
  const total = { files: 0, added: 0, removed: 0 }
  for (const change of changes) {
    const { added, removed } = isDirectory(change)
      ? { added: 0, removed: 0 }
      : countLines(await made.textOf(change))
    terminal.out(statLine(change, added + removed === 0 ? '' : `  +${added} -${removed}`))
    total.files += isDirectory(change) ? 0 : 1
    total.added += added
    total.removed += removed
  }
  terminal.out(`${total.files} files changed, +${total.added} -${total.removed} lines`)
}

/** Of the hunks; what stands above the first is a header. */
function countLines(text: string): { added: number; removed: number } {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => line.startsWith('@@'))
  const hunks = first === -1 ? [] : lines.slice(first)
  const count = (mark: string): number => hunks.filter((line) => line.startsWith(mark)).length
  return { added: count('+'), removed: count('-') }
}

function statLine({ path, before, after, risk }: RatedChange, counts: string): string {
  const note = risk.kind === 'refused' ? `  refused: ${printable(risk.reason)}` : ''
  const mark = risk.kind === 'config' ? '  (config)' : note
  return `${letterOf(before, after)} ${printable(path)}${counts}${mark}`
}

/** As git names them: added, deleted, modified, of another type. */
function letterOf(before: RatedChange['before'], after: RatedChange['after']): string {
  if (before === null) return 'A'
  if (after === null) return 'D'
  return before.type === after.type ? 'M' : 'T'
}

function commitLine({ hash, author, subject }: Commit): string {
  return `commit ${hash.slice(0, 12)} ${printable(author)}: ${printable(subject)}`
}
