import { SekishoError } from '../core/error.ts'
import type { Command, Terminal } from './command.ts'
import { jsonFlag } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { exportFence } from './policy-export.ts'
import { proposeRules } from './policy-propose.ts'

export const policy: Command = {
  name: 'policy',
  summary:
    'Check a policy bundle, propose rules for what a session was denied, write the outer fence',
  usage:
    'sekisho policy check [DIRECTORY] [--json] | policy propose SESSION [--bundle DIRECTORY] [--out FILE] [--json] | policy export --to k8s-networkpolicy|cilium|gcp-ngfw-terraform [--agent NAME] [--out FILE] [DIRECTORY]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    if (action === 'check') return check(rest, terminal)
    if (action === 'propose') return proposeRules(policy.usage, rest, terminal)
    if (action === 'export') return exportFence(policy.usage, rest, terminal)
    throw new SekishoError('USAGE', `policy ${action ?? ''}`, { hint: `usage: ${policy.usage}` })
  },
}

async function check(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = jsonFlag(policy.usage, argv)
  const { bundle, directory } = await readBundle(positionals[0], terminal)
  const { agents, digest, unusableRegistries } = bundle
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ agents, digest, unusableRegistries }))
    return 0
  }
  terminal.out(`${directory}: ${agents.length} agents (${agents.join(', ')}), ${digest}`)
  for (const { url, reason } of unusableRegistries) terminal.out(`  left out ${url}: ${reason}`)
  return 0
}
