import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import type { LlmProvider } from '../wire/llm.ts'
import { readModelRoute } from './routes.ts'

function ask(method: string, url: string): HttpRequestAction {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  const scheme = protocol === 'http:' ? 'http' : 'https'
  return {
    kind: 'http.request',
    scheme,
    method,
    host: hostname,
    port: port === '' ? (scheme === 'http' ? 80 : 443) : Number(port),
    path: pathname,
    query: search === '' ? null : search.slice(1),
  }
}

const OLLAMA: LlmProvider = {
  id: 'ollama',
  api: 'chat',
  flavour: 'native',
  scheme: 'http',
  host: 'ollama.internal',
  port: 11434,
  basePath: '/v1',
}
const OWN: readonly LlmProvider[] = [
  OLLAMA,
  { ...OLLAMA, id: 'ollama-messages', api: 'messages' },
  {
    ...OLLAMA,
    id: 'work',
    flavour: 'azure',
    scheme: 'https',
    host: 'models.example.com',
    port: 443,
  },
]

/** provider api operation model stream, `!` where it is not read */
function line(method: string, url: string): string {
  const route = readModelRoute(ask(method, url), OWN)
  if (route === undefined) return 'none'
  const { provider, api, operation, model, stream, unread } = route
  const said = [provider, api, operation, model ?? '-', stream ?? '-'].join(' ')
  return unread === null ? said : `${said} !`
}

test.for([
  ['POST https://api.anthropic.com/v1/messages?beta=true', 'anthropic messages generate - -'],
  [
    'POST https://api.anthropic.com/v1/messages/count_tokens',
    'anthropic messages count-tokens - -',
  ],
  ['POST https://api.anthropic.com/v1//messages', 'anthropic messages generate - -'],
  ['POST https://api.anthropic.com/v1/messages/batches', 'anthropic messages batches - -'],
  ['GET https://api.anthropic.com/v1/models', 'anthropic messages models - -'],
  ['POST https://api.anthropic.com/v1/files', 'anthropic messages files - -'],
  ['POST https://api.anthropic.com/v1/chat/completions', 'anthropic chat generate - -'],
  ['POST https://api.anthropic.com/api/event_logging/batch', 'anthropic messages other - -'],
  ['POST https://api.openai.com/v1/responses', 'openai responses generate - -'],
  ['POST https://api.openai.com/v1/responses/compact', 'openai responses generate - -'],
  ['POST https://api.openai.com/v1/responses/input_tokens', 'openai responses count-tokens - -'],
  ['POST https://api.openai.com/v1/chat/completions', 'openai chat generate - -'],
  ['POST https://api.openai.com/v1/embeddings', 'openai responses embeddings - -'],
  ['POST https://api.openai.com/v1/batches', 'openai responses batches - -'],
  ['POST https://chatgpt.com/backend-api/codex/responses', 'openai responses generate - -'],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse',
    'google gemini generate gemini-3-pro true',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro%3AgenerateContent',
    'google gemini generate gemini-3-pro false',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/tunedModels/mine:generateContent',
    'google gemini generate tunedModels/mine false',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/models/x:countTokens',
    'google gemini count-tokens x -',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
    'google chat generate - -',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/models/x:batchEmbedContents',
    'google gemini embeddings x -',
  ],
  [
    'POST https://generativelanguage.googleapis.com/v1beta/models/x:batchGenerateContent',
    'google gemini batches x -',
  ],
  [
    'POST https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-5@20251101:streamRawPredict',
    'vertex messages generate claude-opus-4-5@20251101 true',
  ],
  [
    'POST https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/gemini-3-pro:generateContent',
    'vertex gemini generate gemini-3-pro false',
  ],
  [
    'POST https://aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi/chat/completions',
    'vertex chat generate - -',
  ],
  [
    'POST https://x.openai.azure.com/openai/deployments/my%20one/chat/completions?api-version=2024-10-21',
    'azure chat generate my one -',
  ],
  [
    'POST https://generativelanguage.mtls.googleapis.com/v1beta/models/gemini-3-pro:generateContent',
    'google gemini generate gemini-3-pro false',
  ],
  [
    'POST https://us-east5-aiplatform.mtls.googleapis.com/v1/projects/p/locations/l/endpoints/openapi/chat/completions',
    'vertex chat generate - -',
  ],
  ['POST https://api.deepinfra.com/v1/openai/chat/completions', 'deepinfra chat generate - -'],
  ['POST https://ollama.com/api/chat', 'ollama-cloud chat generate - - !'],
  ['POST https://x.openai.azure.com/openai/v1/responses', 'azure responses generate - -'],
  ['POST https://x.services.ai.azure.com/anthropic/v1/messages', 'azure messages generate - -'],
  [
    'POST https://models.example.com/openai/deployments/d/chat/completions',
    'work chat generate d -',
  ],
  [
    'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/eu.anthropic.claude-opus-4-5-20251101-v1%3A0/invoke',
    'bedrock messages generate eu.anthropic.claude-opus-4-5-20251101-v1:0 false',
  ],
  [
    'POST https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
    'bedrock messages generate us.anthropic.claude-sonnet-4-5-20250929-v1:0 true',
  ],
  [
    'POST https://bedrock-runtime.us-east-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.anthropic.claude-x/invoke',
    'bedrock messages generate arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x false',
  ],
  [
    'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.titan-embed-text-v2%3A0/invoke',
    'bedrock messages embeddings amazon.titan-embed-text-v2:0 false',
  ],
  [
    'POST https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1/chat/completions',
    'bedrock chat generate - -',
  ],
  ['POST https://bedrock-mantle.eu-west-1.api.aws/v1/responses', 'bedrock responses generate - -'],
  [
    'POST https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1/messages',
    'bedrock messages generate - -',
  ],
  ['POST http://ollama.internal:11434/v1/chat/completions', 'ollama chat generate - -'],
  ['POST http://ollama.internal:11434/v1/messages', 'ollama-messages messages generate - -'],
  ['POST http://ollama.internal:11434/v1/responses', 'ollama responses generate - -'],
  ['GET http://ollama.internal:11434/api/tags', 'ollama chat models - -'],
  ['POST https://ollama.internal:11434/v1/responses', 'none'],
  ['POST https://example.com/v1/chat/completions', 'none'],
  ['POST https://api.openai.com/v1/moderations', 'openai responses other - -'],
  ['POST https://api.openai.com/v1/audio/transcriptions', 'openai responses other - -'],
] as const)('%s is %s', ([asked, want]) => {
  const [method = '', url = ''] = asked.split(' ')
  expect(line(method, url)).toBe(want)
})

test.for([
  // another spelling, which the provider may take for the same
  'POST https://api.anthropic.com/v1/messages/',
  'POST https://api.anthropic.com/V1/Messages',
  'POST https://api.anthropic.com/v1%2Fmessages',
  'POST https://api.anthropic.com/v1/messages;x=1',
  'POST https://api.openai.com/v1/chat/completions%2F',
  'POST https://work.openai.azure.com/openai%5Cdeployments%5Cd%5Cchat%5Ccompletions',
  'POST https://work.openai.azure.com/openai/deployments/d/chat/completions%2E',
  'POST https://generativelanguage.googleapis.com/v1beta/models/x:StreamGenerateContent/',
  // what was refused of a reply would come whole
  'GET https://api.openai.com/v1/responses/resp_1?stream=true',
  'GET https://api.openai.com/v1/chat/completions/chatcmpl-1',
  'GET https://api.openai.com/v1/conversations/conv_1/items',
  'POST https://api.openai.com/v1/responses/resp_1/cancel',
  // formats that nobody here reads
  'POST https://api.openai.com/v1/threads/runs',
  'POST https://api.openai.com/v1/completions',
  'GET https://api.openai.com/v1/realtime?model=x',
  'POST https://api.anthropic.com/v1/complete',
  'POST https://generativelanguage.googleapis.com/v1beta/interactions',
  'POST https://generativelanguage.googleapis.com/v1beta/models/x:streamGenerateContent?alt=proto',
  'POST https://generativelanguage.googleapis.com/v1beta/models/x:generateContent?%24alt=proto',
  'POST https://generativelanguage.googleapis.com/v1beta/models/x:generateContent?callback=f',
  'POST https://generativelanguage.googleapis.com/v1beta/models/x:generateAnswer',
  'POST https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse',
  'POST https://aiplatform.googleapis.com/v1/projects/p/locations/l/publishers/mistralai/models/m:rawPredict',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/async-invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/amazon.titan-embed-x%2541/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aimported-model%2Fx.embed/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/meta.llama/invoke-with-response-stream',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/meta.anthropic.claude-x/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-x%2541/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc/invoke',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-x/converse',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/anthropic.claude-x/converse-stream',
  'POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/meta.llama/invoke',
  // by other doors
  'POST https://generativelanguage.googleapis.com/google.ai.generativelanguage.v1beta.GenerativeService/GenerateContent',
  'POST https://generativelanguage.googleapis.com/$rpc/google.ai.generativelanguage.v1beta.GenerativeService/StreamGenerateContent',
  'POST https://aiplatform.googleapis.com/google.cloud.aiplatform.v1.PredictionService/Predict',
  'POST https://generativelanguage.googleapis.com/batch',
  'POST https://api.openai.com/v1/chat/completions/chatcmpl-1',
  'GET https://api.x.ai/v1/chat/deferred-completion/1',
  'GET https://api.z.ai/api/paas/v4/async-result/1',
  'POST https://dashscope.aliyuncs.com/api/v1/services/aigc/text-generation/generation',
  'GET https://dashscope.aliyuncs.com/api/v1/tasks/1',
  'POST https://api.minimax.io/v1/text/chatcompletion_v2',
  'POST https://api.mistral.ai/v1/conversations',
  'POST https://api.mistral.ai/v1/conversations/conv_1/restart',
  'POST https://chatgpt.com/backend-api/f/conversation',
  'GET https://integrate.api.nvidia.com/v2/nvcf/pexec/status/1',
  'POST http://ollama.internal:11434/api/chat',
  'POST http://ollama.internal:11434/api/generate',
  'POST https://bedrock-agent-runtime.eu-west-1.amazonaws.com/agents/A/agentAliases/B/sessions/C/text',
  'POST https://bedrock-agent-runtime.eu-west-1.amazonaws.com/retrieveAndGenerate',
  'POST https://bedrock-agent-runtime.eu-west-1.amazonaws.com/retrieveAndGenerateStream',
  'POST https://bedrock-agent-runtime.eu-west-1.amazonaws.com/flows/F/aliases/A',
  // another key, whose calls nobody would see
  'POST https://generativelanguage.googleapis.com/v1alpha/auth_tokens',
  'POST https://generativelanguage.googleapis.com/v1beta/auth_tokens',
  'POST https://generativelanguage.googleapis.com/v1beta/authTokens/',
  'POST https://generativelanguage.googleapis.com/v1alpha/%61uth_tokens',
  'POST https://generativelanguage.googleapis.com/v1alpha//auth_tokens',
  'POST https://generativelanguage.googleapis.com/google.ai.generativelanguage.v1alpha.AuthTokenService/CreateToken',
  'POST https://api.openai.com/v1/chatkit/sessions',
  'POST https://api.openai.com/v1/ChatKit/sessions;x=1',
  'POST https://api.openai.com/v1/realtime/client_secrets',
  'POST https://api.openai.com/v1/realtime/sessions',
  'POST https://api.openai.com/v1/realtime/transcription_sessions',
  'PUT https://api.openai.com/v1/realtime/client_secrets',
  'POST https://api.openai.com/v1/organization/admin_api_keys',
  'POST https://api.openai.com/v1/organization/projects/p/service_accounts',
  'POST https://api.anthropic.com/v1/organizations/api_keys/apikey_1',
  'POST https://api.anthropic.com/api/oauth/claude_cli/create_api_key',
  'POST https://work.openai.azure.com/openai/realtimeapi/sessions?api-version=2025-04-01-preview',
  'POST https://work.openai.azure.com/openai/v1/realtime/client_secrets',
  'POST https://eastus.api.cognitive.microsoft.com/sts/v1.0/issueToken',
  'POST https://eastus.api.cognitive.microsoft.com/STS/v1.0/issuetoken',
  'POST https://api.deepinfra.com/v1/scoped-jwt',
  'POST https://api.perplexity.ai/generate_auth_token',
  'POST https://dashscope.aliyuncs.com/api/v1/tokens?expire_in_seconds=1800',
  'POST https://openrouter.ai/api/v1/keys',
  'POST https://openrouter.ai/api/v1/auth/keys',
  'POST http://ollama.internal:11434/key/generate',
])('%s is a model call that is not read', (asked) => {
  const [method = '', url = ''] = asked.split(' ')
  expect(line(method, url)).toMatch(/ generate .* !$/)
})

test('a WebSocket of the Responses API is a stream, any other is not read', () => {
  const at = (path: string) =>
    readModelRoute({ ...ask('GET', `https://api.openai.com${path}`), upgrade: 'websocket' }, [])
  expect(at('/v1/responses')).toEqual({
    provider: 'openai',
    api: 'responses',
    operation: 'generate',
    model: null,
    stream: true,
    unread: null,
  })
  expect(at('/v1/realtime')?.unread).toBe('a format of model calls that nobody here reads')
})

test.for([
  ['eastus.api.cognitive.microsoft.com', 'azure'],
  ['usgovvirginia.api.cognitive.microsoft.us', 'azure'],
  ['chinaeast2.api.cognitive.azure.cn', 'azure'],
  ['work.cognitiveservices.azure.us', 'azure'],
  ['work.cognitiveservices.azure.cn', 'azure'],
  ['work.services.ai.azure.us', 'azure'],
  ['content-generativelanguage.googleapis.com', 'google'],
  ['content-aiplatform.googleapis.com', 'vertex'],
  ['bedrock-agent-runtime.eu-west-1.amazonaws.com', 'bedrock'],
  ['bedrock-runtime.eusc-de-east-1.amazonaws.eu', 'bedrock'],
  ['vpce-0a1b-2c3d.bedrock-runtime.us-east-1.vpce.amazonaws.com', 'bedrock'],
  ['vpce-0a1b-2c3d-us-east-1a.bedrock-runtime.us-east-1.vpce.amazonaws.com', 'bedrock'],
  ['vpce-0a1b-2c3d.bedrock-runtime-fips.us-east-1.vpce.amazonaws.com', 'bedrock'],
  ['eu.openrouter.ai', 'openrouter'],
  ['ws1.ap-southeast-1.maas.aliyuncs.com', 'alibaba'],
  ['vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com', 'none'],
  ['api.cognitive.microsoft.com.example.com', 'none'],
])('who answers at %s is %s', ([host = '', want]) => {
  const url = `https://${host}/v1/chat/completions`
  expect(line('POST', url).split(' ')[0]).toBe(want)
})
