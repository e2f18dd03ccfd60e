import type { ModelApi } from '../core/action.ts'
import type { LlmProvider } from '../wire/llm.ts'

export type KnownProvider = {
  id: string
  flavour: LlmProvider['flavour']
  /** where its paths do not tell */
  api: ModelApi
  hosts: readonly string[]
}

/**
 * Who answers as a model at these names, whatever models.yaml says: a rule that opens one of them
 * opens it to calls that are read and judged, and to no others. From the providers' own pages.
 */
const KNOWN: readonly KnownProvider[] = [
  native('anthropic', 'messages', ['api.anthropic.com']),
  // a login at ChatGPT is spoken for at its own host
  native('openai', 'responses', ['api.openai.com', '*.api.openai.com', 'chatgpt.com']),
  native('google', 'gemini', [
    'generativelanguage.googleapis.com',
    // where certificates of clients are taken, and not asked for
    'generativelanguage.mtls.googleapis.com',
    // by which pages in a browser ask
    'content-generativelanguage.googleapis.com',
    'cloudcode-pa.googleapis.com',
    '*.cloudcode-pa.googleapis.com',
  ]),
  {
    id: 'azure',
    flavour: 'azure',
    api: 'chat',
    hosts: [
      '*.openai.azure.com',
      '*.services.ai.azure.com',
      '*.cognitiveservices.azure.com',
      '*.models.ai.azure.com',
      '*.inference.ai.azure.com',
      // by region, for resources of any kind
      '*.api.cognitive.microsoft.com',
      '*.openai.azure.us',
      '*.services.ai.azure.us',
      '*.cognitiveservices.azure.us',
      '*.api.cognitive.microsoft.us',
      '*.openai.azure.cn',
      '*.cognitiveservices.azure.cn',
      '*.api.cognitive.azure.cn',
    ],
  },
  {
    id: 'vertex',
    flavour: 'vertex',
    api: 'gemini',
    hosts: [
      'aiplatform.googleapis.com',
      'aiplatform.mtls.googleapis.com',
      'content-aiplatform.googleapis.com',
    ],
  },
  native('openrouter', 'chat', ['openrouter.ai', 'eu.openrouter.ai']),
  native('groq', 'chat', ['api.groq.com']),
  native('mistral', 'chat', ['api.mistral.ai', 'codestral.mistral.ai']),
  native('deepseek', 'chat', ['api.deepseek.com']),
  native('xai', 'chat', ['api.x.ai', '*.api.x.ai']),
  native('together', 'chat', ['api.together.xyz', 'api.together.ai']),
  native('fireworks', 'chat', ['api.fireworks.ai']),
  native('cerebras', 'chat', ['api.cerebras.ai']),
  native('perplexity', 'chat', ['api.perplexity.ai']),
  native('cohere', 'chat', ['api.cohere.com', 'api.cohere.ai']),
  native('moonshot', 'chat', ['api.moonshot.ai', 'api.moonshot.cn', 'api.kimi.com']),
  native('zai', 'chat', ['api.z.ai', 'open.bigmodel.cn']),
  native('alibaba', 'chat', [
    'dashscope.aliyuncs.com',
    '*.dashscope.aliyuncs.com',
    'dashscope-intl.aliyuncs.com',
    'dashscope-us.aliyuncs.com',
    // of one workspace, in a region
    '*.maas.aliyuncs.com',
  ]),
  native('minimax', 'chat', ['api.minimax.io', 'api.minimaxi.com']),
  native('nvidia', 'chat', ['integrate.api.nvidia.com']),
  native('huggingface', 'chat', ['router.huggingface.co']),
  native('github', 'chat', ['models.github.ai', 'api.githubcopilot.com', '*.githubcopilot.com']),
  native('opencode', 'chat', ['opencode.ai']),
  native('vercel', 'chat', ['ai-gateway.vercel.sh']),
  native('deepinfra', 'chat', ['api.deepinfra.com']),
  native('sambanova', 'chat', ['api.sambanova.ai']),
  native('nebius', 'chat', ['api.studio.nebius.com', 'api.tokenfactory.nebius.com']),
  native('baseten', 'chat', ['inference.baseten.co']),
  native('siliconflow', 'chat', ['api.siliconflow.com', 'api.siliconflow.cn']),
  native('ollama-cloud', 'chat', ['ollama.com']),
]

/** Names with a region in them, and with that of an endpoint of a private network before it. */
const REGIONAL: readonly { pattern: RegExp; provider: KnownProvider }[] = [
  {
    pattern:
      /^(?:vpce-[a-z0-9-]+\.)?bedrock-(?:runtime|mantle|agent-runtime)(?:-fips)?\.[a-z0-9-]+\.(?:(?:vpce\.)?amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws|api\.amazonwebservices\.(?:com\.cn|eu))$/,
    provider: { id: 'bedrock', flavour: 'bedrock', api: 'messages', hosts: [] },
  },
  {
    pattern:
      /^(?:[a-z0-9-]+-aiplatform(?:\.mtls)?|aiplatform\.[a-z0-9-]+\.rep(?:\.mtls)?)\.googleapis\.com$/,
    provider: { id: 'vertex', flavour: 'vertex', api: 'gemini', hosts: [] },
  },
]

function native(id: string, api: ModelApi, hosts: readonly string[]): KnownProvider {
  return { id, flavour: 'native', api, hosts }
}

/** Of every request's host it is asked, and most are none. */
const BY_PATTERN: ReadonlyMap<string, KnownProvider> = new Map(
  KNOWN.flatMap((provider) => provider.hosts.map((pattern) => [pattern, provider] as const)),
)

export function knownProvider(host: string): KnownProvider | undefined {
  const exact = BY_PATTERN.get(host)
  if (exact !== undefined) return exact
  for (let dot = host.indexOf('.', 1); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const below = BY_PATTERN.get(`*${host.slice(dot)}`)
    if (below !== undefined) return below
  }
  return REGIONAL.find(({ pattern }) => pattern.test(host))?.provider
}
