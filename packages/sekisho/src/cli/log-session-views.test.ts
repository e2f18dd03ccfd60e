import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner } from '@sekisho/verify'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../keyholder/log/open-log.ts'
import { log } from './log.ts'
import { said } from './testing/said.ts'

const [A, B] = ['s-00000000000000000000', 's-11111111111111111111']
const GATE = '0123456789abcdef'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const action = {
  kind: 'http.request',
  method: 'GET',
  scheme: 'https',
  host: 'api.test',
  port: 443,
  path: '/\u202ex',
  query: null,
}
const allow = { kind: 'allow', rules: ['r'] }
const performed = { kind: 'performed', status: 200, bytesOut: 3, bytesIn: 4, scrubbed: 0 }

let home = ''
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-cli-views-'))
  let second = 0
  const now = (): Date => new Date(Date.UTC(2026, 0, 2, 3, 4, second))
  const written = await openLog({ dir: join(home, 'state/keyholder/log'), signer, now })
  const intent = (session: string, id: string): object => ({
    type: 'action.intent',
    session,
    id,
    action,
    verdict: allow,
    credentials: ['token'],
    repeated: 0,
  })
  for (const leaf of [
    { type: 'session.start', session: A, agent: 'a', argv: ['sh'], initiator: { uid: 0, pid: 1 } },
    { type: 'session.start', session: B, agent: 'b', argv: ['sh'], initiator: { uid: 0, pid: 1 } },
    {
      type: 'process.exec',
      session: A,
      id: 'x1',
      pid: 7,
      parent: 1,
      path: '/bin/sh',
      argv: [],
      verdict: allow,
    },
    intent(A, `${GATE}-0`),
    intent(B, `${GATE}-1`),
    { type: 'action.outcome', session: B, id: `${GATE}-1`, outcome: performed },
    {
      type: 'process.exec',
      session: B,
      id: 'x1',
      pid: 8,
      parent: 1,
      path: '/bin/sh',
      argv: [],
      verdict: allow,
    },
    { type: 'action.outcome', session: A, id: `${GATE}-0`, outcome: performed },
    {
      type: 'process.exec',
      session: A,
      id: 'x3',
      pid: 9,
      parent: 7,
      path: '/bin/ls',
      argv: [],
      verdict: allow,
    },
    intent(A, `${GATE}-3`),
    {
      type: 'identity.issued',
      of: { kind: 'session', session: A },
      id: 'spiffe://x/y',
      key: 'k',
      reason: 'schedule',
      endorsed: null,
    },
    { type: 'session.end', session: B, exitCode: 0, reason: 'exit', counters: {} },
  ]) {
    await written.append(leaf)
    second += 1
  }
  await written.close()
  writeFileSync(join(home, 'state/log.vkey'), `${signer.vkey}\n`)
})
afterAll(() => rmSync(home, { recursive: true }))
beforeEach(() => void vi.stubEnv('SEKISHO_HOME', home))
afterEach(() => void vi.unstubAllEnvs())

test('a timeline ends with totals of every leaf of the session', async () => {
  const { out } = await said(log, 'timeline', A)
  expect(out.slice(-3)).toEqual([
    '7 leaves: 1 session.start, 2 process.exec, 2 action.intent, 1 action.outcome, 1 identity.issued',
    'actions: 2 allow; 3 bytes out, 4 bytes in',
    'credentials: 2 token',
  ])
  const { out: counted } = await said(log, 'query', '--session', A, '--count')
  expect(counted).toEqual(['7'])
  expect(out.join('\n')).toContain('https://api.test/\\u202ex')
})

test('a timeline for a program has one object for each thing that happened', async () => {
  const { out } = await said(log, 'timeline', B, '--json')
  const rows = out.map((line) => JSON.parse(line))
  expect(rows.map(({ index }) => index)).toEqual([1, 4, 6, 11, undefined])
  expect(rows[1]).toMatchObject({
    leaf: { action, credentials: ['token'], verdict: allow },
    outcome: { index: 5, afterMs: 1000, leaf: { outcome: performed } },
  })
  expect(rows[4].totals).toMatchObject({ leaves: 5, verdicts: { allow: 1 }, bytesOut: 3 })
})

test('a sequence tells what is missing, and asks the other sessions first', async () => {
  const { code, out } = await said(log, 'sequence', A)
  expect({ code, found: out.slice(out.indexOf('') + 1) }).toEqual({
    code: 1,
    found: [
      'GAP       x2 has no leaf',
      `GAP       9: ${GATE}-3 has neither an outcome nor a gap yet`,
      `NOTE      gate ${GATE} gave out 1 numbers that are in no leaf: 2`,
    ],
  })
  expect((await said(log, 'sequence', B)).code).toBe(0)
})

test('the sequence of one action is that of the leaves that name it', async () => {
  const { code, out } = await said(log, 'sequence', `${GATE}-1`, '--json')
  expect(out.map((line) => JSON.parse(line).index)).toEqual([4, 5, undefined])
  expect(code).toBe(0)
  expect((await said(log, 'sequence', 'x1', '--session', B, '--json')).out).toHaveLength(2)
})

test('a replay that goes to no terminal is pictures without a pause', async () => {
  const { out } = await said(log, 'replay', B, '--speed', '1')
  expect(out.join('\n')).not.toMatch(/[^\n\P{Cc}]/u)
  expect(out.filter((line) => line.startsWith('-----'))).toHaveLength(5)
  const { out: then } = await said(log, 'replay', B, '--at', '+3s')
  expect(then[0]).toContain('2026-01-02T03:04:04.000Z, 3.000 s in')
})

test('an export is verified as what it is, private, and never over another file', async () => {
  const file = join(home, 'bundle')
  const { out } = await said(log, 'export', '--session', A, '--out', file, '--json')
  expect(JSON.parse(out[0] ?? '')).toEqual({ file, bytes: statSync(file).size })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect((await said(log, 'verify', file, '--key', signer.vkey)).code).toBe(0)
  await expect(said(log, 'export', '--out', file)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(said(log, 'export', '--session', 's-x', '--out', `${file}2`)).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
  expect(existsSync(`${file}2`) || existsSync(`${file}2.part`)).toBe(false)
})

test.for([
  [
    'a timeline of a session that is not there',
    'SESSION_UNKNOWN',
    ['timeline', 's-00000000000000000001'],
    `did you mean \`${A}\`?`,
  ],
  [
    'a timeline of every session',
    'SESSION_UNKNOWN',
    ['timeline', '*'],
    expect.stringContaining('session.start'),
  ],
  ['a timeline of nothing', 'USAGE', ['timeline'], expect.stringContaining('SESSION')],
  ['a replay at no time', 'USAGE', ['replay', A, '--at', 'noon'], expect.stringContaining('+12s')],
  [
    'a replay at two speeds',
    'USAGE',
    ['replay', A, '--step', '--speed', '2'],
    expect.stringContaining('--speed N'),
  ],
  [
    'a replay that stands still',
    'USAGE',
    ['replay', A, '--speed', '0'],
    expect.stringContaining('as fast'),
  ],
  [
    'a sequence of an id that is in two sessions',
    'USAGE',
    ['sequence', 'x1'],
    'say which one with --session',
  ],
  [
    'a sequence of an id that nobody has',
    'SESSION_UNKNOWN',
    ['sequence', 'x9'],
    expect.stringContaining('id of an action'),
  ],
  ['a sequence of no id', 'USAGE', ['sequence', '**'], expect.stringContaining('id of an action')],
  [
    'an export to nowhere',
    'CONFIG_INVALID',
    ['export', '--out', '/nowhere/at/all'],
    expect.stringContaining('directory'),
  ],
  ['an export without a file', 'USAGE', ['export'], expect.stringContaining('--out FILE')],
  [
    'a log that is not there',
    'CONFIG_INVALID',
    ['query', '--log', '/nowhere'],
    expect.stringContaining('SEKISHO_HOME'),
  ],
] as const)('%s is an error that says what to do', async ([, code, argv, hint]) => {
  await expect(said(log, ...argv)).rejects.toMatchObject({ code, hint })
})
