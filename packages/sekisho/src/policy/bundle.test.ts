import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { HttpRequestAction } from '../core/action.ts'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'
import { configurationDigest, loadBundle } from './bundle.ts'
import { compilePolicy } from './compile.ts'

const REGISTRIES = [
  { url: 'https://npm.example/', ecosystem: 'npm' },
  { url: 'http://deb.example/debian', ecosystem: null },
  { url: 'file:///opt/simple', ecosystem: 'pypi' },
] as const

const small = (name: string): string => `version: 1\nname: ${name}\n`
const files = new Map([
  ['policy/agents/claude-code.yaml', small('claude-code')],
  ['policy/agents/builder.yaml', `${small('builder')}presets: [package-registries]\n`],
  ['policy/README.md', '# not an agent'],
])

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (thrown) {
    if (!(thrown instanceof SekishoError)) throw thrown
    return { code: thrown.code, message: thrown.message, hint: thrown.hint }
  }
  return undefined
}

test('a bundle knows its agents and what the machine cannot give them', () => {
  const bundle = loadBundle(files, REGISTRIES)
  expect(bundle.agents).toEqual(['builder', 'claude-code'])
  expect(bundle.agent('builder').presets).toEqual(['package-registries'])
  expect(bundle.unusableRegistries).toEqual([
    { url: 'file:///opt/simple', reason: 'file is not http or https' },
  ])
  const rule = { id: 'preset.package-registries.read', effect: 'allow', paths: [] }
  const methods = ['GET', 'HEAD', 'OPTIONS']
  expect(bundle.policyOf(bundle.agent('builder'))).toEqual({
    rules: [
      { ...rule, methods, scheme: 'http', host: 'deb.example', port: 80 },
      {
        ...rule,
        methods,
        scheme: 'https',
        host: 'npm.example',
        port: 443,
        options: { packages: 'npm' },
      },
    ],
  })
})

test('an unknown agent is refused with the known ones and the closest', () => {
  expect(thrownBy(() => loadBundle(files, []).agent('claud-code'))).toEqual({
    code: 'AGENT_UNKNOWN',
    message: 'no agent `claud-code`; there are builder, claude-code',
    hint: 'did you mean `claude-code`?',
  })
  expect(thrownBy(() => loadBundle(new Map(), []).agent('a\nb'))).toEqual({
    code: 'AGENT_UNKNOWN',
    message: 'no agent `a\\u{a}b`; the bundle has none',
    hint: 'add it as policy/agents/<name>.yaml',
  })
})

test.for<[string, string, string, string | undefined]>([
  [
    'a file of another ending, which would be left out in silence',
    'policy/agents/x.yml',
    'policy/agents/x.yml: an agent file ends in .yaml',
    'rename the file, or move it out of agents/',
  ],
  [
    'a second file for one agent',
    'z/agents/builder.yaml',
    'z/agents/builder.yaml: a second file for agent `builder`',
    undefined,
  ],
  [
    'one bad file among good ones',
    'policy/agents/x.yaml',
    'policy/agents/x.yaml:2:7: name: the file is called `x`, the agent `builder`',
    'write name: x, or rename the file',
  ],
])('a bundle with %s is refused', ([, path, message, hint]) => {
  const more = new Map([...files, [path, small('builder')]])
  expect(thrownBy(() => loadBundle(more, []))).toEqual({ code: 'CONFIG_INVALID', message, hint })
})

test('a digest is over what the files mean, not over how they are written', () => {
  const { digest } = loadBundle(files, REGISTRIES)
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
  const rewritten = new Map([
    ['agents/builder.yaml', '# note\nname: builder\npresets: ["package-registries"]\nversion: 1\n'],
    ['agents/claude-code.yaml', small('claude-code')],
  ])
  expect(loadBundle(rewritten, [...REGISTRIES].reverse()).digest).toBe(digest)
  expect(loadBundle(files, REGISTRIES.slice(0, 1)).digest).not.toBe(digest)
})

test('a configuration digest changes with the agent, and with the rules when they are given', () => {
  const bundle = loadBundle(files, REGISTRIES)
  const [builder, claude] = [bundle.agent('builder'), bundle.agent('claude-code')]
  const digests = [
    configurationDigest(builder),
    configurationDigest(claude),
    configurationDigest(builder, bundle.policyOf(builder)),
    configurationDigest(builder, { rules: [] }),
  ]
  expect(new Set(digests).size).toBe(4)
  expect(configurationDigest(bundle.agent('builder'))).toBe(digests[0])
})

const AGENTS = new URL('../../../../policy/agents/', import.meta.url)
const shipped = loadBundle(
  new Map(
    readdirSync(AGENTS).map((file) => [
      `agents/${file}`,
      readFileSync(new URL(file, AGENTS), 'utf8'),
    ]),
  ),
  [{ url: 'https://npm.example/', ecosystem: 'npm' }],
)

test('the shipped agents are these', () => {
  expect(shipped.agents).toEqual([
    'builder',
    'claude-code',
    'codex',
    'default',
    'gemini-cli',
    'openclaw',
    'opencode',
  ])
})

function decide(agent: string, method: string, url: string): string {
  const { hostname, pathname } = new URL(url)
  const action: HttpRequestAction = {
    kind: 'http.request',
    scheme: 'https',
    method,
    host: hostname,
    port: 443,
    path: pathname,
    query: null,
  }
  const verdict = compilePolicy(shipped.policyOf(shipped.agent(agent)), () => 0).decide(action)
  return `${verdict.kind} by ${verdict.rules.join(', ')}`
}

test.for<[string, string, string, string, string]>([
  [
    'Claude Code calls its model',
    'claude-code',
    'POST',
    'https://api.anthropic.com/v1/messages',
    'allow by preset.llm-providers.anthropic.call',
  ],
  [
    'Claude Code counts tokens',
    'claude-code',
    'POST',
    'https://api.anthropic.com/v1/messages/count_tokens',
    'allow by preset.llm-providers.anthropic.call',
  ],
  [
    'Claude Code lists models',
    'claude-code',
    'GET',
    'https://api.anthropic.com/v1/models',
    'allow by preset.llm-providers.anthropic.read',
  ],
  [
    'Claude Code uploads no file',
    'claude-code',
    'POST',
    'https://api.anthropic.com/v1/files',
    'deny by default',
  ],
  [
    'Claude Code starts no batch',
    'claude-code',
    'POST',
    'https://api.anthropic.com/v1/messages/batches',
    'deny by default',
  ],
  [
    'Claude Code calls no other provider',
    'claude-code',
    'POST',
    'https://api.openai.com/v1/responses',
    'deny by default',
  ],
  [
    'Codex calls its model',
    'codex',
    'POST',
    'https://api.openai.com/v1/responses',
    'allow by preset.llm-providers.openai.call',
  ],
  [
    'Codex compacts its history',
    'codex',
    'POST',
    'https://api.openai.com/v1/responses/compact',
    'allow by preset.llm-providers.openai.call',
  ],
  [
    'Codex reads no stored response',
    'codex',
    'GET',
    'https://api.openai.com/v1/responses/resp_1',
    'deny by default',
  ],
  ['Codex uploads no file', 'codex', 'POST', 'https://api.openai.com/v1/files', 'deny by default'],
  [
    'Gemini CLI calls its model',
    'gemini-cli',
    'POST',
    'https://generativelanguage.googleapis.com/v1beta/models/gemini-3:streamGenerateContent',
    'allow by preset.llm-providers.google.call',
  ],
  [
    'Gemini CLI uploads no file',
    'gemini-cli',
    'POST',
    'https://generativelanguage.googleapis.com/upload/v1beta/files',
    'deny by default',
  ],
  [
    'opencode calls its model',
    'opencode',
    'POST',
    'https://api.anthropic.com/v1/messages',
    'allow by preset.llm-providers.anthropic.call',
  ],
  [
    'a builder fetches from a forge',
    'builder',
    'POST',
    'https://github.com/me/repo.git/git-upload-pack',
    'allow by preset.git-forges.fetch',
  ],
  [
    'a builder asks a forge for its references',
    'builder',
    'GET',
    'https://github.com/me/repo.git/info/refs',
    'allow by preset.git-forges.read',
  ],
  [
    'a builder does not push',
    'builder',
    'POST',
    'https://github.com/me/repo.git/git-receive-pack',
    'deny by default',
  ],
  [
    'a builder writes to no forge API',
    'builder',
    'POST',
    'https://gitlab.com/api/v4/projects',
    'deny by default',
  ],
  [
    'a builder installs',
    'builder',
    'GET',
    'https://npm.example/left-pad',
    'allow by preset.package-registries.read',
  ],
  [
    'a builder publishes nothing',
    'builder',
    'PUT',
    'https://npm.example/left-pad',
    'deny by default',
  ],
  ['the default agent has no network', 'default', 'GET', 'https://github.com/', 'deny by default'],
])('%s', ([, agent, method, url, want]) => {
  expect(decide(agent, method, url)).toBe(want)
})

test('the example of the guide is an agent file', () => {
  const guide = readFileSync(
    new URL('../../../../docs/guides/agent-files.md', import.meta.url),
    'utf8',
  )
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(guide) ?? []
  const agent = parseAgentFile(example, 'policy/agents/docs-bot.yaml')
  expect(agent.rules.map((rule) => rule.id)).toEqual(['read-github', 'comment', 'no-secrets'])
})

test('no text of the policy names a registry by itself', () => {
  const none = loadBundle(files, [])
  expect(none.policyOf(none.agent('builder'))).toEqual({ rules: [] })
})
