import { expect, test } from 'vitest'
import { headerTiers } from './header-tiers.ts'

const BEDROCK = 'bedrock-runtime.eu-west-1.amazonaws.com'
const VERTEX = 'europe-west1-aiplatform.googleapis.com'
const TIER = 'X-Amzn-Bedrock-Service-Tier'
const LATENCY = 'X-Amzn-Bedrock-PerformanceConfig-Latency'
const SHARED = 'X-Vertex-AI-LLM-Shared-Request-Type'

test.for<[string, string, string[], string[]]>([
  ['is asked for at Bedrock', BEDROCK, [TIER, ' Flex'], ['flex']],
  ['is asked for at Vertex', VERTEX, [SHARED, 'priority'], ['priority']],
  ['is told of each copy of a field', BEDROCK, [TIER, 'flex', TIER, 'x'], ['flex', 'x']],
  ['of Bedrock says nothing at OpenAI', 'api.openai.com', [TIER, 'flex'], []],
  ['of Vertex says nothing at OpenAI', 'api.openai.com', [SHARED, 'flex'], []],
  ['of Bedrock says nothing at Vertex', VERTEX, [TIER, 'flex'], []],
  ['of Vertex says nothing at Bedrock', BEDROCK, [SHARED, 'flex'], []],
  ['of a latency is no discount', BEDROCK, [LATENCY, 'flex'], ['flex', 'standard']],
  ['is no discount at a host of the bundle', 'llm.internal', [TIER, 'flex'], ['flex', 'standard']],
  ['that stays here says nothing', BEDROCK, ['Connection', TIER, TIER, 'flex'], []],
  ['says nothing where there is none', BEDROCK, ['Accept', 'flex'], []],
])('a tier %s', ([, host, fields, tiers]) => {
  expect(headerTiers(host, fields)).toEqual(tiers)
})
