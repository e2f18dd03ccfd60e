import type { Detector } from '../detector.ts'
import { isMixed } from './plausible.ts'
import { KINGFISHER } from './sources.ts'
import { tokens } from './token.ts'

/** Models and the services around them. */
export const MODELS: readonly Detector[] = [
  // The infix is base64 of `OpenAI`.
  ...tokens('https://platform.openai.com/docs/api-reference/authentication', [
    ['openai-legacy', 'sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}'],
    ['openai-project', 'sk-proj-[\\w-]{20,80}T3BlbkFJ[\\w-]{20,80}'],
    ['openai-service', 'sk-svcacct-[\\w-]{20,80}T3BlbkFJ[\\w-]{20,80}'],
    ['openai-admin', 'sk-admin-[\\w-]{20,80}T3BlbkFJ[\\w-]{20,80}'],
  ]),
  ...tokens('https://docs.claude.com/en/api/overview', [
    ['anthropic-api', 'sk-ant-api\\d{2}-[\\w-]{93}AA'],
    ['anthropic-admin', 'sk-ant-admin\\d{2}-[\\w-]{93}AA'],
    ['anthropic-oauth', 'sk-ant-oat\\d{2}-[\\w-]{80,120}'],
    ['anthropic-refresh', 'sk-ant-ort\\d{2}-[\\w-]{80,120}'],
    ['anthropic-session', 'sk-ant-sid\\d{2}-[\\w-]{80,120}'],
  ]),
  ...tokens('https://huggingface.co/docs/hub/security-tokens', [
    ['huggingface-user', 'hf_[A-Za-z]{34}'],
    ['huggingface-organization', 'api_org_[A-Za-z]{34}'],
  ]),
  ...tokens('https://console.groq.com/docs/api-keys', [['groq-api', 'gsk_[A-Za-z0-9]{52}']]),
  ...tokens('https://docs.perplexity.ai/', [['perplexity-api', 'pplx-[A-Za-z0-9]{48}']]),
  ...tokens('https://replicate.com/docs/topics/security/api-tokens', [
    ['replicate-api', 'r8_[A-Za-z0-9]{37}'],
  ]),
  ...tokens('https://docs.x.ai/docs/tutorial', [['xai-api', 'xai-[A-Za-z0-9]{80}']]),
  ...tokens('https://openrouter.ai/docs/api-reference/authentication', [
    ['openrouter-api', 'sk-or-v1-[0-9a-f]{64}'],
  ]),
  ...tokens('https://docs.together.ai/reference/authentication', [
    ['together-api', 'tgp_v1_[\\w-]{43}'],
  ]),
  ...tokens('https://docs.fireworks.ai/', [['fireworks-api', 'fw_[A-Za-z0-9]{22,24}', isMixed]]),
  ...tokens('https://inference-docs.cerebras.ai/', [['cerebras-api', 'csk-[a-z0-9]{48}']]),
  ...tokens('https://build.nvidia.com/', [['nvidia-api', 'nvapi-[\\w-]{60,70}']]),
  ...tokens('https://docs.langchain.com/langsmith/create-account-api-key', [
    ['langsmith-personal', 'lsv2_pt_[0-9a-f]{32}_[0-9a-f]{10}'],
    ['langsmith-service', 'lsv2_sk_[0-9a-f]{32}_[0-9a-f]{10}'],
  ]),
  ...tokens('https://langfuse.com/faq/all/where-are-langfuse-api-keys', [
    ['langfuse-secret', 'sk-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  ]),
  ...tokens('https://docs.pinecone.io/guides/projects/manage-api-keys', [
    ['pinecone-api', 'pcsk_[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}'],
  ]),
  ...tokens('https://docs.voyageai.com/docs/api-key-and-installation', [
    ['voyage-api', 'pa-[\\w-]{43}', isMixed],
  ]),
  ...tokens('https://jina.ai/embeddings/', [['jina-api', 'jina_[0-9a-f]{32}[\\w-]{28}']]),
  ...tokens('https://docs.tavily.com/', [
    ['tavily-api', 'tvly-(?:dev-|prod-)?[A-Za-z0-9-]{32,60}'],
  ]),
  ...tokens('https://docs.firecrawl.dev/', [['firecrawl-api', 'fc-[0-9a-f]{32}']]),
  ...tokens('https://api-dashboard.search.brave.com/', [
    ['brave-search', 'BSA[\\w-]{28}', isMixed],
  ]),
  ...tokens('https://docs.runpod.io/get-started/api-keys', [
    ['runpod-api', 'rpa_[A-Z0-9]{36}[a-z0-9]{6}'],
  ]),
  ...tokens('https://e2b.dev/docs/api-key', [['e2b-api', 'e2b_[0-9a-f]{40}']]),
  ...tokens('https://docs.cursor.com/account/teams/admin-api', [
    ['cursor-api', 'key_[0-9a-f]{64}'],
  ]),
  ...tokens('https://docs.helicone.ai/', [
    ['helicone-api', 'sk-helicone(?:-eu)?-[a-z0-9]{7}(?:-[a-z0-9]{7}){3}'],
  ]),
  ...tokens('https://developers.llamaindex.ai/', [['llamacloud-api', 'llx-[A-Za-z0-9]{48}']]),
  ...tokens('https://docs.apify.com/platform/integrations/api', [
    ['apify-api', 'apify_api_[A-Za-z0-9]{34,40}'],
  ]),
  ...tokens('https://docs.browserbase.com/', [['browserbase-api', 'bb_live_[\\w-]{24,32}']]),
  ...tokens('https://elevenlabs.io/docs/api-reference/authentication', [
    ['elevenlabs-api', 'sk_[0-9a-f]{48}'],
  ]),
  ...tokens('https://docs.wandb.ai/', [['wandb-api', 'wandb_v1_[A-Za-z0-9_]{77}']]),
  ...tokens('https://docs.mem0.ai/', [['mem0-api', 'm0-[A-Za-z0-9]{40}', isMixed]]),
  ...tokens('https://friendli.ai/docs/', [['friendli-token', 'flp_[A-Za-z0-9]{46}']]),
  ...tokens('https://api-docs.deepseek.com/', [['deepseek-api', 'sk-[0-9a-f]{32}']]),
  ...tokens(KINGFISHER, [['stability-api', 'sk-[A-Za-z0-9]{48}', isMixed]]),
]
