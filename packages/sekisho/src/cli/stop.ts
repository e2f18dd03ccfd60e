import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'
import type { Command } from './command.ts'
import { jsonFlag, onePositional } from './flags.ts'

export const stop: Command = {
  name: 'stop',
  summary: 'Stop a session: SIGTERM, and after a grace everything in it is killed',
  usage: 'sekisho stop SESSION [--json]',
  async run(argv, terminal) {
    const { values, positionals } = jsonFlag(stop.usage, argv)
    const session = onePositional(stop.usage, positionals)
    const peer = await connect(pathsFrom(process.env).apiSocket, api)
    const end = await peer.call('stop', { session }, { timeoutMs: 60_000 })
    peer.close()
    terminal.out(
      values['json'] === true ? JSON.stringify(end) : `${session} stopped (${end.exitCode})`,
    )
    return 0
  },
}
