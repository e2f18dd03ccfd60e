import { testAgent } from './agent-behaviour.ts'
import { toolOutputsSeen } from './openai-script.ts'

const TRIPLE = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl'
const UNASKED = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox']
/**
 * As docs/guides/run-claude-code.md says: without these it looks for models, plugins and a place
 * for its metrics on other hosts, and waits 9 s for the first of them, with a sandbox or without.
 */
const AT_HOME = ['--disable=api_key_model_discovery', '--disable=plugins']
const NO_METRICS = ['-c', 'analytics.enabled=false']

testAgent({
  name: 'codex',
  spec: '@openai/codex@0.169.0',
  provider: 'openai',
  program: `@openai/codex-linux-${process.arch}/vendor/${TRIPLE}/bin/codex`,
  args: ['exec', ...UNASKED, ...AT_HOME, ...NO_METRICS, 'Write greeting.txt.'],
  modelPath: '/v1/responses',
  // it tries a WebSocket before it posts
  refused: [['invariant.upgrade']],
  key: {
    credential: 'openai',
    source: 'OPENAI_API_KEY',
    variable: 'CODEX_API_KEY',
    header: 'authorization',
    scheme: 'Bearer ',
    prefix: 'sk-proj-',
  },
  shellOutputs: toolOutputsSeen,
})
