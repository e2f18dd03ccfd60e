import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { type AgentFile, parseAgentFile } from './agent-file.ts'
import { compilePolicy } from './compile.ts'
import type { PresetName } from './presets.ts'
import { sessionPolicy, setupPolicy } from './session-policy.ts'

const FILE = 'policy/agents/x.yaml'

const hosts = ['a.example', 'b.example', 'c.example']
const note = fc
  .string({ maxLength: 20, unit: 'grapheme' })
  .filter((s) => !/\p{C}|\p{Bidi_C}/u.test(s))
const variable = fc.constantFrom('A', 'B', 'C')

const rules = fc
  .uniqueArray(
    fc.record({
      id: fc.stringMatching(/^r[a-z0-9-]{0,8}$/),
      effect: fc.constantFrom('allow', 'deny'),
      host: fc.constantFrom(...hosts, '*.d.example'),
      ports: fc.option(
        fc.uniqueArray(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 4 }),
      ),
      methods: fc.subarray(['GET', 'POST', 'QUERY'], { minLength: 1 }),
      paths: fc.subarray(['/', '/a/**', '/*/b', '/%2F']),
      owner: note,
      reason: note,
      expiresAtMs: fc.option(fc.integer({ min: 1, max: 30_000 }).map((n) => n * 86_400_000)),
    }),
    { selector: (rule) => rule.id, maxLength: 5 },
  )
  .map((list) =>
    list.map((rule) => ({
      ...rule,
      scheme: 'https' as const,
      expiresAtMs: rule.effect === 'deny' ? null : rule.expiresAtMs,
    })),
  )

const presets = fc.subarray<PresetName>(['git-forges', 'llm-providers', 'package-registries'])

const toolRules = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^t[a-z0-9-]{0,8}$/),
    effect: fc.constant('allow' as const),
    tool: fc.constantFrom('Bash', 'mcp__*', '*'),
    does: fc.subarray(['shell', 'read', 'fetch'] as const),
    programs: fc.subarray(['git', 'python3*', '/usr/bin/*']),
    paths: fc.subarray(['src/**', '~/.ssh/*', '/etc/**']),
    hosts: fc.subarray(hosts),
    unknown: fc.boolean(),
    owner: note,
    reason: note,
    expiresAtMs: fc.option(fc.integer({ min: 1, max: 30_000 }).map((n) => n * 86_400_000)),
    outside: fc.option(fc.constantFrom('none', 'read', 'external'), { nil: undefined }),
    reversibility: fc.constant(undefined),
    consequence: fc.option(fc.constantFrom('low', 'critical'), { nil: undefined }),
  }),
  { selector: (rule) => rule.id, maxLength: 3 },
)

const tools = fc.record({
  rules: fc.option(toolRules),
  serverTools: fc.subarray(['web_search*', 'image_generation']),
})

const action = fc.constantFrom('allow', 'record', 'hold', 'deny')

const agents: fc.Arbitrary<AgentFile> = fc.record({
  version: fc.constant<1>(1),
  name: fc.constant('x'),
  description: note,
  presets,
  tools: fc.option(tools),
  rules,
  setup: fc.option(
    fc.record({ presets, rules, command: fc.option(fc.constant(['npm', 'ci', '--offline'])) }),
  ),
  secrets: fc.constant([]),
  mounts: fc
    .subarray(['/opt/a', '/opt/b', '/srv'])
    .map((list) => list.map((path) => ({ source: path, target: `/opt${path}` }))),
  environment: fc.dictionary(variable, note),
  limits: fc.record({
    memoryBytes: fc.integer({ min: 16, max: 4096 }).map((n) => n * 1024 ** 2),
    pids: fc.integer({ min: 1, max: 1000 }),
    cpuMillis: fc.integer({ min: 10, max: 64_000 }),
    openFiles: fc.integer({ min: 16, max: 4096 }),
    wallClockMs: fc.integer({ min: 1, max: 10_000_000 }),
    tmpBytes: fc.integer({ min: 4, max: 4096 }).map((n) => n * 1024),
    tmpInodes: fc.integer({ min: 16, max: 4096 }),
    diskBytes: fc.integer({ min: 1, max: 4096 }).map((n) => n * 1024 ** 2),
    diskInodes: fc.integer({ min: 16, max: 4096 }),
    egressBytes: fc.integer({ min: 1, max: 4096 }).map((n) => n * 1024),
    egressRequests: fc.integer({ min: 0, max: 4096 }),
  }),
  upstreams: fc.constant([]),
  isolation: fc.constantFrom('standard', 'strong'),
  rootfs: fc.constantFrom(
    { kind: 'host' as const },
    { kind: 'directory' as const, path: '/srv/root' },
    { kind: 'image' as const, name: 'ours', digest: `sha256:${'a'.repeat(64)}` },
  ),
  exec: fc.record({ written: fc.constantFrom('deny', 'record') }),
  containment: fc.record({
    onEscape: fc.constantFrom('contain', 'record'),
    tolerated: fc.subarray(['unshare', 'ptrace']),
  }),
  attestation: fc.constantFrom('require', 'mark'),
  workspace: fc.record({
    mode: fc.constantFrom('overlay', 'clone'),
    readOnly: fc.subarray(['.claude', 'docs/fixed']),
    from: fc.constant(null),
    label: fc.record({
      integrity: fc.constantFrom('trusted', 'untrusted'),
      confidentiality: fc.constantFrom('public', 'internal', 'secret'),
    }),
  }),
  inspection: fc.record({
    maxBodyBytes: fc.integer({ min: 1, max: 4096 }).map((n) => n * 1024),
    treatments: fc.dictionary(
      fc.constantFrom('personal-data', 'secret.*'),
      fc.constantFrom('record', 'redact', 'hold', 'deny'),
    ),
  }),
  packages: fc.record({
    actions: fc.record({
      unknown: action,
      young: action,
      ageUnknown: action,
      typo: action,
      installScripts: action,
    }),
    youngMs: fc.integer({ min: 1, max: 100 }).map((n) => n * 3_600_000),
    establishedMs: fc.option(fc.integer({ min: 1, max: 900 }).map((n) => n * 86_400_000)),
    exceptions: fc.array(
      fc.record({
        ecosystem: fc.option(fc.constantFrom('npm', 'pypi')),
        name: fc.constantFrom('lodash', '@our-scope/*'),
        versions: fc.subarray(['1.0.0', '2.0.0-rc.1']),
        checks: fc.subarray(['typo', 'young'], { minLength: 1 }),
        expiresAtMs: fc.option(fc.integer({ min: 1, max: 30_000 }).map((n) => n * 86_400_000)),
      }),
      { maxLength: 3 },
    ),
  }),
  provenance: fc.option(
    fc.record({
      rules: fc.constant('all' as const),
      indexes: fc.constant([]),
      private: fc.constant([]),
      startsPrivate: fc.boolean(),
      templates: fc.subarray(['https://a.example/items/{id:int}']),
    }),
  ),
  budgets: fc.array(
    fc.record({
      host: fc.constantFrom('a.example', '*.b.example'),
      bytesOut: fc.constant(null),
      distinctUrls: fc.integer({ min: 0, max: 100 }),
      urlEntropyBits: fc.constant(null),
    }),
    { maxLength: 2 },
  ),
  privateRanges: fc.subarray([{ host: 'a.example', range: '10.1.0.0/16' }]),
  proxy: fc.option(
    fc.record({
      host: fc.constant('proxy.example'),
      port: fc.integer({ min: 1, max: 65_535 }),
      resolve: fc.constantFrom('here', 'proxy'),
      except: fc.subarray(hosts),
    }),
  ),
})

/** An agent as a file that spells everything out. */
function print(agent: AgentFile): string {
  const { memoryBytes, cpuMillis, wallClockMs, tmpBytes, diskBytes, egressBytes, ...rest } =
    agent.limits
  const { from: _from, ...workspace } = agent.workspace
  return stringify({
    ...agent,
    workspace,
    rootfs: printRootfs(agent.rootfs),
    inspection: {
      maxBody: `${agent.inspection.maxBodyBytes / 1024}KiB`,
      treatments: agent.inspection.treatments,
    },
    packages: printPackages(agent.packages),
    privateRanges: agent.privateRanges.map((range) => ({ ...range, reason: 'a reason' })),
    provenance: agent.provenance ?? undefined,
    budgets: agent.budgets.map(({ host, distinctUrls }) => ({ host, distinctUrls })),
    proxy: agent.proxy ?? undefined,
    rules: agent.rules.map(printRule),
    tools: agent.tools === null ? undefined : printTools(agent.tools),
    setup:
      agent.setup === null
        ? undefined
        : {
            presets: agent.setup.presets,
            rules: agent.setup.rules.map(printRule),
            command: agent.setup.command ?? undefined,
          },
    limits: {
      ...rest,
      memory: `${memoryBytes / 1024}KiB`,
      tmp: `${tmpBytes / 1024}KiB`,
      disk: `${diskBytes / 1024}KiB`,
      egress: `${egressBytes / 1024}KiB`,
      cpus: cpuMillis / 1000,
      wallClock: `${wallClockMs}ms`,
    },
  })
}

function printTools({ rules, serverTools }: NonNullable<AgentFile['tools']>): unknown {
  const isNamed = (value: unknown): boolean => !Array.isArray(value) || value.length > 0
  return {
    serverTools,
    ...(rules === null
      ? {}
      : {
          rules: rules.map(({ expiresAtMs, ...rule }) => ({
            ...Object.fromEntries(Object.entries(rule).filter(([, value]) => isNamed(value))),
            ...(expiresAtMs === null ? {} : { expires: dayBefore(expiresAtMs) }),
          })),
        }),
  }
}

function printPackages(packages: AgentFile['packages']): Record<string, unknown> {
  const { actions, youngMs, establishedMs, exceptions } = packages
  return {
    ...actions,
    youngerThan: `${youngMs / 3_600_000}h`,
    establishedAfter: establishedMs === null ? 'never' : `${establishedMs / 86_400_000}d`,
    exceptions: exceptions.map(({ ecosystem, versions, expiresAtMs, ...rest }) => ({
      ...rest,
      reason: 'a reason',
      ...(ecosystem === null ? {} : { ecosystem }),
      ...(versions.length === 0 ? {} : { versions }),
      ...(expiresAtMs === null ? {} : { expires: dayBefore(expiresAtMs) }),
    })),
  }
}

function printRule(rule: AgentFile['rules'][number]): Record<string, unknown> {
  const { ports, paths, expiresAtMs, ...rest } = rule
  return {
    ...rest,
    ...(expiresAtMs === null ? {} : { expires: dayBefore(expiresAtMs) }),
    ...(ports === null ? {} : { ports }),
    ...(paths.length === 0 ? {} : { paths }),
  }
}

function dayBefore(endMs: number): string {
  return new Date(endMs - 1).toISOString().slice(0, 10)
}

function printRootfs(rootfs: AgentFile['rootfs']): Record<string, string> {
  switch (rootfs.kind) {
    case 'host':
      return {}
    case 'directory':
      return { directory: rootfs.path }
    case 'image':
      return { image: rootfs.name, digest: rootfs.digest }
    default:
      return rootfs satisfies never
  }
}

function reaches(agent: AgentFile, host: string): boolean {
  const phases = [sessionPolicy(agent, []), setupPolicy(agent, []) ?? { rules: [] }]
  return phases.some((policy) => compilePolicy(policy, () => 0).mayReach(host))
}

test('an agent that is printed and parsed is the same agent', () => {
  fc.assert(
    fc.property(agents, (agent) => {
      // a range for a name that no rule reaches is refused
      const privateRanges = reaches(agent, 'a.example') ? agent.privateRanges : []
      const whole = { ...agent, privateRanges }
      expect(parseAgentFile(print(whole), FILE)).toEqual(whole)
    }),
  )
})
