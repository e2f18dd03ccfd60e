import type { SessionPolicy } from '../wire/policy.ts'
import type { AgentFile } from './agent-schema.ts'
import { isAtOrBelow, readVariable } from './agent-values.ts'
import { checkAwsKeys, secretVariables } from './check-aws-keys.ts'
import { checkNetwork } from './check-network.ts'
import { type CompiledPolicy, compilePolicy } from './compile.ts'
import { explainRepeated } from './explain-repeated.ts'
import type { Problem } from './problem.ts'
import { checkProvenance } from './provenance-schema.ts'
import type { RegistryOrigin } from './registry-config.ts'
import { sessionPolicy, setupPolicy } from './session-policy.ts'

/** What a schema cannot see: how the parts of one agent file fit together. */
export function checkAgent(
  agent: AgentFile,
  name: string,
  registries: readonly RegistryOrigin[],
): readonly Problem[] {
  const setup = setupPolicy(agent, registries)
  const rules = sessionPolicy(agent, registries)
  const phases = [rules, ...(setup === null ? [] : [setup])]
  // what has expired is no mistake in how the parts of the file fit together
  const compiled = phases.map((policy) => compilePolicy(policy, () => 0))
  return [
    ...checkName(agent, name),
    ...checkNetwork({ ...agent, expanded: rules.rules }, []),
    ...(agent.setup === null || setup === null
      ? []
      : checkNetwork({ ...agent.setup, expanded: setup.rules }, ['setup'])),
    ...checkUnique(agent),
    ...checkToolRules(agent),
    ...checkSecretPlaces(agent),
    ...checkAwsKeys(agent),
    ...checkEnvironment(agent),
    ...checkMounts(agent),
    ...checkSecretReach(agent, compiled),
    ...checkUpstreamReach(agent, compiled),
    ...checkPrivateRanges(agent, compiled),
    ...checkProvenance(agent.provenance, allowIds(phases)),
  ]
}

function allowIds(phases: readonly SessionPolicy[]): readonly string[] {
  return phases
    .flatMap(({ rules }) => rules)
    .filter(({ effect }) => effect === 'allow')
    .map(({ id }) => id)
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

function checkUnique(agent: AgentFile): Problem[] {
  const { secrets, upstreams, privateRanges } = agent
  return [
    ...explainRepeated(['secrets'], 'name', { items: secrets, keyOf: (secret) => secret.name }),
    ...explainRepeated(['upstreams'], 'host', {
      items: upstreams,
      keyOf: (upstream) => `${upstream.host}:${upstream.port}`,
    }),
    ...explainRepeated(['privateRanges'], 'host', {
      items: privateRanges,
      keyOf: (range) => range.host,
    }),
  ]
}

/** A verdict names rules by their ids, whatever they are rules of. */
function checkToolRules({ rules, setup, tools }: AgentFile): Problem[] {
  const items = tools?.rules ?? []
  const taken = new Set([...rules, ...(setup?.rules ?? [])].map(({ id }) => id))
  const clashes = items.flatMap(({ id }, index): Problem[] => {
    if (!taken.has(id)) return []
    const path = ['tools', 'rules', index, 'id']
    const message = `tools.rules[${index}].id: a rule of the network is called \`${id}\` too`
    return [{ path, at: 'value', message, hint: 'give it another id' }]
  })
  return [
    ...explainRepeated(['tools', 'rules'], 'id', { items, keyOf: ({ id }) => id }),
    ...clashes,
  ]
}

/** Two secrets for one header of one host: which of them is sent would be a guess. */
function checkSecretPlaces(agent: AgentFile): Problem[] {
  const places = new Map<string, string>()
  const problems: Problem[] = []
  for (const [index, { name, hosts, ...secret }] of agent.secrets.entries()) {
    const header = secret.header ?? 'authorization'
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
  for (const [index, secret] of agent.secrets.entries()) {
    for (const env of secretVariables(secret)) {
      const isTaken = placeholders.has(env) || Object.hasOwn(agent.environment, env)
      placeholders.add(env)
      if (!isTaken) continue
      problems.push({
        path: ['secrets', index, 'env'],
        at: 'value',
        message: `secrets[${index}].env: the variable \`${env}\` is set twice`,
        hint: 'give each placeholder a variable of its own',
      })
    }
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
function checkSecretReach(agent: AgentFile, phases: readonly CompiledPolicy[]): Problem[] {
  return agent.secrets.flatMap(({ name, hosts, port }, index) =>
    hosts.flatMap((host, position): Problem[] => {
      const spoken = phases.flatMap((policy) => policy.isPort(host, port) ?? [])
      const path = ['secrets', index, 'hosts', position]
      const where = `secrets[${index}].hosts[${position}]`
      const unfit = spoken.find((scheme) => scheme !== 'https')
      if (unfit === undefined && spoken.length > 0) return []
      const problem =
        unfit === undefined
          ? {
              message: `${where}: no rule reaches ${host} at port ${port}, so secret \`${name}\` can never be used`,
              hint: `add a rule that allows ${host}, or delete the host here`,
            }
          : {
              message: `${where}: ${explainUnfit[unfit](name, host)}`,
              hint: 'reach the host over https',
            }
      return [{ path, at: 'value', ...problem }]
    }),
  )
}

const explainUnfit = {
  http: (secret: string, host: string) => `secret \`${secret}\` would go to ${host} in clear text`,
  tcp: (secret: string, host: string) =>
    `a rule says that ${host} speaks tcp there, into which secret \`${secret}\` is not put`,
  tls: (secret: string, host: string) =>
    `a rule passes TLS to ${host} through, into which secret \`${secret}\` cannot be put`,
} as const

function checkUpstreamReach(agent: AgentFile, phases: readonly CompiledPolicy[]): Problem[] {
  return agent.upstreams.flatMap(({ host, port }, index): Problem[] => {
    if (phases.some((policy) => policy.isPort(host, port) !== undefined)) return []
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

function checkPrivateRanges(agent: AgentFile, phases: readonly CompiledPolicy[]): Problem[] {
  return agent.privateRanges.flatMap(({ host }, index): Problem[] => {
    if (phases.some((policy) => policy.mayReach(host))) return []
    return [
      {
        path: ['privateRanges', index, 'host'],
        at: 'value',
        message: `privateRanges[${index}].host: no rule reaches ${host}, so nothing would be dialled`,
        hint: `add a rule that allows ${host}, or delete the entry`,
      },
    ]
  })
}
