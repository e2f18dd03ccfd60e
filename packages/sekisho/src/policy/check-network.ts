import type { PolicyRule } from '../wire/policy.ts'
import type { AgentFile, AgentRule } from './agent-schema.ts'
import { explainRepeated, repeated } from './explain-repeated.ts'
import { overlaps } from './host-pattern.ts'
import { describePath, type Problem } from './problem.ts'

/** What one phase of an agent reaches, as the file has it and as a gate gets it. */
type Network = Pick<AgentFile, 'presets' | 'rules'> & { expanded: readonly PolicyRule[] }

/** How the presets and rules of one phase fit together. @param at the keys that hold it */
export function checkNetwork(network: Network, at: readonly string[]): Problem[] {
  const items = network.rules
  return [
    ...checkPresets(network, at),
    ...explainRepeated([...at, 'rules'], 'id', { items, keyOf: (rule) => rule.id }),
    ...checkSchemes(network, at),
    ...checkOpaqueDenials(network, at),
  ]
}

function checkPresets({ presets, rules }: Network, at: readonly string[]): Problem[] {
  const problems = repeated(presets, (preset) => preset).map(({ index, key }) => {
    const path = [...at, 'presets', index]
    const message = `${describePath(path)}: \`${key}\` stands here twice`
    return { path, at: 'value' as const, message }
  })
  if (!presets.includes('none') || (presets.length === 1 && rules.length === 0)) return problems
  const path = [...at, 'presets']
  return [
    {
      path,
      at: 'value',
      message: `${describePath(path)}: \`none\` means no network at all, and other presets or rules are given`,
      hint: 'delete `none`, or delete the others',
    },
  ]
}

/** What is spoken at a port must be known before the first byte: one scheme and no other. */
function checkSchemes({ rules, expanded }: Network, at: readonly string[]): Problem[] {
  const allows = expanded.filter((rule) => rule.effect === 'allow')
  const byPort = Map.groupBy(allows, ({ port }) => port)
  return [...byPort.values()].filter(isMixed).flatMap((here) =>
    here.flatMap((rule, index): Problem[] => {
      const other = here.find(
        (earlier, position) =>
          position < index && earlier.scheme !== rule.scheme && overlaps(earlier.host, rule.host),
      )
      if (other === undefined) return []
      // The later of the two in the file is where the author looks; a preset has no place there.
      const indexes = [rule, other].map(({ id }) => rules.findIndex((r) => r.id === id))
      return [
        {
          path: [...at, 'rules', Math.max(...indexes), 'scheme'],
          at: 'value',
          message: `rules ${other.id} and ${rule.id} speak ${other.scheme} and ${rule.scheme} at port ${rule.port} of ${rule.host}`,
          hint: 'choose one scheme for a port',
        },
      ]
    }),
  )
}

function isMixed(rules: readonly PolicyRule[]): boolean {
  return rules.some(({ scheme }) => scheme !== rules[0]?.scheme)
}

/**
 * A deny rule that names methods or paths cannot be kept to where the gate sees none; it would
 * close the place, which its author may not have meant.
 */
function checkOpaqueDenials({ rules }: Network, at: readonly string[]): Problem[] {
  const opaque = rules.filter(
    ({ effect, scheme }) => effect === 'allow' && (scheme === 'tcp' || scheme === 'tls'),
  )
  return rules.flatMap((rule, index): Problem[] => {
    if (rule.effect === 'allow' || (rule.methods.length === 0 && rule.paths.length === 0)) return []
    const other = opaque.find((allow) => meets(rule, allow))
    if (other === undefined) return []
    const path = [...at, 'rules', index]
    return [
      {
        path,
        at: 'value',
        message: `${describePath(path)}: \`${rule.id}\` names methods or paths, which are not seen in the ${other.scheme} of rule \`${other.id}\``,
        hint: 'write `scheme: https` in it, or deny the host without methods and paths',
      },
    ]
  })
}

function meets(deny: AgentRule, allow: AgentRule): boolean {
  const ports = allow.ports ?? [443]
  return (
    deny.scheme === null &&
    (deny.ports === null || ports.some((port) => deny.ports?.includes(port))) &&
    overlaps(deny.host, allow.host)
  )
}
