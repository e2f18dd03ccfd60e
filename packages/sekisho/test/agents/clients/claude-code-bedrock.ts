import type { AgentClient } from '../agent-client.ts'
import { bedrockResultsSeen } from '../bedrock-script.ts'
import { PROVIDERS } from '../model-server.ts'
import { claudeCode } from './claude-code.ts'

const { host } = PROVIDERS.bedrock
const variable = 'AWS_BEARER_TOKEN_BEDROCK'

/** As docs/guides/models.md has it. */
export const claudeCodeBedrock: AgentClient = {
  ...claudeCode,
  id: 'claude-code-bedrock',
  title: 'Claude Code (Bedrock)',
  provider: 'bedrock',
  environment: () => ({
    CLAUDE_CODE_USE_BEDROCK: '1',
    AWS_REGION: 'us-east-1',
    ANTHROPIC_MODEL: 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    ANTHROPIC_DEFAULT_HAIKU_MODEL: 'us.anthropic.claude-haiku-4-5-20251001-v1:0',
  }),
  agentFile: {
    presets: [],
    rules: [
      {
        id: 'bedrock',
        effect: 'allow',
        host,
        methods: ['POST'],
        paths: ['/model/*/invoke', '/model/*/invoke-with-response-stream', '/model/*/count-tokens'],
        outside: 'none',
        body: { max: '32MiB' },
        treatments: { 'secret-format': 'redact', 'secret.generic-*': 'record' },
      },
    ],
    secrets: [
      {
        name: 'bedrock',
        from: `env:${variable}`,
        hosts: [host],
        header: 'authorization',
        env: variable,
      },
    ],
  },
  models: {
    version: 1,
    providers: [{ id: 'bedrock', api: 'messages', flavour: 'bedrock', url: `https://${host}` }],
  },
  modelPath: '/model/',
  // whether the account has the newest model
  sideCalls: 1,
  // the list of the account's profiles
  refused: ['dns.resolve bedrock.us-east-1.amazonaws.com'],
  key: {
    credential: 'bedrock',
    source: variable,
    variable,
    header: 'authorization',
    scheme: 'Bearer ',
    prefix: 'ABSK',
  },
  shellOutputs: bedrockResultsSeen,
}
