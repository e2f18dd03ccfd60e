import { SekishoError } from '../core/error.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { type ApplyResult, SessionChanges } from '../daemon/session-changes.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { printable } from './terminal.ts'

export const apply: Command = {
  name: 'apply',
  summary: "Copy a session's changes into your directory, all or the named paths",
  usage: 'sekisho apply SESSION [PATH…] [--include-config] [--force] [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(apply.usage, argv, {
      'include-config': { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
    })
    const [session, ...paths] = positionals
    if (session === undefined) {
      throw new SekishoError('USAGE', 'a session is missing', { hint: `usage: ${apply.usage}` })
    }
    const result = await SessionChanges.use(pathsFrom(process.env), session, (changes) =>
      changes.apply({
        paths: paths.length === 0 ? null : paths,
        includeConfig: values['include-config'] === true,
        force: values['force'] === true,
      }),
    )
    if (values['json'] === true) terminal.out(JSON.stringify(result))
    else print(result, terminal)
    return result.conflicts.length + result.refused.length > 0 ? 1 : 0
  },
}

function print({ applied, config, conflicts, refused }: ApplyResult, terminal: Terminal): void {
  for (const path of applied) terminal.out(`applied  ${printable(path)}`)
  for (const path of config) {
    const why = 'it runs commands or steers agents; --include-config takes it'
    terminal.err(`config   ${printable(path)}: ${why}`)
  }
  for (const path of conflicts) {
    terminal.err(`conflict ${printable(path)}: you changed it meanwhile; --force overwrites it`)
  }
  for (const { path, reason } of refused) {
    terminal.err(`refused  ${printable(path)}: ${printable(reason)}`)
  }
}
