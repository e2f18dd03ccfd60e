import { pathsFrom } from '../daemon/paths.ts'
import { platformVersion } from '../daemon/version.ts'
import type { Command } from './command.ts'

export const version: Command = {
  name: 'version',
  summary: 'Print the version',
  usage: 'sekisho version',
  async run(_argv, terminal) {
    terminal.out(platformVersion(pathsFrom(process.env).code))
    return 0
  },
}
