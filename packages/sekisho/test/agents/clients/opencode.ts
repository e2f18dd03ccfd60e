import type { AgentClient } from '../agent-client.ts'
import { toolResultsSeen } from '../anthropic-script.ts'
import { toolMessagesSeen } from '../chat-script.ts'
import { toolOutputsSeen } from '../openai-script.ts'

const NATIVE = `opencode-linux-${process.arch}/bin/opencode`
const TASK = 'Write greeting.txt.'

/** Where it looks for what is newer: no file here names a registry's host in one piece. */
const ASKED = ['registry', 'npmjs', 'org'].join('.')

const same = {
  name: 'opencode',
  spec: 'opencode-ai@1.18.33',
  command: ({ modules }) => [`${modules}/${NATIVE}`, 'run', TASK],
  environment: ({ settings }) => ({ OPENCODE_CONFIG: `${settings}/opencode.json` }),
  shell: (command) => ({ name: 'bash', input: { command, description: 'A scripted step' } }),
  refused: [`dns.resolve ${ASKED}`],
  sideCalls: 1,
} as const satisfies Partial<AgentClient>

const openaiKey = {
  credential: 'openai',
  source: 'OPENAI_API_KEY',
  variable: 'OPENAI_API_KEY',
  header: 'authorization',
  scheme: 'Bearer ',
  prefix: 'sk-proj-',
} as const

/** Its model and its small model (titles) are the same one; nothing is asked, updated or shared. */
const settingsFor = (provider: string, model: string, more: object): object => ({
  $schema: 'https://opencode.ai/config.json',
  autoupdate: false,
  share: 'disabled',
  permission: 'allow',
  model: `${provider}/${model}`,
  small_model: `${provider}/${model}`,
  provider: { [provider]: { models: { [model]: { name: model, tool_call: true } }, ...more } },
})

/** As its agent file says: for another provider change the preset and the secret. */
const openaiFile = {
  presets: ['llm-providers/openai'],
  secrets: [
    {
      name: 'openai',
      from: 'env:OPENAI_API_KEY',
      hosts: ['api.openai.com'],
      header: 'authorization',
      env: 'OPENAI_API_KEY',
    },
  ],
}

/** As the shipped agent file has it: the models of Anthropic. */
export const opencode: AgentClient = {
  ...same,
  id: 'opencode-messages',
  title: 'opencode (Messages)',
  provider: 'anthropic',
  settings: {
    'opencode.json': settingsFor('anthropic', 'claude-sonnet-4-5', {
      options: { apiKey: '{env:ANTHROPIC_API_KEY}' },
    }),
  },
  modelPath: '/v1/messages',
  key: {
    credential: 'anthropic',
    source: 'ANTHROPIC_API_KEY',
    variable: 'ANTHROPIC_API_KEY',
    header: 'x-api-key',
    scheme: '',
    prefix: 'sk-ant-api03-',
  },
  shellOutputs: toolResultsSeen,
}

/** A provider of its own name, so that it speaks Chat Completions. */
export const opencodeChat: AgentClient = {
  ...same,
  id: 'opencode-chat',
  title: 'opencode (Chat)',
  provider: 'openai',
  settings: {
    'opencode.json': settingsFor('gateway', 'gpt-4.1', {
      npm: '@ai-sdk/openai-compatible',
      name: 'Gateway',
      options: { baseURL: 'https://api.openai.com/v1', apiKey: '{env:OPENAI_API_KEY}' },
    }),
  },
  agentFile: openaiFile,
  modelPath: '/v1/chat/completions',
  key: openaiKey,
  shellOutputs: toolMessagesSeen,
}

/** The provider that it knows by name speaks Responses, with `function_call` items. */
export const opencodeResponses: AgentClient = {
  ...same,
  id: 'opencode-responses',
  title: 'opencode (Responses)',
  provider: 'openai',
  settings: {
    'opencode.json': settingsFor('openai', 'gpt-4.1', {
      options: { apiKey: '{env:OPENAI_API_KEY}' },
    }),
  },
  agentFile: openaiFile,
  modelPath: '/v1/responses',
  key: openaiKey,
  shellOutputs: toolOutputsSeen,
}
