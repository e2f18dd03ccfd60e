import { SekishoError } from '../core/error.ts'
import type { PolicyRule, RuleOptions, SessionPolicy } from '../wire/policy.ts'
import type { AgentFile, AgentRule } from './agent-schema.ts'
import { expandPreset } from './presets.ts'
import type { RegistryOrigin } from './registry-config.ts'
import { toolPolicy } from './tools/tools-schema.ts'

const MAX_RULES = 10_000

/** Which network: of an agent, or of the phase that sets its workspace up. */
type Network = Pick<AgentFile, 'name' | 'presets' | 'rules'> & Partial<Pick<AgentFile, 'tools'>>

/** Of what the bundle has no file for. */
export const GRANTS_NOTHING: SessionPolicy = Object.freeze({
  rules: [],
  tools: { rules: [], serverTools: [] },
})

/** @returns null where the file has no setup phase. @throws as sessionPolicy */
export function setupPolicy(
  { name, setup, tools }: Pick<AgentFile, 'name' | 'setup' | 'tools'>,
  registries: readonly RegistryOrigin[],
): SessionPolicy | null {
  return setup === null ? null : sessionPolicy({ name, ...setup, tools }, registries)
}

/**
 * The rules that a gate decides by: presets first, then the agent's own, one for each port.
 *
 * @throws SekishoError CONFIG_INVALID when the file grows to more rules than a gate takes
 */
export function sessionPolicy(
  agent: Network,
  registries: readonly RegistryOrigin[],
): SessionPolicy {
  const presets = agent.presets.flatMap((name) => expandPreset(name, registries))
  const allows = agent.rules.flatMap((rule) => (rule.effect === 'allow' ? expandAllow(rule) : []))
  const opened = openedPlaces([...presets, ...allows])
  const denies = agent.rules.flatMap((rule) =>
    rule.effect === 'deny' ? expandDeny(rule, opened) : [],
  )
  const rules = [...presets, ...allows, ...denies]
  const { tools = null } = agent
  if (rules.length <= MAX_RULES) {
    return { rules, ...(tools === null ? {} : { tools: toolPolicy(tools) }) }
  }
  throw new SekishoError(
    'CONFIG_INVALID',
    `agent ${agent.name} comes to ${rules.length} rules; a gate takes ${MAX_RULES}`,
    { hint: 'use wildcards, or fewer ports in a rule' },
  )
}

type Place = Pick<PolicyRule, 'scheme' | 'port'>

function expandAllow(rule: AgentRule): PolicyRule[] {
  const scheme = rule.scheme ?? 'https'
  const ports = rule.ports ?? [scheme === 'http' ? 80 : 443]
  return ports.map((port) => expandAt(rule, { scheme, port }))
}

/** A deny rule that names no scheme or port holds wherever an allow rule opens one. */
function expandDeny(rule: AgentRule, opened: readonly Place[]): PolicyRule[] {
  return opened
    .filter(({ scheme }) => rule.scheme === null || rule.scheme === scheme)
    .filter(({ port }) => rule.ports === null || rule.ports.includes(port))
    .map((place) => expandAt(rule, place))
}

function expandAt(rule: AgentRule, { scheme, port }: Place): PolicyRule {
  const { id, effect, host, expiresAtMs } = rule
  const options = optionsOf(rule)
  return {
    id,
    effect,
    scheme,
    host,
    port,
    methods: [...rule.methods],
    paths: [...rule.paths],
    ...(expiresAtMs === null ? {} : { expiresAtMs }),
    ...(Object.keys(options).length === 0 ? {} : { options }),
  }
}

function optionsOf(rule: AgentRule): RuleOptions {
  const { body, websocket, withoutSni, packages, packagesBase, treatments } = rule
  const { outside: effect, reversibility, consequence, recovery, personalData } = rule
  const all = {
    websocket,
    withoutSni,
    packages,
    packagesBase,
    treatments,
    revealsPersonalData: personalData === undefined ? undefined : true,
    maxBodyBytes: body?.max,
    uninspected: body?.uninspected,
    effect,
    reversibility,
    consequence,
    recovery,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

function openedPlaces(allows: readonly PolicyRule[]): readonly Place[] {
  const places = new Map<string, Place>()
  for (const { scheme, port } of allows) places.set(`${scheme}:${port}`, { scheme, port })
  return [...places.values()]
}
