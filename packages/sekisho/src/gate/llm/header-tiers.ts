import { knownProvider } from '../../llm/known-providers.ts'
import type { LlmProvider } from '../../wire/llm.ts'
import { endToEndFields, type Fields } from '../http-fields.ts'

type TierField = {
  flavour: LlmProvider['flavour']
  /** left out where a field asks for what never costs less */
  mayDiscount?: true
}

/** Fields by which Vertex and Bedrock are asked for what costs another part of the price. */
const TIERS: ReadonlyMap<string, TierField> = new Map<string, TierField>([
  ['x-vertex-ai-llm-shared-request-type', { flavour: 'vertex', mayDiscount: true }],
  ['x-amzn-bedrock-service-tier', { flavour: 'bedrock', mayDiscount: true }],
  ['x-amzn-bedrock-performanceconfig-latency', { flavour: 'bedrock' }],
])

const NONE: ReadonlySet<string> = new Set()

/**
 * Tiers that a request asks for beside its body, in small letters: of a field that stands twice, both,
 * and none of a field that `Connection` names, since it stays here.
 *
 * Whoever is not known to go by a field may read past it and charge as ever: the usual tier stands
 * beside it there, so that it may only raise the price. A provider that is known goes by its own alone.
 */
export function headerTiers(host: string, fields: Fields): string[] {
  const flavour = knownProvider(host)?.flavour
  const sent = endToEndFields(fields, NONE)
  return sent.flatMap((text, index) => {
    const tier = index % 2 === 1 ? TIERS.get((sent[index - 1] ?? '').toLowerCase()) : undefined
    if (tier === undefined || (flavour ?? tier.flavour) !== tier.flavour) return []
    const name = text.trim().toLowerCase()
    return flavour !== undefined && tier.mayDiscount === true ? [name] : [name, 'standard']
  })
}
