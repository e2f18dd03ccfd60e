import { pathsFrom } from '../daemon/paths.ts'
import { readSessionRecords } from '../daemon/session-record.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'
import { runningSessions } from './running-sessions.ts'
import { printable, table } from './terminal.ts'

export const ps: Command = {
  name: 'ps',
  summary: 'List the sessions that run, and with --all those that left changes',
  usage: 'sekisho ps [--all] [--json]',
  async run(argv, terminal) {
    const { values } = jsonFlag(ps.usage, argv, { all: { type: 'boolean', default: false } })
    const paths = pathsFrom(process.env)
    const answer = await runningSessions(paths.apiSocket)
    if (answer === undefined) terminal.err(`no daemon answers at ${paths.apiSocket}: nothing runs`)
    const sessions = answer ?? []
    const running = sessions.map((s) => ({ ...s, state: 'running' }))
    const ids = new Set(sessions.map((s) => s.session))
    const kept = values['all'] === true ? readSessionRecords(paths.sessions) : []
    const past = kept
      .filter((record) => !ids.has(record.session))
      .map((record) => ({ ...record, state: `ended (${record.exitCode ?? '?'})` }))
    const rows = [...running, ...past]
    if (values['json'] === true) terminal.out(JSON.stringify({ sessions: rows }))
    else for (const line of lines(rows)) terminal.out(line)
    return 0
  },
}

type Row = { session: string; agent: string; state: string; startedAt: string; argv: string[] }

function lines(rows: readonly Row[]): string[] {
  return table([
    ['SESSION', 'AGENT', 'STATE', 'STARTED', 'COMMAND'],
    ...rows.map((row) => [
      row.session,
      row.agent,
      row.state,
      row.startedAt,
      printable(row.argv.join(' ')).slice(0, 80),
    ]),
  ])
}
