import type { AgentClient } from '../agent-client.ts'
import { functionOutputsSeen } from '../gemini-script.ts'

export const geminiCli: AgentClient = {
  id: 'gemini-cli',
  title: 'Gemini CLI',
  name: 'gemini-cli',
  spec: '@google/gemini-cli@0.61.0',
  provider: 'google',
  command: ({ modules, node }) => [
    node,
    `${modules}/@google/gemini-cli/bundle/gemini.js`,
    '--yolo',
    '--skip-trust',
    '-p',
    'Write greeting.txt.',
  ],
  modelPath: '/v1beta/models/',
  sideCalls: 1,
  shell: (command) => ({
    name: 'run_shell_command',
    input: { command, description: 'A scripted step' },
  }),
  refused: ['dns.resolve play.googleapis.com', 'process.syscall io_uring_setup'],
  key: {
    credential: 'gemini',
    source: 'GEMINI_API_KEY',
    variable: 'GEMINI_API_KEY',
    header: 'x-goog-api-key',
    scheme: '',
    prefix: 'AIza',
  },
  shellOutputs: functionOutputsSeen,
}
