import type { AgentClient } from '../agent-client.ts'
import { toolOutputsSeen } from '../openai-script.ts'

const TRIPLE = process.arch === 'arm64' ? 'aarch64-unknown-linux-musl' : 'x86_64-unknown-linux-musl'
const NATIVE = `@openai/codex-linux-${process.arch}/vendor/${TRIPLE}/bin/codex`
const UNASKED = ['--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox']
/**
 * As docs/guides/run-claude-code.md says: without these it looks for models, plugins and a place
 * for its metrics on other hosts, and waits 9 s for the first of them, with a sandbox or without.
 */
const AT_HOME = ['--disable=api_key_model_discovery', '--disable=plugins']
const NO_METRICS = ['-c', 'analytics.enabled=false']

export const codex: AgentClient = {
  id: 'codex',
  title: 'Codex',
  name: 'codex',
  spec: '@openai/codex@0.169.0',
  provider: 'openai',
  command: ({ modules }) => [
    `${modules}/${NATIVE}`,
    'exec',
    ...UNASKED,
    ...AT_HOME,
    ...NO_METRICS,
    'Write greeting.txt.',
  ],
  modelPath: '/v1/responses',
  sideCalls: 0,
  // its one tool takes JavaScript and calls its shell from there
  shell: (command) => {
    const options = { cmd: command, yield_time_ms: 30_000, max_output_tokens: 20_000 }
    const input = `text((await tools.exec_command(${JSON.stringify(options)})).output)`
    return { name: 'exec', input }
  },
  // it tries a WebSocket before it posts
  refused: [],
  key: {
    credential: 'openai',
    source: 'OPENAI_API_KEY',
    variable: 'CODEX_API_KEY',
    header: 'authorization',
    scheme: 'Bearer ',
    prefix: 'sk-proj-',
  },
  shellOutputs: toolOutputsSeen,
}
