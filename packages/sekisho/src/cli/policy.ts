import { SekishoError } from '../core/error.ts'
import type { AgentFile } from '../policy/agent-file.ts'
import { DETECTOR_IDS } from '../daemon/detector-ids.ts'
import { expiringRules } from '../policy/expiring-rules.ts'
import { namedDetectors, requireKnownDetectors } from '../policy/known-detectors.ts'
import { readTemplate } from '../policy/provenance/templates.ts'
import type { Command, Terminal } from './command.ts'
import { expiryText } from './expiry-text.ts'
import { jsonFlag } from './flags.ts'
import { readBundle } from './policy-bundle.ts'
import { exportFence } from './policy-export.ts'
import { proposeRules } from './policy-propose.ts'
import { policyStatus, reloadPolicy } from './policy-running.ts'

/** Time to ask a rule's owner whether it is still needed. */
const EXPIRY_NOTICE_DAYS = 14

export const policy: Command = {
  name: 'policy',
  summary:
    'Check a policy bundle, propose rules for what a session was denied, write the outer fence',
  usage:
    'sekisho policy check [DIRECTORY] [--json] | policy reload [--json] | policy status [--json] | policy propose SESSION [--bundle DIRECTORY] [--out FILE] [--json] | policy export --to k8s-networkpolicy|cilium|gcp-ngfw-terraform [--agent NAME] [--out FILE] [DIRECTORY]',
  async run(argv, terminal) {
    const [action, ...rest] = argv
    if (action === 'check') return check(rest, terminal)
    if (action === 'reload') return reloadPolicy(policy.usage, rest, terminal)
    if (action === 'status') return policyStatus(policy.usage, rest, terminal)
    if (action === 'propose') return proposeRules(policy.usage, rest, terminal)
    if (action === 'export') return exportFence(policy.usage, rest, terminal)
    throw new SekishoError('USAGE', `policy ${action ?? ''}`, { hint: `usage: ${policy.usage}` })
  },
}

async function check(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = jsonFlag(policy.usage, argv)
  const { bundle, directory } = await readBundle(positionals[0], terminal)
  const { agents, digest, unusableRegistries } = bundle
  const files = agents.map((name) => bundle.agent(name))
  requireKnownDetectors(namedDetectors(files), DETECTOR_IDS)
  const expiring = expiringRules(files, Date.now(), EXPIRY_NOTICE_DAYS)
  const templates = files.flatMap(capacitiesOf)
  if (values['json'] === true) {
    terminal.out(JSON.stringify({ agents, digest, unusableRegistries, expiring, templates }))
    return 0
  }
  terminal.out(`${directory}: ${agents.length} agents (${agents.join(', ')}), ${digest}`)
  for (const { url, reason } of unusableRegistries) terminal.out(`  left out ${url}: ${reason}`)
  for (const one of expiring) terminal.out(`  ${expiryText(one)}`)
  for (const { agent, template, bits } of templates) {
    terminal.out(`  ${agent}: one URL of ${template} can say ${Math.ceil(bits)} bits`)
  }
  return 0
}

/** How much the agent's templates let through: what a reviewer of a file cannot see in it. */
function capacitiesOf({ name, provenance }: AgentFile): TemplateCapacity[] {
  return (provenance?.templates ?? []).flatMap((template) => {
    const read = readTemplate(template)
    return 'value' in read ? [{ agent: name, template, bits: read.value.bits }] : []
  })
}

type TemplateCapacity = { agent: string; template: string; bits: number }
