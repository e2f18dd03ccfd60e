import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../keyholder/log/open-log.ts'
import { parseSignatures, signersOf } from '../policy/bundle-signatures.ts'
import { writeKey } from '../policy/operators.ts'
import { writeNewKey } from './operator-key-file.ts'
import { policy } from './policy.ts'
import { said } from './testing/said.ts'

const AGENT = `version: 1
name: bot
rules:
  - { id: read, effect: allow, host: wiki.example.com }
  - { id: send, effect: allow, host: api.example.com, methods: [POST] }
`
const OWN = `@id("granted")
permit (principal, action, resource) when { context.facts.granted };
@id("no-uploads")
@reason("nothing large goes out")
forbid (principal, action == Sekisho::Action::"http.request", resource)
when { context.http.bodyBytes > 1000 };
`

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-code-'))
  vi.stubEnv('SEKISHO_HOME', home)
  write('policy/agents/bot.yaml', AGENT)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

function write(path: string, text: string): string {
  const file = join(home, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

test('a test run names each row, and fails where one does', async () => {
  write(
    'policy/tests/a.yaml',
    `version: 1
tests:
  - { name: the wiki is read, agent: bot, action: GET https://wiki.example.com/a, expect: allow }
  - { name: nothing is sent, agent: bot, action: POST https://api.example.com/x, expect: deny }
`,
  )
  expect(await said(policy, 'test')).toMatchObject({
    code: 1,
    out: [
      'tests/a.yaml',
      '  ok    the wiki is read',
      '  FAIL  nothing is sent',
      '          expected deny, got allow by send',
      '2 tests, 1 failed',
    ],
  })
})

test('a bundle without tests passes none', async () => {
  const { code, out } = await said(policy, 'test')
  expect([code, out]).toEqual([1, [`${home}/policy/tests has no tests`]])
})

test('one decision is tried, with what would have allowed it', async () => {
  const { code, out } = await said(
    policy,
    'try',
    '--agent',
    'bot',
    '--fact',
    'integrity=untrusted',
    'POST https://api.example.com/x',
  )
  expect([code, out]).toEqual([
    1,
    [
      'hold POST https://api.example.com/x',
      '  agent file  send',
      '  policy      rule-of-two (defaults.cedar:28)',
      '  reason      the session has read what is private and what anybody may have written, and this acts outside (agent bot); it takes the yes of approver',
      '  needs       approver',
      '  facts       user whom users.yaml does not name, integrity untrusted, confidentiality internal, effect external, reversibility externally_reversible, consequence low',
      '  allowed if  approver said yes to exactly this action',
      '  allowed if  integrity were trusted, not untrusted',
      '  allowed if  confidentiality were public, not internal',
      '  allowed if  there were no policy rule-of-two (defaults.cedar:28)',
    ],
  ])
})

test.for([
  [['try', 'GET https://a.example/'], '--agent is missing'],
  [['try', '--agent', 'bot', 'GET'], '`GET` is no action'],
  [['try', '--agent', 'bot', '--fact', 'x', 'resolve a.example'], 'there is no fact `x`'],
  [['diff', 'a'], 'want two directories'],
  [['replay', '--limit', 'x'], '--limit wants a number'],
  [['prove', '--timeout', '0'], '--timeout wants seconds, from 1 to 3600'],
] as const)('policy %s is refused', async ([argv, message]) => {
  await expect(said(policy, ...argv)).rejects.toMatchObject({ code: 'USAGE', message })
})

test('a check finds what no author can have meant, and what adds nothing', async () => {
  write(
    'policy/own.cedar',
    `${OWN}
@id("impossible")
forbid (principal, action == Sekisho::Action::"http.request", resource)
when { context.http.bodyBytes > 10 && context.http.bodyBytes < 5 };
@id("again")
permit (principal in Sekisho::Agent::"bit", action, resource)
when { context.facts.granted };
`,
  )
  const { code, out } = await said(policy, 'check')
  expect(code).toBe(1)
  expect(out.filter((line) => /error|warning|without/.test(line))).toEqual([
    '  error: own.cedar:8:1: `impossible` can never match: no action satisfies all of its conditions (look for conditions that contradict each other, or delete it)',
    '  warning: own.cedar:11:1: `again` adds nothing: `granted` permits all that it permits (delete one of the two)',
    '  warning: own.cedar:12:38: there is no Agent "bit" in this bundle (did you mean `bot`?)',
    "  without the platform's policy operators-administer",
    "  without the platform's policy user-enabled",
    "  without the platform's policy rule-of-two",
    "  without the platform's policy irreversible",
    "  without the platform's policy consequence",
    "  without the platform's policy critical-intent",
    "  without the platform's policy unconfirmed",
    "  without the platform's policy command-reverse-shell",
    "  without the platform's policy command-unseen",
    "  without the platform's policy command-after-untrusted",
  ])
})

test('a diff says what differs, and whether it allows more', async () => {
  write('before/agents/bot.yaml', AGENT)
  write('before/own.cedar', OWN)
  write('policy/own.cedar', OWN.replace('1000', '2000'))
  const { out } = await said(policy, 'diff', join(home, 'before'), join(home, 'policy'))
  expect(out).toEqual([
    '  ~ policy no-uploads',
    '      its text',
    expect.stringMatching(/^ {2}WIDER: it allows what the other does not \(\d+ ms\)$/),
    '    newly allowed: agent bot (user uid-0): GET https://wiki.example.com/',
    '        with a body of 1001 bytes',
  ])
  const back = await said(policy, 'diff', join(home, 'policy'), join(home, 'before'))
  expect(back.out[2]).toMatch(/^ {2}proven: it allows no more than the other/)
})

test('what the platform promises is proven, where policies do not keep it by its invariants', async () => {
  write('policy/own.cedar', '@id("all") permit (principal, action, resource);')
  const { code, out } = await said(policy, 'prove', '--timeout', '60')
  const proofs = out.slice(1)
  expect([code, proofs.filter((line) => !line.startsWith('  proven'))]).toEqual([0, []])
  expect(proofs.find((line) => line.includes('irreversible'))).toContain('(by invariants')
})

test('a change that widens is not proven, and a request shows it', async () => {
  write('before/agents/bot.yaml', AGENT.replace('POST', 'PUT'))
  const { code, out } = await said(policy, 'prove', '--against', join(home, 'before'), '--json')
  const { change } = JSON.parse(out[0] ?? '')
  expect([code, change.change, change.counterexample.text]).toEqual([
    1,
    'wider',
    'agent bot (user uid-0): POST https://api.example.com/',
  ])
})

test('two operators sign a bundle, and a change takes their signatures away', async () => {
  const keys = ['ann', 'ben'].map((name) => {
    const file = join(home, `${name}.key`)
    return { name, file, ...writeNewKey(file) }
  })
  const people = keys.map(
    ({ name, publicKey }) => `{ name: ${name}, key: "${writeKey(publicKey)}" }`,
  )
  write('policy/operators.yaml', `version: 1\noperators: [${people.join(', ')}]\n`)
  const signAs = (name: string): ReturnType<typeof said> =>
    said(policy, 'sign', '--key', join(home, `${name}.key`))
  await signAs('ann')
  const { out } = await signAs('ben')
  expect(out[0]).toMatch(/: sha256:[0-9a-f]{64} is signed by ann, ben$/)
  const operators = keys.map(({ name, publicKey }) => ({ name, key: publicKey }))
  const signers = (): string[] => {
    const text = readFileSync(join(home, 'policy/signatures.yaml'), 'utf8')
    const digest = /sha256:[0-9a-f]{64}/.exec(out[0] ?? '')?.[0] ?? ''
    return signersOf(digest, parseSignatures(text, 'x'), operators).map(({ name }) => name)
  }
  expect(signers()).toEqual(['ann', 'ben'])
  write('policy/agents/bot.yaml', AGENT.replace('POST', 'PUT'))
  expect((await signAs('ben')).out[0]).toMatch(/ is signed by ben$/)
  const stranger = join(home, 'eve.key')
  writeNewKey(stranger)
  await expect(said(policy, 'sign', '--key', stranger)).rejects.toMatchObject({
    code: 'USAGE',
    hint: 'the operators are ann, ben; name your key with --key FILE',
  })
})

const SESSION = 's-00000000000000000000'

async function writeLog(): Promise<void> {
  const key = generateKeyPairSync('ed25519').privateKey
  const log = await openLog({
    dir: join(home, 'state/keyholder/log'),
    signer: noteSigner('sekisho/log/test', key),
    now: () => new Date('2026-11-22T08:00:00.000Z'),
  })
  const digest = `sha256:${'0'.repeat(64)}` as const
  await log.append({
    type: 'session.start',
    session: SESSION,
    agent: 'bot',
    configuration: digest,
    argv: ['true'],
    argvOmitted: 0,
    argvDigest: null,
    workspace: null,
    snapshot: null,
    runtime: 'crun',
    isolation: 'standard',
    rootfs: { kind: 'host' },
    initiator: { uid: 1000, pid: 1 },
    limits: {
      memoryBytes: 2 ** 30,
      pids: 1,
      cpuMillis: 1000,
      openFiles: 16,
      wallClockMs: 1,
      tmpBytes: 4096,
      tmpInodes: 16,
      diskBytes: 2 ** 20,
      diskInodes: 16,
      egressBytes: 1,
      egressRequests: 1,
    },
    attestation: [],
    degraded: [],
  })
  await log.append({
    type: 'action.intent',
    session: SESSION,
    id: 'b-1',
    action: {
      kind: 'http.request',
      scheme: 'https',
      method: 'PUT',
      host: 'wiki.example.com',
      port: 443,
      path: '/a',
      query: null,
    },
    verdict: { kind: 'deny', rules: ['default'], reason: 'no rule allows PUT there' },
    credentials: [],
    repeated: 0,
    generation: 1,
    facts: {
      user: 'uid-1000',
      label: { integrity: 'user', confidentiality: 'public' },
      effect: 'external',
      reversibility: 'externally_reversible',
    },
  })
  await log.close()
}

test('a leaf is explained by its index and by the id of its action', async () => {
  await writeLog()
  const expected = [
    'deny PUT https://wiki.example.com/a',
    `  leaf        1 of ${SESSION}, agent bot, 2026-11-22T08:00:00.000Z`,
    '  rules       default',
    '  reason      no rule allows PUT there',
    '  facts       user uid-1000, integrity user, confidentiality public, effect external, reversibility externally_reversible, consequence low',
    '  allowed if  the agent file had this rule:',
    '              - id: …',
    '                effect: allow',
    '                host: wiki.example.com',
    '                methods: [PUT]',
    '                paths: ["/a"]',
  ]
  for (const leaf of ['1', 'b-1']) {
    // the ellipsis is not ASCII
    const { out } = await said(policy, 'explain', leaf)
    expect(out.map((line) => line.replace('\\u{2026}', '…'))).toEqual(expected)
  }
  await expect(said(policy, 'explain', 'b-2')).rejects.toMatchObject({ code: 'USAGE' })
})

test('a candidate is asked about what is in the log', async () => {
  await writeLog()
  expect((await said(policy, 'replay')).out).toEqual([
    `${home}/policy: 1 actions decided again, 0 otherwise than they were`,
  ])
  write('candidate/agents/bot.yaml', AGENT.replace('host: wiki.example.com', '$&, methods: [PUT]'))
  const { code, out } = await said(policy, 'replay', join(home, 'candidate'))
  expect([code, out]).toEqual([
    1,
    [
      `${home}/candidate: 1 actions decided again, 1 otherwise than they were`,
      expect.stringMatching(
        /^ {2} {5}1 bot PUT https:\/\/wiki\.example\.com\/a: deny .* allow by read$/,
      ),
    ],
  ])
})
