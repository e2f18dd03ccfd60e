import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { openLog } from '../keyholder/log/open-log.ts'
import { policy } from './policy.ts'
import { said } from './testing/said.ts'

const SESSION = 's-00000000000000000000'
const AGENT = `version: 1
name: docs-bot
presets: [git-forges] # to read
`
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-policy-'))
  vi.stubEnv('SEKISHO_HOME', home)
  mkdirSync(join(home, 'policy/agents'), { recursive: true })
  writeFileSync(join(home, 'policy/agents/docs-bot.yaml'), AGENT)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(home, { recursive: true })
})

async function writeLog(...paths: string[]): Promise<void> {
  const now = (): Date => new Date('2026-11-22T08:00:00.000Z')
  const log = await openLog({ dir: join(home, 'state/keyholder/log'), signer, now })
  await log.append({ type: 'session.start', session: SESSION, agent: 'docs-bot', argv: ['true'] })
  for (const path of paths) {
    await log.append({
      type: 'action.intent',
      session: SESSION,
      id: `a${path}`,
      action: {
        kind: 'http.request',
        scheme: 'https',
        method: 'GET',
        host: 'a.example',
        port: 443,
        path,
        query: null,
      },
      verdict: { kind: 'deny', rules: ['default'], reason: 'no rule names a.example' },
      credentials: [],
      repeated: 0,
    })
  }
  await log.close()
}

test('a session without denials has nothing to propose', async () => {
  await writeLog()
  const { code, out } = await said(policy, 'propose', SESSION)
  expect({ code, out }).toEqual({
    code: 0,
    out: [`# 0 rules proposed for agent docs-bot from session ${SESSION}.`],
  })
})

test('what was denied becomes a patch, and the bundle stays as it is', async () => {
  await writeLog('/x', '/y')
  const file = join(home, 'rules.patch')
  const { code, out } = await said(policy, 'propose', SESSION, '--out', file)
  expect([code, out[0]]).toEqual([
    0,
    expect.stringContaining(`# 1 rule proposed for agent docs-bot from session ${SESSION}, until `),
  ])
  const patch = readFileSync(file, 'utf8')
  expect(patch).toContain('--- a/agents/docs-bot.yaml\n+++ b/agents/docs-bot.yaml\n')
  expect(patch).toContain(
    '+    host: "a.example"\n+    methods: [GET]\n+    paths:\n+      - "/x"\n+      - "/y"\n',
  )
  expect(readFileSync(join(home, 'policy/agents/docs-bot.yaml'), 'utf8')).toBe(AGENT)
})

test('--json gives the rules, what they cost and the patch', async () => {
  await writeLog('/x')
  const { out } = await said(policy, 'propose', SESSION, '--json')
  expect(JSON.parse(out[0] ?? '')).toMatchObject({
    agent: 'docs-bot',
    path: 'agents/docs-bot.yaml',
    rules: [{ host: 'a.example', paths: ['/x'], attempts: 1, risks: [] }],
    notProposed: [],
    leftOut: 0,
    patch: { kind: 'patch' },
  })
})

test.for(['s-11111111111111111111', '../../etc', '--x'])(
  'there is no session %s',
  async (session) => {
    await writeLog()
    await expect(said(policy, 'propose', '--', session)).rejects.toMatchObject({
      code: 'SESSION_UNKNOWN',
    })
  },
)

test('the fence of one agent goes to a file', async () => {
  const file = join(home, 'egress.yaml')
  const { code } = await said(
    policy,
    'export',
    '--to',
    'cilium',
    '--agent',
    'docs-bot',
    '--out',
    file,
  )
  expect([code, parse(readFileSync(file, 'utf8')).metadata]).toEqual([
    0,
    { name: 'sekisho-egress-docs-bot' },
  ])
})

test.for([
  [['export'], 'USAGE', '--to is missing; there are k8s-networkpolicy, cilium, gcp-ngfw-terraform'],
  [
    ['export', '--to', 'iptables'],
    'USAGE',
    'no fence `iptables`; there are k8s-networkpolicy, cilium, gcp-ngfw-terraform',
  ],
  [
    ['export', '--to', 'cilium', '--agent', 'nobody'],
    'AGENT_UNKNOWN',
    'no agent `nobody`; there are docs-bot',
  ],
  [['export', '--to', 'cilium', '--out', '/nowhere/x'], 'USAGE', '/nowhere/x cannot be written'],
  [['widen'], 'USAGE', 'policy widen'],
] as const)('policy %s is refused', async ([argv, code, message]) => {
  await expect(said(policy, ...argv)).rejects.toMatchObject({ code, message })
})

test('check says how much one URL of a template can carry', async () => {
  const file = join(home, 'policy/agents/docs-bot.yaml')
  writeFileSync(file, `${AGENT}provenance: { templates: ["https://a.example/{id:uuid}"] }\n`)
  const { out } = await said(policy, 'check')
  expect(out).toContain('  docs-bot: one URL of https://a.example/{id:uuid} can say 128 bits')
})
