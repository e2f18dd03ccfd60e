import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../keyholder/log/open-log.ts'
import { log } from './log.ts'
import { said } from './testing/said.ts'

const SESSION = 's-00000000000000000000'
const HOLD = 'h-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let home = ''
let minute = 0
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-query-'))
  const now = (): Date => new Date(Date.UTC(2026, 0, 2, 3, minute))
  const written = await openLog({ dir: join(home, 'state/keyholder/log'), signer, now })
  for (const leaf of leaves()) {
    await written.append(leaf)
    minute += 1
  }
  await written.close()
})
afterAll(() => rmSync(home, { recursive: true }))
beforeEach(() => void vi.stubEnv('SEKISHO_HOME', home))
afterEach(() => void vi.unstubAllEnvs())

function leaves(): object[] {
  const action = { kind: 'http.request', method: 'POST', scheme: 'https', host: 'mail.example.com' }
  const post = { ...action, port: 443, path: '/send\u202e', query: null }
  const facts = { user: 'alice' }
  const denied = { kind: 'deny', rules: ['egress.default'], reason: 'no rule allows it' }
  return [
    { type: 'platform.start', version: '1', degraded: [] },
    {
      type: 'session.start',
      session: SESSION,
      agent: 'ci-bot',
      argv: ['make'],
      initiator: { uid: 1000, pid: 7 },
    },
    {
      type: 'action.intent',
      session: SESSION,
      id: 'x-1',
      action: post,
      verdict: denied,
      credentials: [],
      facts,
    },
    {
      type: 'action.held',
      session: SESSION,
      id: HOLD,
      action: post,
      rules: ['mail.send'],
      needs: ['operator'],
      reason: 'asks',
    },
    {
      type: 'approval.answer',
      session: SESSION,
      signed: {
        statement: { hold: HOLD, answer: 'approve', kind: 'operator', note: '', key: 'k' },
      },
      signer: 'dana',
      result: 'approved',
      why: null,
    },
    {
      type: 'action.intent',
      session: SESSION,
      id: 'x-2',
      action: post,
      verdict: { kind: 'allow', rules: ['mail.send'] },
      credentials: ['smtp'],
      facts,
      hold: { id: HOLD },
    },
    {
      type: 'action.outcome',
      session: SESSION,
      id: 'x-2',
      outcome: {
        kind: 'performed',
        status: 202,
        bytesOut: 9,
        bytesIn: 1,
        address: '192.0.2.1',
        scrubbed: 0,
      },
    },
    { type: 'session.end', session: SESSION, exitCode: 0, reason: 'exited', counters: {} },
    {
      type: 'policy.generation',
      generation: 2,
      digest: 'sha256:aa',
      change: 'wider',
      detail: 'one rule',
      signers: [{ name: 'erin', key: 'k' }],
    },
    {
      type: 'log.read',
      reader: { uid: 0, pid: 9 },
      what: 'query',
      query: '--host mail.example.com',
    },
  ]
}

async function indexes(...argv: readonly string[]): Promise<unknown[]> {
  const { out } = await said(log, 'query', '--json', ...argv)
  return out.map((line) => JSON.parse(line).index)
}

test.for([
  ['all of it', [], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ['who approved what', ['--approver', 'dana'], [4, 5, 6]],
  ['who changed the policy', ['--type', 'policy.*', '--approver', '*'], [8]],
  ['who read the log', ['--type', 'log.read', '--user', '0'], [9]],
  ['who began sessions', ['--type', 'session.start', '--user', 'alice'], [1]],
  ['what left to a host', ['--host', 'mail.example.com', '--type', 'action.outcome'], [6]],
  ['what one rule denied', ['--rule', 'egress.default', '--verdict', 'deny'], [2]],
  ['either of two verdicts', ['--verdict', 'deny', '--verdict', 'hold'], [2, 3]],
  ['what a credential was used for', ['--credential', 'smtp'], [5, 6]],
  ['hosts below a name, in any spelling', ['--host', '*.EXAMPLE.com.', '--verdict', 'deny'], [2]],
  ['words, the last one begun', ['send', 'http*', '--agent', 'ci-*'], [2, 3, 5]],
  [
    'a stretch of time',
    ['--since', '2026-01-02T03:02:00Z', '--until', '2026-01-02T03:04Z'],
    [2, 3],
  ],
  ['the last two', ['--reverse', '--limit', '2'], [9, 8]],
  ['the first one of a session', ['--session', SESSION, '--limit=1'], [1]],
  ['nothing since long after', ['--since', '-2h', '--until', 'now'], []],
] as const)('%s is answered by one query', async ([, argv, expected]) => {
  expect(await indexes(...argv)).toEqual(expected)
})

test('a count is the number of lines', async () => {
  expect((await said(log, 'query', '--count', '--verdict', 'deny')).out).toEqual(['1'])
  expect((await said(log, 'query', '--count', '--json')).out).toEqual(['{"count":10}'])
})

test('a reading without a platform says that it is not on record', async () => {
  const { err } = await said(log, 'query')
  expect(err).toEqual([
    `no platform runs at ${join(home, 'run/api.sock')}: this reading of the log is not on record`,
  ])
})

test('what an agent wrote does not reach the terminal as it is', async () => {
  const { out } = await said(log, 'query', '--type', 'action.held')
  expect(out).toEqual([expect.stringContaining('/send\\u202e')])
})

test('a copied log is asked in its place, and nothing is written beside it', async () => {
  const copy = join(home, 'state/keyholder/log')
  vi.stubEnv('SEKISHO_HOME', join(home, 'elsewhere'))
  const { out, err } = await said(log, 'query', '--log', copy, '--count')
  expect({ out, err }).toEqual({ out: ['10'], err: [] })
})

test('a name that the log does not know is told, with the nearest', async () => {
  expect((await said(log, 'query', '--agent', 'ci-bto', '--rule', 'nothing')).err.slice(1)).toEqual(
    ['this log knows no agent ci-bto: did you mean `ci-bot`?', 'this log knows no rule nothing'],
  )
})

test.for([
  ['a flag', ['--agnet', 'x'], 'did you mean `--agent`?'],
  ['a verdict', ['--verdict', 'alow'], 'did you mean `allow`?'],
  ['a type', ['--type', 'action.outcom'], 'did you mean `action.outcome`?'],
  [
    'a type of nothing known',
    ['--type', 'zzzzzzzzzzzz'],
    expect.stringContaining('one of: action'),
  ],
  ['a time', ['--since', 'yesterday'], expect.stringContaining('-2h')],
  ['a stretch of time', ['--since', 'now', '--until', '-2h'], expect.stringContaining('-2h')],
  ['a count', ['--limit', '0'], 'give a whole number from 1 on'],
  ['a word', ['***'], expect.stringContaining('letters and digits')],
] as const)('%s that is wrong is a mistake of usage', async ([, argv, hint]) => {
  await expect(said(log, 'query', ...argv)).rejects.toMatchObject({ code: 'USAGE', hint })
})
