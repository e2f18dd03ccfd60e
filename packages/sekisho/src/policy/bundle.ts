import { createHash } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.ts'
import { SekishoError } from '../core/error.ts'
import type { SessionPolicy } from '../wire/policy.ts'
import { type AgentFile, agentNameOf, parseAgentFile } from './agent-file.ts'
import { suggest } from './nearest.ts'
import { printable } from './problem.ts'
import { type Registries, type RegistryUrl, readRegistryUrls } from './registry-config.ts'
import { sessionPolicy, setupPolicy } from './session-policy.ts'

/** A whole policy directory, valid in every part. */
export type Bundle = {
  /** sorted */
  agents: readonly string[]
  /** @throws SekishoError AGENT_UNKNOWN */
  agent(name: string): AgentFile
  /** the agent's rules with presets expanded */
  policyOf(agent: AgentFile): SessionPolicy
  /** the same of its setup phase; null where it has none */
  setupPolicyOf(agent: AgentFile): SessionPolicy | null
  /** over every agent and every rule that its presets come to on this machine */
  digest: string
  /** registries of this machine that no session can reach, for the operator */
  unusableRegistries: Registries['unusable']
}

/**
 * Reads a bundle from the texts of its files. One bad file refuses the whole: a bundle is valid
 * or it is not, and no session starts on half of one.
 *
 * @param files text by path; agents are `agents/<name>.yaml`, other paths are left alone
 * @param registryUrls of this machine's npm, apt and pip configuration
 * @throws SekishoError CONFIG_INVALID
 */
export function loadBundle(
  files: ReadonlyMap<string, string>,
  registryUrls: readonly RegistryUrl[],
): Bundle {
  const { origins, unusable } = readRegistryUrls(registryUrls)
  const agents = new Map<string, AgentFile>()
  for (const [path, text] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!isAgentPath(path)) continue
    const name = agentNameOf(path)
    if (agents.has(name)) {
      throw new SekishoError('CONFIG_INVALID', `${path}: a second file for agent \`${name}\``)
    }
    agents.set(name, parseAgentFile(text, path, origins))
  }
  const policyOf = (agent: AgentFile): SessionPolicy => sessionPolicy(agent, origins)
  const setupPolicyOf = (agent: AgentFile): SessionPolicy | null => setupPolicy(agent, origins)
  return {
    agents: [...agents.keys()],
    agent: (name) => agents.get(name) ?? refuseUnknown(name, [...agents.keys()]),
    policyOf,
    setupPolicyOf,
    digest: digestOf(
      [...agents.values()].map((agent) => [agent, policyOf(agent), setupPolicyOf(agent)]),
    ),
    unusableRegistries: unusable,
  }
}

/**
 * Names what a session ran under: `sha256:` and hex over RFC 8785 JSON.
 *
 * @param policy when given, also the rules that presets came to on this machine
 */
export function configurationDigest(agent: AgentFile, policy?: SessionPolicy): string {
  return digestOf(policy === undefined ? agent : [agent, policy])
}

function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(canonicalJson(value)).digest('hex')}`
}

function isAgentPath(path: string): boolean {
  if (!/(?:^|\/)agents\/[^/]+$/.test(path)) return false
  if (path.endsWith('.yaml')) return true
  if (!/\.(?:yml|json|ya?ml\.\w+)$/i.test(path)) return false
  throw new SekishoError('CONFIG_INVALID', `${path}: an agent file ends in .yaml`, {
    hint: 'rename the file, or move it out of agents/',
  })
}

function refuseUnknown(name: string, known: readonly string[]): never {
  const list = known.length === 0 ? 'the bundle has none' : `there are ${known.join(', ')}`
  throw new SekishoError('AGENT_UNKNOWN', `no agent \`${printable(name)}\`; ${list}`, {
    hint: suggest(name, known, 'add it as policy/agents/<name>.yaml'),
  })
}
