import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { SekishoError } from '../core/error.ts'
import { type AgentFile, parseAgentFile } from './agent-file.ts'
import type { PresetName } from './presets.ts'

const FILE = 'policy/agents/x.yaml'
const HEAD = 'version: 1\nname: x\n'

function refusal(text: string): string {
  try {
    parseAgentFile(text, FILE)
  } catch (thrown) {
    if (thrown instanceof SekishoError && thrown.code === 'CONFIG_INVALID') {
      return `${thrown.message} | ${thrown.hint}`
    }
    throw thrown
  }
  return 'taken'
}

test.for<[string, string, string]>([
  ['an empty file', '', '1:1: want keys and values, not nothing | undefined'],
  ['a list', '- a', '1:1: want keys and values, not a list | undefined'],
  ['another version', 'version: 2\nname: x', '1:10: version: want 1, not 2 | undefined'],
  [
    'a quoted version',
    'version: "1"\nname: x',
    '1:10: version: want 1, not text | leave out the quotes',
  ],
  [
    'another name than the file',
    'version: 1\nname: y',
    '2:7: name: the file is called `x`, the agent `y` | write name: x, or rename the file',
  ],
  ['a key given twice', `${HEAD}name: x`, '3:1: duplicate key `name` | keep one of the two'],
  ['an anchor', `${HEAD}rules: &a []`, '3:11: anchors (&) are not allowed | write the value out'],
  ['an alias', `${HEAD}rules: *a`, '3:8: aliases (*) are not allowed | write the value out'],
  ['a merge key', `${HEAD}<<: {}`, '3:1: merge keys (<<) are not allowed | write the keys out'],
  [
    'a tag',
    `${HEAD}description: !!str 1`,
    '3:20: tags (!) are not allowed | quote text that starts with !',
  ],
  [
    'a tag of its own',
    `${HEAD}description: !env HOME`,
    '3:19: tags (!) are not allowed | quote text that starts with !',
  ],
  [
    'a directive',
    `%YAML 1.1\n---\n${HEAD}`,
    '1:1: directives (%) are not allowed | delete the line',
  ],
  [
    'two documents',
    `${HEAD}---\n${HEAD}`,
    '3:1: want one document, found a second one | mend it there; an agent file is one YAML document, indented with spaces',
  ],
  ['a key that is a number', `${HEAD}1: x`, '3:1: keys must be text | put quotes around the key'],
  [
    'a key that is a list',
    `${HEAD}? [a]\n: x`,
    '3:3: keys must be text | put quotes around the key',
  ],
  ['a prototype', `${HEAD}__proto__: {}`, '3:1: unknown key `__proto__` | undefined'],
  [
    'a tab for indentation',
    `${HEAD}rules:\n\t- x`,
    '4:1: Tabs are not allowed as indentation | mend it there; an agent file is one YAML document, indented with spaces',
  ],
  [
    'a list that does not end',
    `${HEAD}rules: [`,
    '3:9: Flow sequence in block collection must be sufficiently indented and end with a ] | mend it there; an agent file is one YAML document, indented with spaces',
  ],
  [
    'text that reads otherwise than it looks',
    `${HEAD}description: a\u202eb`,
    '3:15: the character \\u{202e} is not allowed | undefined',
  ],
  [
    'a control character',
    `${HEAD}description: a\u0007`,
    '3:15: the character \\u{7} is not allowed | undefined',
  ],
  [
    'more than one problem: a line for each, in order',
    `${HEAD}presetz: []\nlimitz: {}\nrulez: []`,
    [
      '3:1: unknown key `presetz` (did you mean `presets`?)',
      `${FILE}:4:1: unknown key \`limitz\` (did you mean \`limits\`?)`,
      `${FILE}:5:1: unknown key \`rulez\` (did you mean \`rules\`?) | correct ${FILE} in these places`,
    ].join('\n'),
  ],
  [
    'more problems than help',
    `${HEAD}environment: {${Array.from({ length: 12 }, (_, i) => `A${i}: 1`).join(', ')}}`,
    [
      ...Array.from({ length: 10 }, (_, i) => {
        const column = 19 + i * 7
        const place = i === 0 ? '' : `${FILE}:`
        return `${place}3:${column}: environment.A${i}: want text, not 1 (put quotes around it: "1")`
      }),
      `and 2 more | correct ${FILE} in these places`,
    ].join('\n'),
  ],
])('%s', ([, text, want]) => {
  expect(refusal(text)).toBe(`${FILE}:${want}`)
})

test('a file that is too large is refused before it is parsed', () => {
  expect(refusal(`${HEAD}# ${'x'.repeat(256 * 1024)}`)).toBe(
    `${FILE}:1:1: the file has 262165 bytes; at most 262144 are read | undefined`,
  )
})

test.for(['[', '{', '- ', '[{? ', '? ', '!a ', '&a '])(
  'a file of %s only is refused in time',
  (part) => {
    const started = performance.now()
    expect(refusal(part.repeat(200_000 / part.length))).toMatch(/^policy\/agents\/x\.yaml:1:/)
    expect(performance.now() - started).toBeLessThan(5000)
  },
)

test('very many keys are refused in time', () => {
  const text = HEAD + Array.from({ length: 25_000 }, (_, i) => `k${i}: 1`).join('\n')
  const started = performance.now()
  expect(refusal(text)).toMatch(/unknown key `k0`/)
  expect(performance.now() - started).toBeLessThan(5000)
})

test('no text makes the parser fail otherwise than with CONFIG_INVALID', () => {
  const words = ['version: 1', 'name: x', 'rules:', '  - ', 'host: ', ': ', '\n', '\n  ', '---']
  const token = fc.constantFrom(...words, ...'"\'{}[]<&*!|>#%\t\u2028\0'.split(''))
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(token).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (body) => {
      refusal(body)
    }),
    { numRuns: 2000 },
  )
})

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
  .map((list) => list.map((rule) => ({ ...rule, scheme: 'https' as const })))

const agents: fc.Arbitrary<AgentFile> = fc.record({
  version: fc.constant<1>(1),
  name: fc.constant('x'),
  description: note,
  presets: fc.subarray<PresetName>(['git-forges', 'llm-providers', 'package-registries']),
  rules,
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
  }),
  inspection: fc.record({
    maxBodyBytes: fc.integer({ min: 1, max: 4096 }).map((n) => n * 1024),
    treatments: fc.dictionary(
      fc.constantFrom('personal-data', 'secret.*'),
      fc.constantFrom('record', 'redact', 'hold', 'deny'),
    ),
  }),
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
    privateRanges: agent.privateRanges.map((range) => ({ ...range, reason: 'a reason' })),
    proxy: agent.proxy ?? undefined,
    rules: agent.rules.map(({ ports, paths, expiresAtMs, ...rule }) => ({
      ...rule,
      ...(expiresAtMs === null ? {} : { expires: dayBefore(expiresAtMs) }),
      ...(ports === null ? {} : { ports }),
      ...(paths.length === 0 ? {} : { paths }),
    })),
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

test('an agent that is printed and parsed is the same agent', () => {
  fc.assert(
    fc.property(agents, (agent) => {
      expect(parseAgentFile(print(agent), FILE)).toEqual(agent)
    }),
  )
})
