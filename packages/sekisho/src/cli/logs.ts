import type { Command } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'
import { recordReading } from './log-reading.ts'
import { sessionIdOf, showLeaves } from './log-show.ts'

export const logs: Command = {
  name: 'logs',
  summary: 'What one session did, as the platform recorded it (log show --session)',
  usage: 'sekisho logs SESSION [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(logs.usage, argv)
    const session = sessionIdOf(onePositional(logs.usage, positionals))
    const isJson = values['json'] === true
    await recordReading({ what: 'show', query: ['--session', ...argv] }, terminal)
    return showLeaves({ session, isDeniedOnly: false, isJson }, terminal)
  },
}
