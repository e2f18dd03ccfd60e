import { expect, test } from 'vitest'
import { parseAgentFile } from '../policy/agent-file.ts'
import { sessionPolicy, setupPolicy } from '../policy/session-policy.ts'
import { SessionPlan } from '../wire/control.ts'
import type { SessionDecision } from '../wire/decision.ts'
import type { LlmFilter } from '../wire/llm.ts'
import { planSession } from './plan.ts'

const FILE = `
version: 1
name: builder
description: builds
rules:
  - { id: read, effect: allow, host: api.example.com }
secrets:
  - { name: gh, from: 'env:GH_TOKEN', hosts: [api.example.com], header: authorization, env: GH }
  - { name: npm, from: 'file:/etc/npm-token', hosts: [api.example.com], header: x-token }
upstreams:
  - { host: api.example.com, address: 192.0.2.7, dialPort: 8443, caFile: /etc/ca.pem, reason: ours }
environment: { LANG: C.UTF-8 }
limits: { memory: 1GiB, wallClock: 10m }
`
const agent = parseAgentFile(FILE, 'agents/builder.yaml')
const policy = {
  rules: [
    {
      id: 'read',
      effect: 'allow' as const,
      scheme: 'https' as const,
      host: 'api.example.com',
      port: 443,
      methods: ['GET'],
      paths: [],
    },
  ],
}
const decision: SessionDecision = {
  generation: 1,
  agent: 'builder',
  uid: 1000,
  policy,
  begins: [],
  task: ['make', 'test'],
}
const request = {
  agent: 'builder',
  argv: ['make', 'test'],
  workspace: '/home/me/project',
  from: null,
  terminal: { columns: 80, rows: 24, type: 'xterm' },
}
const plan = planSession({
  detached: false,
  request,
  agent,
  configuration: `sha256:${'0'.repeat(64)}`,
  decision,
  phase: 'agent',
  session: 's-00000000000000000000',
  connection: 7,
})

test('a plan is what was asked, and what the agent file grants', () => {
  expect(plan).toEqual({
    session: 's-00000000000000000000',
    connection: 7,
    agent: 'builder',
    configuration: `sha256:${'0'.repeat(64)}`,
    argv: ['make', 'test'],
    workspace: '/home/me/project',
    terminal: { columns: 80, rows: 24, type: 'xterm' },
    detached: false,
    decision,
    egress: {
      inspection: { maxBodyBytes: 8 * 1024 ** 2, treatments: {} },
      privateRanges: [],
      proxy: null,
      packages: agent.packages,
      provenance: null,
      budgets: [],
    },
    secrets: [
      {
        binding: { name: 'gh', hosts: ['api.example.com'], port: 443, header: 'authorization' },
        from: { kind: 'env', variable: 'GH_TOKEN' },
        variable: 'GH',
      },
      {
        binding: { name: 'npm', hosts: ['api.example.com'], port: 443, header: 'x-token' },
        from: { kind: 'file', path: '/etc/npm-token' },
        variable: null,
      },
    ],
    upstreams: [
      {
        host: 'api.example.com',
        port: 443,
        address: '192.0.2.7',
        dialPort: 8443,
        caFile: '/etc/ca.pem',
      },
    ],
    mounts: [],
    environment: { LANG: 'C.UTF-8' },
    limits: { ...agent.limits, memoryBytes: 2 ** 30, wallClockMs: 600_000 },
    isolation: 'standard',
    rootfs: { kind: 'host' },
    exec: { written: 'record' },
    containment: agent.containment,
    attestation: 'require',
    workspaceOptions: { mode: 'overlay', readOnly: agent.workspace.readOnly, from: null },
  })
})

test('a plan is what the supervisor takes: nothing of the file travels that it does not know', () => {
  expect(SessionPlan.parse(plan)).toEqual(plan)
})

test('the session runs as the agent that was found, whatever the request calls it', () => {
  const asked = { ...request, agent: 'other' }
  const configuration = plan.configuration
  const other = planSession({
    ...plan,
    request: asked,
    agent,
    configuration,
    decision,
    phase: 'agent',
  })
  expect(other.agent).toBe('builder')
})

const TWO_PHASES = `
version: 1
name: builder
rules:
  - { id: read, effect: allow, host: api.example.com }
setup:
  rules: [{ id: install, effect: allow, host: npm.example.com }]
secrets:
  - { name: api, from: 'env:API', hosts: [api.example.com], header: authorization, env: API }
  - { name: npm, from: 'env:NPM', hosts: [npm.example.com], header: authorization, env: NPM }
  - { name: both, from: 'env:BOTH', hosts: [npm.example.com, api.example.com], header: x-both }
`

test.for([
  ['agent', ['api', 'both']],
  ['setup', ['npm', 'both']],
] as const)('the %s phase has its own network, and the secrets for it', ([phase, secrets]) => {
  const both = parseAgentFile(TWO_PHASES, 'agents/builder.yaml')
  const own = phase === 'setup' ? setupPolicy(both, []) : sessionPolicy(both, [])
  if (own === null) throw new Error('no setup phase')
  const { configuration } = plan
  const parts = {
    ...plan,
    request,
    agent: both,
    configuration,
    decision: { ...decision, policy: own },
    phase,
  }
  const planned = planSession(parts)
  expect(planned.phase).toBe(phase)
  expect(planned.decision.policy).toEqual(own)
  expect(planned.secrets.map(({ binding }) => binding.name)).toEqual(secrets)
  expect(SessionPlan.parse(planned)).toEqual(planned)
})

test('URLs in the command are known, in their canonical form, where provenance is asked for', () => {
  const words = [
    'claude',
    '-p',
    'read HTTPS://Docs.Example/a/../b and https://x.example/?q=1, then',
  ]
  const asked = planSession({
    detached: false,
    request: { ...request, argv: words },
    agent: parseAgentFile(
      'version: 1\nname: x\nprovenance: {}\nrules: [{id: r, effect: allow, host: x.example}]\n',
      'agents/x.yaml',
    ),
    configuration: `sha256:${'0'.repeat(64)}`,
    decision,
    phase: 'agent',
    session: 's-00000000000000000000',
    connection: 7,
  })
  expect(asked.egress.provenance).toEqual({
    rules: 'all',
    indexes: [],
    private: [],
    startsPrivate: true,
    templates: [],
    // with the comma and without: which of them was meant, nobody can say
    taskUrls: ['https://docs.example/b', 'https://x.example/?q=1,', 'https://x.example/?q=1'],
  })
})

const FILTER: LlmFilter = {
  id: 'guard',
  kind: 'bedrock-guardrail',
  host: 'bedrock-runtime.eu-west-1.amazonaws.com',
  port: 443,
  basePath: '/guardrail/g1/version/1',
  credential: { kind: 'file', path: '/etc/sekisho/guard-key' },
  channels: ['user'],
  minPermille: 500,
  onMatch: 'deny',
  timeoutMs: 3000,
  onFailure: 'deny',
}

test('what a filter knows the platform by is a secret of the session that nothing in it stands for', () => {
  const { secrets } = planSession({
    detached: false,
    request,
    agent,
    configuration: plan.configuration,
    decision,
    phase: 'agent',
    session: plan.session,
    connection: 7,
    filters: [FILTER],
  })
  expect(secrets.at(-1)).toEqual({
    binding: {
      name: 'filter.guard',
      hosts: ['bedrock-runtime.eu-west-1.amazonaws.com'],
      port: 443,
      header: 'authorization',
      under: '/guardrail/g1/version/1',
    },
    from: { kind: 'file', path: '/etc/sekisho/guard-key' },
    variable: null,
    isPlatforms: true,
  })
})
