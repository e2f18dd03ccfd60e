import { SekishoError } from '../core/error.ts'
import type { Command } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { recordReading } from './log-reading.ts'
import { showLeaves } from './log-show.ts'

export const logs: Command = {
  name: 'logs',
  summary: 'What one session did, as the platform recorded it (log show --session)',
  usage: 'sekisho logs SESSION [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(logs.usage, argv)
    const session = onePositional(logs.usage, positionals)
    const isJson = values['json'] === true
    await recordReading({ what: 'show', query: ['--session', ...argv] }, terminal)
    const shown = await showLeaves({ session, isDeniedOnly: false, isJson }, terminal)
    if (shown > 0) return 0
    throw new SekishoError('SESSION_UNKNOWN', `the log knows no session ${session}`, {
      hint: 'run `sekisho log show`',
    })
  },
}
