import { ACCESS_KEY, whyNotByAccessKey } from '../access-key.ts'
import type { AgentClient } from '../agent-client.ts'
import { PROVIDERS } from '../model-server.ts'
import { claudeCodeBedrock } from './claude-code-bedrock.ts'

const { host } = PROVIDERS.bedrockSigned
const secretKey = 'AWS_SECRET_ACCESS_KEY'

/** By the signatures of AWS: as docs/guides/models.md has it. */
export const claudeCodeBedrockSigned: AgentClient = {
  ...claudeCodeBedrock,
  id: 'claude-code-bedrock-signed',
  title: 'Claude Code (Bedrock, signed)',
  provider: 'bedrockSigned',
  agentFile: {
    ...claudeCodeBedrock.agentFile,
    secrets: [
      {
        name: 'bedrock',
        from: 'env:AWS_ACCESS_KEY_ID',
        aws: { secretKey: `env:${secretKey}` },
        hosts: [host],
        env: 'AWS_ACCESS_KEY_ID',
      },
    ],
  },
  key: {
    credential: 'bedrock',
    source: secretKey,
    variable: secretKey,
    header: 'authorization',
    scheme: '',
    prefix: '',
    value: ACCESS_KEY.secretKey,
    beside: { AWS_ACCESS_KEY_ID: ACCESS_KEY.id },
    whyNotShown: whyNotByAccessKey,
  },
}
