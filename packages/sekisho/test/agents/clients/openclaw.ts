import type { AgentClient } from '../agent-client.ts'
import { toolMessagesSeen } from '../chat-script.ts'

const KEY = 'OPENAI_API_KEY'
const MODEL = {
  id: 'gpt-4.1',
  name: 'gpt-4.1',
  reasoning: false,
  input: ['text'],
  cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  contextWindow: 128_000,
  maxTokens: 8192,
}

const CONFIG = {
  agents: { defaults: { model: { primary: 'gateway/gpt-4.1' } } },
  models: {
    mode: 'merge',
    providers: {
      gateway: {
        baseUrl: 'https://api.openai.com/v1',
        apiKey: `\${${KEY}}`,
        api: 'openai-completions',
        models: [MODEL],
      },
    },
  },
}

/** Without a directory for it, which has to be there, it takes its own log away when it ends. */
const KEEP = `mkdir -p ~/.openclaw && exec "$0" "$@" --state-dir ~/.openclaw`

export const openclaw: AgentClient = {
  id: 'openclaw',
  title: 'OpenClaw',
  name: 'openclaw',
  spec: 'openclaw@2026.9.6',
  markers: ['openclaw/.openclaw-lifecycle-pending'],
  provider: 'openai',
  command: ({ modules, node, settings }) => [
    'sh',
    '-c',
    KEEP,
    node,
    `${modules}/openclaw/openclaw.mjs`,
    'agent',
    'exec',
    '--config',
    `${settings}/openclaw.json`,
    'Write greeting.txt.',
  ],
  settings: { 'openclaw.json': CONFIG },
  modelPath: '/v1/chat/completions',
  sideCalls: 0,
  shell: (command) => ({ name: 'exec', input: { command } }),
  refused: ['process.syscall io_uring_setup'],
  key: {
    credential: 'openai',
    source: KEY,
    variable: KEY,
    header: 'authorization',
    scheme: 'Bearer ',
    prefix: 'sk-proj-',
    isHidden: true,
  },
  shellOutputs: toolMessagesSeen,
}
