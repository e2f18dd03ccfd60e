import { type Fields, numberAt, textAt } from '../fields.ts'

type Plain = string | number | boolean | string[] | undefined
type Attributes = Readonly<Record<string, Plain>>

/** As the conventions call them; any other is a provider's own id of models.yaml. */
const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  openai: 'openai',
  google: 'gcp.gemini',
}

/** Operation of an inference span: Gemini's own is another. */
export function operationOf(leaf: Fields): string {
  return textAt(leaf, 'action.api') === 'gemini' ? 'generate_content' : 'chat'
}

/** What is known when a model is asked. Nothing of what is said. */
export function ofModelIntent(leaf: Fields): Attributes {
  return {
    'gen_ai.operation.name': operationOf(leaf),
    'gen_ai.provider.name': providerOf(leaf),
    'gen_ai.request.model': textAt(leaf, 'action.model'),
  }
}

/**
 * What a call came to. Tokens of the prompt are of all classes together, as the conventions have it,
 * and of two classes by themselves. Cost stands here alone, so that sums over a trace count it once.
 */
export function ofModelCall(leaf: Fields): Attributes {
  const [input = 0, cacheRead = 0, cacheWrite = 0] = ['input', 'cacheRead', 'cacheWrite'].map(
    (name) => numberAt(leaf, `counted.${name}`),
  )
  const stop = textAt(leaf, 'stop')
  return {
    'gen_ai.response.model': textAt(leaf, 'served'),
    'gen_ai.response.finish_reasons': stop === undefined ? undefined : [stop],
    'gen_ai.usage.input_tokens': input + cacheRead + cacheWrite,
    'gen_ai.usage.output_tokens': numberAt(leaf, 'counted.output'),
    'gen_ai.usage.cache_read.input_tokens': cacheRead,
    'gen_ai.usage.cache_creation.input_tokens': cacheWrite,
    'sekisho.usage.estimated': leaf['usage'] === null ? true : undefined,
    'sekisho.cost.micro_usd': numberAt(leaf, 'microUsd'),
    'sekisho.tool_calls.proposed': numberAt(leaf, 'calls.proposed'),
    'sekisho.tool_calls.released': numberAt(leaf, 'calls.released'),
    'sekisho.tool_calls.replaced': numberAt(leaf, 'calls.replaced'),
    'sekisho.first_byte_ms': numberAt(leaf, 'firstByteMs'),
  }
}

/** A call of a tool that a model proposes. Nothing of its arguments. */
export function ofToolCall(leaf: Fields): Attributes {
  return {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': textAt(leaf, 'action.tool'),
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': textAt(leaf, 'action.callId'),
    'gen_ai.provider.name': providerOf(leaf),
    'gen_ai.request.model': textAt(leaf, 'action.model'),
    'sekisho.tool.does': textAt(leaf, 'action.does'),
  }
}

function providerOf(leaf: Fields): string | undefined {
  const id = textAt(leaf, 'action.provider')
  return id !== undefined && Object.hasOwn(PROVIDERS, id) ? PROVIDERS[id] : id
}
