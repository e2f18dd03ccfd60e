import type { AgentClient } from '../agent-client.ts'
import { toolResultsSeen } from '../anthropic-script.ts'

const NATIVE = `@anthropic-ai/claude-code-linux-${process.arch}/claude`

export const claudeCode: AgentClient = {
  id: 'claude-code',
  title: 'Claude Code',
  name: 'claude-code',
  spec: '@anthropic-ai/claude-code@2.1.330',
  provider: 'anthropic',
  command: ({ modules }) => [
    `${modules}/${NATIVE}`,
    '-p',
    'Write greeting.txt.',
    '--dangerously-skip-permissions',
  ],
  modelPath: '/v1/messages',
  sideCalls: 0,
  shell: (command) => ({ name: 'Bash', input: { command, description: 'A scripted step' } }),
  refused: [],
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
