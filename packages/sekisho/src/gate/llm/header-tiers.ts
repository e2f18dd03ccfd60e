import type { Fields } from '../http-fields.ts'

/** Fields by which Vertex and Bedrock are asked for what costs another part of the price. */
const TIERS: ReadonlySet<string> = new Set([
  'x-vertex-ai-llm-shared-request-type',
  'x-amzn-bedrock-service-tier',
  'x-amzn-bedrock-performanceconfig-latency',
])

/** Tiers that a request asks for beside its body, in small letters: of a field that stands twice, both. */
export function headerTiers(fields: Fields): string[] {
  return fields.flatMap((text, index) => {
    const isTier = index % 2 === 1 && TIERS.has((fields[index - 1] ?? '').toLowerCase())
    return isTier ? [text.trim().toLowerCase()] : []
  })
}
