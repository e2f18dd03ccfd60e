import { expect, test } from 'vitest'
import { parseAgentFile } from './agent-file.ts'

const FILE = 'policy/agents/x.yaml'

/** Lines 1 and 2 of every file here; what a row adds starts at line 3. */
const HEAD = 'version: 1\nname: x\n'

const SANDBOX = {
  isolation: 'standard',
  rootfs: { kind: 'host' },
  exec: { written: 'record' },
  containment: {
    onEscape: 'contain',
    tolerated: [
      'io_uring_setup',
      'fanotify_init',
      'socket:netlink-diag',
      'socket:netlink-audit',
      'socket:raw',
      'syslog',
      'memfd_create',
    ],
  },
  attestation: 'require',
  workspace: {
    mode: 'overlay',
    readOnly: [
      '.claude',
      '.codex',
      '.gemini',
      '.opencode',
      '.cursor',
      '.mcp.json',
      'AGENTS.md',
      'CLAUDE.md',
      'GEMINI.md',
      '.git/config',
      '.git/hooks',
      '.githooks',
      '.husky',
      '.envrc',
      '.vscode',
      '.idea',
      '.devcontainer',
    ],
    from: null,
    label: { integrity: 'trusted', confidentiality: 'internal' },
  },
}

const EGRESS = {
  inspection: { maxBodyBytes: 8 * 1024 ** 2, treatments: {} },
  privateRanges: [],
  packages: {
    actions: {
      unknown: 'record',
      young: 'hold',
      ageUnknown: 'record',
      typo: 'deny',
      installScripts: 'record',
    },
    youngMs: 72 * 3_600_000,
    establishedMs: 365 * 86_400_000,
    exceptions: [],
  },
  proxy: null,
  provenance: null,
  budgets: [],
  setup: null,
}

test('the smallest file is an agent with defaults and no network', () => {
  expect(parseAgentFile(HEAD, FILE)).toEqual({
    version: 1,
    name: 'x',
    description: '',
    presets: [],
    rules: [],
    secrets: [],
    mounts: [],
    environment: {},
    limits: {
      memoryBytes: 2 * 1024 ** 3,
      pids: 512,
      cpuMillis: 2000,
      openFiles: 4096,
      wallClockMs: 3_600_000,
      tmpBytes: 512 * 1024 ** 2,
      tmpInodes: 200_000,
      diskBytes: 10 * 1024 ** 3,
      diskInodes: 500_000,
      egressBytes: 1024 ** 3,
      egressRequests: 100_000,
    },
    upstreams: [],
    tools: null,
    ...SANDBOX,
    ...EGRESS,
  })
})

/** Of a secret that is sent as it is. */
const SENT = { port: 443, aws: null }

test('a file with everything in it', () => {
  const text = `${HEAD}description: All of it
presets: [llm-providers, git-forges]
rules:
  - id: read
    effect: allow
    host: api.example.com
  - id: write
    effect: allow
    host: "*.example.com"
    scheme: http
    ports: [8080, 8081]
    methods: [any]
    paths: ["/a/**"]
    owner: platform
    reason: builds
  - id: never
    effect: deny
    host: admin.example.com
secrets:
  - name: anthropic
    from: file:/etc/keys/anthropic
    hosts: [api.anthropic.com]
    header: X-Api-Key
    env: ANTHROPIC_API_KEY
  - name: other
    from: env:OTHER
    hosts: [api.example.com]
    port: 443
    header: authorization
mounts:
  - source: /opt/tools
    target: /opt/tools
environment: { CI: "1" }
limits: { memory: 4GiB, pids: 64, cpus: 0.5, openFiles: 128, wallClock: 90s, tmp: 64MiB,
  tmpInodes: 100, disk: 1GiB, diskInodes: 1000, egress: 5MiB, egressRequests: 10 }
isolation: strong
rootfs: { image: ours, digest: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }
exec: { written: deny }
containment: { onEscape: record, tolerated: [ptrace] }
attestation: mark
workspace: { mode: clone, readOnly: [docs/fixed], label: { integrity: untrusted, confidentiality: public } }
upstreams:
  - host: api.anthropic.com
    address: 127.0.0.1
    dialPort: 9443
    caFile: /etc/ca.pem
    reason: scripted model server
`
  expect(parseAgentFile(text, FILE)).toEqual({
    version: 1,
    name: 'x',
    description: 'All of it',
    presets: ['llm-providers', 'git-forges'],
    rules: [
      {
        id: 'read',
        effect: 'allow',
        host: 'api.example.com',
        scheme: null,
        ports: null,
        methods: ['GET', 'HEAD', 'OPTIONS'],
        paths: [],
        owner: '',
        reason: '',
        expiresAtMs: null,
      },
      {
        id: 'write',
        effect: 'allow',
        host: '*.example.com',
        scheme: 'http',
        ports: [8080, 8081],
        methods: [],
        paths: ['/a/**'],
        owner: 'platform',
        reason: 'builds',
        expiresAtMs: null,
      },
      {
        id: 'never',
        effect: 'deny',
        host: 'admin.example.com',
        scheme: null,
        ports: null,
        methods: [],
        paths: [],
        owner: '',
        reason: '',
        expiresAtMs: null,
      },
    ],
    secrets: [
      {
        name: 'anthropic',
        from: { kind: 'file', path: '/etc/keys/anthropic' },
        hosts: ['api.anthropic.com'],
        ...SENT,
        header: 'x-api-key',
        env: 'ANTHROPIC_API_KEY',
      },
      {
        name: 'other',
        from: { kind: 'env', variable: 'OTHER' },
        hosts: ['api.example.com'],
        ...SENT,
        header: 'authorization',
        env: null,
      },
    ],
    mounts: [{ source: '/opt/tools', target: '/opt/tools' }],
    environment: { CI: '1' },
    limits: {
      memoryBytes: 4 * 1024 ** 3,
      pids: 64,
      cpuMillis: 500,
      openFiles: 128,
      wallClockMs: 90_000,
      tmpBytes: 64 * 1024 ** 2,
      tmpInodes: 100,
      diskBytes: 1024 ** 3,
      diskInodes: 1000,
      egressBytes: 5 * 1024 ** 2,
      egressRequests: 10,
    },
    tools: null,
    isolation: 'strong',
    rootfs: { kind: 'image', name: 'ours', digest: `sha256:${'a'.repeat(64)}` },
    exec: { written: 'deny' },
    containment: { onEscape: 'record', tolerated: ['ptrace'] },
    attestation: 'mark',
    workspace: {
      mode: 'clone',
      readOnly: ['docs/fixed'],
      from: null,
      label: { integrity: 'untrusted', confidentiality: 'public' },
    },
    ...EGRESS,
    upstreams: [
      {
        host: 'api.anthropic.com',
        port: 443,
        address: '127.0.0.1',
        dialPort: 9443,
        caFile: '/etc/ca.pem',
        reason: 'scripted model server',
      },
    ],
  })
})

test('a secret for a registry of this machine is reachable through the preset', () => {
  const text = `${HEAD}presets: [package-registries]\nsecrets:\n  - { name: npm, from: env:NPM_TOKEN, hosts: [npm.example], header: authorization }\n`
  const registries = [{ scheme: 'https', host: 'npm.example', port: 443, packages: [] }] as const
  expect(parseAgentFile(text, FILE, registries).secrets[0]?.name).toBe('npm')
})
