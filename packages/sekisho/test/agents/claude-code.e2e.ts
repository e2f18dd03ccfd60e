import { testAgent } from './agent-behaviour.ts'
import { toolResultsSeen } from './anthropic-script.ts'

testAgent({
  name: 'claude-code',
  spec: '@anthropic-ai/claude-code@2.1.330',
  provider: 'anthropic',
  program: `@anthropic-ai/claude-code-linux-${process.arch}/claude`,
  args: ['-p', 'Write greeting.txt.', '--dangerously-skip-permissions'],
  modelPath: '/v1/messages',
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
})
