import { applyWorkspace } from '../sandbox/workspace-apply.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'
import { SekishoError } from '../core/error.ts'
import { printable } from './terminal.ts'
import { workspaceOf } from './workspace-of.ts'

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
    const { record, layers } = workspaceOf(session)
    const result = await applyWorkspace({
      ...layers,
      startedAtMs: Date.parse(record.startedAt),
      paths: paths.length === 0 ? null : paths,
      includeConfig: values['include-config'] === true,
      force: values['force'] === true,
    })
    if (values['json'] === true) terminal.out(JSON.stringify(result))
    else {
      for (const path of result.applied) terminal.out(`applied  ${printable(path)}`)
      for (const path of result.config) {
        terminal.err(`config   ${printable(path)}: it runs commands or steers agents; --include-config takes it`)
      }
      for (const path of result.conflicts) {
        terminal.err(`conflict ${printable(path)}: you changed it meanwhile; --force overwrites it`)
      }
      for (const { path, reason } of result.refused) {
        terminal.err(`refused  ${printable(path)}: ${printable(reason)}`)
      }
    }
    return result.conflicts.length + result.refused.length > 0 ? 1 : 0
  },
}
