import { pathsFrom } from '../daemon/paths.ts'
import { api } from '../wire/api.ts'
import { connect } from './client.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'

export const status: Command = {
  name: 'status',
  summary: 'Say what is healthy, what is degraded and why',
  usage: 'sekisho status [--json]',
  async run(argv, terminal) {
    const { values } = jsonFlag(status.usage, argv)
    const peer = await connect(pathsFrom(process.env).apiSocket, api)
    const state = await peer.call('status', {})
    peer.close()
    if (values['json'] === true) {
      terminal.out(JSON.stringify(state))
      return 0
    }
    terminal.out(
      `sekisho ${state.version}, ${state.sessions} sessions, ${state.logSize} log leaves`,
    )
    for (const line of state.healthy) terminal.out(`  ok        ${line}`)
    for (const line of state.degraded) terminal.out(`  degraded  ${line}`)
    return 0
  },
}
