import { log } from './log.ts'
import type { Command } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'

export const logs: Command = {
  name: 'logs',
  summary: 'What one session did, as the platform recorded it (log show --session)',
  usage: 'sekisho logs SESSION [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(logs.usage, argv)
    const session = onePositional(logs.usage, positionals)
    const json = values['json'] === true ? ['--json'] : []
    return log.run(['show', '--session', session, ...json], terminal)
  },
}
