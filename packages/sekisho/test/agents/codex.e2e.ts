import { testAgent } from './agent-behaviour.ts'
import { toolOutputsSeen } from './openai-script.ts'

const TRIPLE = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl'
const UNASKED = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox']

testAgent({
  name: 'e2e-codex',
  spec: '@openai/codex@0.169.0',
  provider: 'openai',
  program: `@openai/codex-linux-${process.arch}/vendor/${TRIPLE}/bin/codex`,
  args: ['exec', ...UNASKED, 'Write greeting.txt.'],
  modelPath: '/v1/responses',
  // it tries a WebSocket before it posts
  refusedAtProvider: ['invariant.upgrade'],
  elsewhere: ['chatgpt.com', 'ab.chatgpt.com'],
  key: {
    variable: 'CODEX_API_KEY',
    header: 'authorization',
    scheme: 'Bearer ',
    prefix: 'sk-proj-',
  },
  shellOutputs: toolOutputsSeen,
})
