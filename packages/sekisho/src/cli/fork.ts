import type { Command } from './command.ts'
import { parseStart, runFrom } from './restore.ts'
import { takeSnapshot } from './snapshot.ts'

export const fork: Command = {
  name: 'fork',
  summary: "Run a command in a new session whose changes begin as a copy of another's",
  usage: 'sekisho fork SESSION [--agent NAME] -- COMMAND [ARGUMENT…]',
  async run(argv, terminal) {
    const { subject, agent, command } = parseStart(fork.usage, argv)
    return runFrom(await takeSnapshot(subject, null), { agent, command, terminal })
  },
}
