import { resolve } from 'node:path'
import { homedir } from 'node:os'
import { SekishoError } from '../core/error.ts'
import { BundleFiles } from '../daemon/bundle-files.ts'
import { readOperators } from '../daemon/operator-key.ts'
import { pathsFrom } from '../daemon/paths.ts'
import { readRegistries } from '../daemon/registries.ts'
import { readSettings } from '../daemon/settings.ts'
import { loadBundle } from '../policy/bundle.ts'
import type { Command } from './command.ts'
import { jsonFlag } from './flags.ts'

export const policy: Command = {
  name: 'policy',
  summary: 'Read a policy bundle and say what is wrong with it',
  usage: 'sekisho policy check [DIRECTORY] [--json]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    if (action !== 'check') {
      throw new SekishoError('USAGE', `policy ${action ?? ''}`, { hint: `usage: ${policy.usage}` })
    }
    const { values, positionals } = jsonFlag(policy.usage, rest)
    const directory = resolve(positionals[0] ?? pathsFrom(process.env).bundle)
    readSettings(directory)
    readOperators(directory)
    const { files } = new BundleFiles(directory).read(null)
    const registries = await readRegistries(homedir(), (line) => terminal.err(line))
    const bundle = loadBundle(new Map(Object.entries(files ?? {})), registries)
    const { agents, digest, unusableRegistries } = bundle
    if (values['json'] === true) {
      terminal.out(JSON.stringify({ agents, digest, unusableRegistries }))
      return 0
    }
    terminal.out(`${directory}: ${agents.length} agents (${agents.join(', ')}), ${digest}`)
    for (const { url, reason } of unusableRegistries) terminal.out(`  left out ${url}: ${reason}`)
    return 0
  },
}
