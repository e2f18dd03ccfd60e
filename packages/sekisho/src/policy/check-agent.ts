import type { AgentFile } from './agent-schema.ts'
import { isAtOrBelow, readVariable } from './agent-values.ts'
import { type CompiledPolicy, compilePolicy } from './compile.ts'
import { overlaps } from './host-pattern.ts'
import type { Problem } from './problem.ts'
import type { RegistryOrigin } from './registry-config.ts'
import { sessionPolicy } from './session-policy.ts'

/** What a schema cannot see: how the parts of one agent file fit together. */
export function checkAgent(
  agent: AgentFile,
  name: string,
  registries: readonly RegistryOrigin[],
): readonly Problem[] {
  const policy = sessionPolicy(agent, registries)
  const compiled = compilePolicy(policy, () => 0)
  return [
    ...checkName(agent, name),
    ...checkPresets(agent),
    ...checkUnique(agent),
    ...checkSecretPlaces(agent),
    ...checkEnvironment(agent),
    ...checkMounts(agent),
    ...checkSecretReach(agent, compiled),
    ...checkUpstreamReach(agent, compiled),
    ...checkSchemes(agent, registries),
  ]
}

function checkName(agent: AgentFile, name: string): Problem[] {
  if (agent.name === name) return []
  return [
    {
      path: ['name'],
      at: 'value',
      message: `name: the file is called \`${name}\`, the agent \`${agent.name}\``,
      hint: `write name: ${name}, or rename the file`,
    },
  ]
}

function checkPresets(agent: AgentFile): Problem[] {
  const problems = repeated(agent.presets, (preset) => preset).map((index) => ({
    path: ['presets', index],
    at: 'value' as const,
    message: `presets[${index}]: \`${agent.presets[index]}\` stands here twice`,
  }))
  if (!agent.presets.includes('none')) return problems
  if (agent.presets.length === 1 && agent.rules.length === 0) return problems
  return [
    {
      path: ['presets'],
      at: 'value',
      message: 'presets: `none` means no network at all, and other presets or rules are given',
      hint: 'delete `none`, or delete the others',
    },
  ]
}

function checkUnique(agent: AgentFile): Problem[] {
  const { rules, secrets, upstreams } = agent
  return [
    ...explainRepeated('rules', 'id', { items: rules, keyOf: (rule) => rule.id }),
    ...explainRepeated('secrets', 'name', { items: secrets, keyOf: (secret) => secret.name }),
    ...explainRepeated('upstreams', 'host', {
      items: upstreams,
      keyOf: (upstream) => `${upstream.host}:${upstream.port}`,
    }),
  ]
}

function explainRepeated<T>(
  list: string,
  field: string,
  { items, keyOf }: { items: readonly T[]; keyOf: (item: T) => string },
): Problem[] {
  return repeated(items, keyOf).map((index) => {
    const item = items[index]
    const key = item === undefined ? '' : keyOf(item)
    return {
      path: [list, index, field],
      at: 'value',
      message: `${list}[${index}].${field}: \`${key}\` is taken by an earlier entry`,
    }
  })
}

/** Indexes of the items whose key an earlier item has. */
function repeated<T>(items: readonly T[], keyOf: (item: T) => string): number[] {
  const seen = new Set<string>()
  const again: number[] = []
  for (const [index, item] of items.entries()) {
    const key = keyOf(item)
    if (seen.has(key)) again.push(index)
    seen.add(key)
  }
  return again
}

/** Two secrets for one header of one host: which of them is sent would be a guess. */
function checkSecretPlaces(agent: AgentFile): Problem[] {
  const places = new Map<string, string>()
  const problems: Problem[] = []
  for (const [index, { name, header, hosts }] of agent.secrets.entries()) {
    for (const [position, host] of hosts.entries()) {
      const taken = places.get(`${header} ${host}`)
      places.set(`${header} ${host}`, taken ?? name)
      if (taken === undefined) continue
      problems.push({
        path: ['secrets', index, 'hosts', position],
        at: 'value',
        message: `secrets[${index}]: ${header} of ${host} already holds secret \`${taken}\``,
        hint: 'use one secret for one header of a host',
      })
    }
  }
  return problems
}

function checkEnvironment(agent: AgentFile): Problem[] {
  const problems: Problem[] = []
  const placeholders = new Set<string>()
  for (const [index, { env }] of agent.secrets.entries()) {
    if (env !== null && (placeholders.has(env) || Object.hasOwn(agent.environment, env))) {
      problems.push({
        path: ['secrets', index, 'env'],
        at: 'value',
        message: `secrets[${index}].env: the variable \`${env}\` is set twice`,
        hint: 'give each placeholder a variable of its own',
      })
    }
    if (env !== null) placeholders.add(env)
  }
  for (const [name, value] of Object.entries(agent.environment)) {
    const path = ['environment', name]
    const read = readVariable(name)
    if ('problem' in read) {
      problems.push({ path, at: 'key', message: `environment: ${read.problem}`, hint: read.hint })
    }
    if (value.includes('\0')) {
      problems.push({ path, at: 'value', message: `environment.${name}: holds a NUL character` })
    }
  }
  return problems
}

function checkMounts(agent: AgentFile): Problem[] {
  return agent.mounts.flatMap(({ target }, index): Problem[] => {
    const other = agent.mounts.find(
      (mount, position) =>
        position !== index &&
        isAtOrBelow(target, [mount.target]) &&
        (mount.target !== target || position < index),
    )
    if (other === undefined) return []
    return [
      {
        path: ['mounts', index, 'target'],
        at: 'value',
        message: `mounts[${index}].target: \`${target}\` is at or below the mount \`${other.target}\``,
        hint: 'mount side by side',
      },
    ]
  })
}

/** A credential that no rule lets out is a mistake, and one in clear text is a leak. */
function checkSecretReach(agent: AgentFile, policy: CompiledPolicy): Problem[] {
  return agent.secrets.flatMap(({ name, hosts, port }, index) =>
    hosts.flatMap((host, position): Problem[] => {
      const scheme = policy.isPort(host, port)
      if (scheme === 'https') return []
      const path = ['secrets', index, 'hosts', position]
      const where = `secrets[${index}].hosts[${position}]`
      const problem =
        scheme === 'http'
          ? {
              message: `${where}: secret \`${name}\` would go to ${host} in clear text`,
              hint: 'reach the host over https',
            }
          : {
              message: `${where}: no rule reaches ${host} at port ${port}, so secret \`${name}\` can never be used`,
              hint: `add a rule that allows ${host}, or delete the host here`,
            }
      return [{ path, at: 'value', ...problem }]
    }),
  )
}

function checkUpstreamReach(agent: AgentFile, policy: CompiledPolicy): Problem[] {
  return agent.upstreams.flatMap(({ host, port }, index): Problem[] => {
    if (policy.isPort(host, port) !== undefined) return []
    return [
      {
        path: ['upstreams', index, 'host'],
        at: 'value',
        message: `upstreams[${index}].host: no rule reaches ${host} at port ${port}, so nothing would be dialled`,
        hint: `add a rule that allows ${host}, or delete the entry`,
      },
    ]
  })
}

/** What is spoken at a port must be known before the first byte: it is http or https, not both. */
function checkSchemes(agent: AgentFile, registries: readonly RegistryOrigin[]): Problem[] {
  const allows = sessionPolicy(agent, registries).rules.filter((rule) => rule.effect === 'allow')
  const plain = allows.filter((rule) => rule.scheme === 'http')
  const secure = allows.filter((rule) => rule.scheme === 'https')
  return plain.flatMap((rule): Problem[] => {
    const other = secure.find((s) => s.port === rule.port && overlaps(s.host, rule.host))
    if (other === undefined) return []
    // The later of the two in the file is where the author looks; a preset has no place there.
    const indexes = [rule, other].map(({ id }) => agent.rules.findIndex((r) => r.id === id))
    return [
      {
        path: ['rules', Math.max(...indexes), 'scheme'],
        at: 'value',
        message: `rules ${rule.id} and ${other.id} speak both http and https at port ${rule.port} of ${rule.host}`,
        hint: 'choose one scheme for a port',
      },
    ]
  })
}
