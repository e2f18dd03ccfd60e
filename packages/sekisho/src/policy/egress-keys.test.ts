import { expect, test } from 'vitest'
import { SekishoError } from '../core/error.ts'
import { parseAgentFile } from './agent-file.ts'
import { sessionPolicy, setupPolicy } from './session-policy.ts'

const FILE = 'policy/agents/x.yaml'
/** Lines 1 and 2; what a row adds starts at line 3. */
const HEAD = 'version: 1\nname: x\n'

function refusal(text: string): string {
  try {
    parseAgentFile(`${HEAD}${text}`, FILE)
  } catch (thrown) {
    if (thrown instanceof SekishoError) {
      // the columns are agent-document.test.ts's
      return `${thrown.message} | ${thrown.hint}`.replace(/(yaml:\d+):\d+/g, '$1')
    }
    throw thrown
  }
  return 'taken'
}

const rule = (rest: string): string =>
  `rules:\n  - { id: r, effect: allow, host: a.example, ${rest} }`

test('every key of a rule comes to the gate', () => {
  const text = `${HEAD}rules:
  - id: live
    effect: allow
    host: a.example
    methods: [GET, POST]
    expires: "2027-01-31"
    websocket: true
    withoutSni: true
    packages: npm
    body: { max: 1MiB, uninspected: true }
    treatments: { secret-format: redact, "pii.*": deny }
    reason: a trial
  - { id: db, effect: allow, host: db.example, scheme: tcp, ports: [5432] }
  - { id: pinned, effect: allow, host: p.example, scheme: tls, reason: pins its certificate }
`
  expect(sessionPolicy(parseAgentFile(text, FILE), []).rules).toEqual([
    {
      id: 'live',
      effect: 'allow',
      scheme: 'https',
      host: 'a.example',
      port: 443,
      methods: ['GET', 'POST'],
      paths: [],
      expiresAtMs: Date.UTC(2027, 1, 1),
      options: {
        websocket: true,
        withoutSni: true,
        packages: 'npm',
        maxBodyBytes: 1024 ** 2,
        uninspected: true,
        treatments: { 'secret-format': 'redact', 'pii.*': 'deny' },
      },
    },
    {
      id: 'db',
      effect: 'allow',
      scheme: 'tcp',
      host: 'db.example',
      port: 5432,
      methods: [],
      paths: [],
    },
    {
      id: 'pinned',
      effect: 'allow',
      scheme: 'tls',
      host: 'p.example',
      port: 443,
      methods: [],
      paths: [],
    },
  ])
})

test('the setup phase has a network of its own', () => {
  const text = `${HEAD}rules:
  - { id: api, effect: allow, host: a.example }
setup:
  presets: [package-registries]
  rules:
    - { id: api, effect: allow, host: setup.example }
  command: [npm, ci]
`
  const npm = { scheme: 'https', host: 'npm.example', port: 443 } as const
  const agent = parseAgentFile(text, FILE, [{ ...npm, packages: [{ ecosystem: 'npm', base: '' }] }])
  expect(agent.setup?.command).toEqual(['npm', 'ci'])
  const hosts = (rules: readonly { host: string }[] | undefined): unknown =>
    rules?.map(({ host }) => host)
  expect(hosts(sessionPolicy(agent, []).rules)).toEqual(['a.example'])
  expect(hosts(setupPolicy(agent, [])?.rules)).toEqual(['setup.example'])
  expect(setupPolicy(parseAgentFile(HEAD, FILE), [])).toBeNull()
})

test('a secret that only the setup phase can use is reachable', () => {
  const text = `setup:
  rules: [{ id: r, effect: allow, host: npm.example }]
secrets: [{ name: npm, from: "env:NPM", hosts: [npm.example], header: authorization }]`
  expect(refusal(text)).toBe('taken')
})

test.for(['none', 'off', '[off]'])('presets: %s is no network', (written) => {
  expect(parseAgentFile(`${HEAD}presets: ${written}`, FILE).presets).toEqual(['none'])
})

test('a rule says that personal data has tokens, or that its host gets the values', () => {
  const text = `${HEAD}rules: [{ id: r, effect: allow, host: a.example, personalData: reveal, treatments: { personal-data: tokenize, pii.card: redact } }]`
  const { rules } = sessionPolicy(parseAgentFile(text, FILE), [])
  expect(rules.map(({ options }) => options)).toEqual([
    {
      revealsPersonalData: true,
      treatments: { 'personal-data': 'tokenize', 'pii.card': 'redact' },
    },
  ])
})

const UNSEEN = 'say in `reason` why this may pass without being looked into'
const NO_REQUESTS = 'delete the key, or choose http or https'
const DENIES = 'delete the key; a rule that is to end is deleted on its day'

test.for<[string, string, string]>([
  [
    'methods of tcp',
    rule('scheme: tcp, ports: [22], methods: [GET]'),
    `4: rules[0].methods: a rule for tcp or tls sees no requests | ${NO_REQUESTS}`,
  ],
  [
    'methods of tcp, although any',
    rule('scheme: tcp, ports: [22], methods: [any]'),
    `4: rules[0].methods: a rule for tcp or tls sees no requests | ${NO_REQUESTS}`,
  ],
  [
    'tokens for what is no personal data',
    rule('treatments: { secret-format: tokenize }'),
    '4: rules[0].treatments.secret-format: `secret-format` is no personal data, and only that has tokens | write redact, or name personal-data or a detector such as pii.email',
  ],
  [
    'personal data revealed by tls',
    rule('scheme: tls, reason: x, personalData: reveal'),
    `4: rules[0].personalData: a rule for tcp or tls sees no requests | ${NO_REQUESTS}`,
  ],
  [
    'paths of tls',
    rule('scheme: tls, reason: x, paths: [/a]'),
    `4: rules[0].paths: a rule for tcp or tls sees no requests | ${NO_REQUESTS}`,
  ],
  [
    'tcp without a port',
    rule('scheme: tcp'),
    '4: rules[0].scheme: tcp has no usual port | name the ports of the protocol, such as [5432]',
  ],
  [
    'tls without a reason',
    rule('scheme: tls'),
    `4: rules[0].reason: TLS that is passed through needs a reason | ${UNSEEN}`,
  ],
  [
    'tls with a reason that says nothing',
    rule('scheme: tls, reason: "  "'),
    `4: rules[0].reason: TLS that is passed through needs a reason | ${UNSEEN}`,
  ],
  [
    'an uninspected body without a reason',
    rule('body: { uninspected: true }'),
    `4: rules[0].reason: a body that is not inspected needs a reason | ${UNSEEN}`,
  ],
  [
    'treatments of what is passed through',
    rule('scheme: tls, reason: x, treatments: { canary: deny }'),
    '4: rules[0].treatments: what is passed through is not looked into | delete the key, or choose https',
  ],
  [
    'a missing server name where there is no TLS',
    rule('scheme: http, withoutSni: true'),
    '4: rules[0].withoutSni: there is a server name in TLS only | delete the key, or choose https or tls',
  ],
  [
    'a WebSocket without GET',
    rule('methods: [POST], websocket: true'),
    '4: rules[0].websocket: a WebSocket begins with GET, which `methods` leaves out | add GET',
  ],
  [
    'a deny rule that ends',
    'rules:\n  - { id: r, effect: deny, host: a.example, expires: "2027-01-31" }',
    `4: rules[0].expires: a deny rule denies, for ever and all of it | ${DENIES}`,
  ],
  [
    'a day that is none',
    rule('expires: "2027-02-31"'),
    '4: rules[0].expires: `2027-02-31` is not a day | write a day as 2027-01-31',
  ],
  [
    'a weaker canary in a rule',
    rule('treatments: { canary: record }'),
    '4: rules[0].treatments.canary: `canary` is always denied and cannot be only recorded | delete the line',
  ],
  [
    'a weaker platform secret in the session',
    'inspection: { treatments: { platform-secret: redact } }',
    '3: inspection.treatments.platform-secret: `platform-secret` is always denied and cannot be redacted | delete the line',
  ],
  [
    'a misspelt class',
    'inspection: { treatments: { personal-dat: deny } }',
    '3: inspection.treatments.personal-dat: `personal-dat` is neither a class nor a detector | did you mean `personal-data`?',
  ],
  [
    'a misspelt key of a body',
    rule('body: { maxBody: 1MiB }'),
    '4: rules[0].body: unknown key `maxBody` | the keys here are max, uninspected',
  ],
  [
    'a misspelt key of the inspection',
    'inspection: { maxBodies: 1MiB }',
    '3: inspection: unknown key `maxBodies` | did you mean `maxBody`?',
  ],
  [
    'a misspelt key of a setup rule',
    'setup:\n  rules:\n    - { id: r, effect: allow, hosts: a.example }',
    `5: setup.rules[0]: missing key \`host\`\n${FILE}:5: setup.rules[0]: unknown key \`hosts\` (did you mean \`host\`?) | correct ${FILE} in these places`,
  ],
  [
    'a setup rule that stands twice',
    'setup:\n  rules:\n    - { id: r, effect: allow, host: a.example }\n    - { id: r, effect: allow, host: b.example }',
    '6: setup.rules[1].id: `r` is taken by an earlier entry | undefined',
  ],
  [
    'a deny rule for paths that are not seen',
    `${rule('scheme: tls, reason: x')}\n  - { id: d, effect: deny, host: "*.example", paths: [/x] }`.replace(
      '"*.example"',
      'a.example',
    ),
    '5: rules[1]: `d` names methods or paths, which are not seen in the tls of rule `r` | write `scheme: https` in it, or deny the host without methods and paths',
  ],
  [
    'two schemes at one port',
    `${rule('scheme: tcp, ports: [443]')}\n  - { id: s, effect: allow, host: a.example, scheme: tls, reason: x }`,
    '5: rules r and s speak tcp and tls at port 443 of a.example | choose one scheme for a port',
  ],
  [
    'a secret for what is passed through',
    `${rule('scheme: tls, reason: x')}\nsecrets: [{ name: k, from: "env:K", hosts: [a.example], header: x-k }]`,
    '5: secrets[0].hosts[0]: a rule passes TLS to a.example through, into which secret `k` cannot be put | reach the host over https',
  ],
  [
    'a private range without a reason',
    `${rule('ports: [443]')}\nprivateRanges: [{ host: a.example, range: 10.0.0.0/8, reason: " " }]`,
    '5: privateRanges[0].reason: want a reason | undefined',
  ],
  [
    'a private range that no rule reaches',
    'privateRanges: [{ host: a.example, range: 10.0.0.0/8, reason: x }]',
    '3: privateRanges[0].host: no rule reaches a.example, so nothing would be dialled | add a rule that allows a.example, or delete the entry',
  ],
  [
    'a second range for a name',
    `${rule('ports: [443]')}\nprivateRanges: [{ host: a.example, range: 10.0.0.0/8, reason: x }, { host: a.example, range: 10.0.0.0/8, reason: x }]`,
    '5: privateRanges[1].host: `a.example` is taken by an earlier entry | undefined',
  ],
])('%s is refused', ([, text, want]) => {
  expect(refusal(text)).toBe(`${FILE}:${want}`)
})
