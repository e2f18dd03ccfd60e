import type { LlmFilter } from '../../../wire/llm.ts'
import { bedrockGuardrail } from './bedrock-guardrail.ts'
import type { FilterKind } from './content-filter.ts'
import { modelArmor } from './model-armor.ts'
import { promptShields } from './prompt-shields.ts'

/** Services that can be asked for their opinion of a text. */
export const FILTER_KINDS: Readonly<Record<LlmFilter['kind'], FilterKind>> = {
  'model-armor': modelArmor,
  'bedrock-guardrail': bedrockGuardrail,
  'prompt-shields': promptShields,
}
