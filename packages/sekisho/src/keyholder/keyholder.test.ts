import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LeafInput } from '../wire/leaves.ts'
import type { Keyholder } from './keyholder.ts'
import { Keys } from './keys.ts'
import { type FailingFiles, failingFiles } from './testing/failing-files.ts'
import { openKeyholder } from './testing/open-keyholder.ts'
import {
  endLeaf,
  type Intent,
  intent,
  OTHER,
  outcome,
  SESSION,
  startLeaf,
} from './testing/leaves.ts'

const keys = new Keys(Buffer.alloc(32, 7))
const binding = { name: 'GH', hosts: ['api.github.com'], port: 443, header: 'authorization' }
const secrets = [{ binding, value: 'ghp_0123456789abcdefghijABCDEFGHIJ' }]
const spki = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .publicKey.export({ format: 'der', type: 'spki' })
  .toString('base64')

let dir = ''
let keyholder: Keyholder
let files: FailingFiles
beforeEach(async () => {
  files = failingFiles()
  dir = mkdtempSync(join(tmpdir(), 'sekisho-keyholder-'))
  keyholder = await start()
})
afterEach(async () => {
  await keyholder.shut()
  expect(await verifyLog(join(dir, 'log'), keys.logSigner().vkey)).toMatchObject({ kind: 'sound' })
  rmSync(dir, { recursive: true })
})

test('a session opens with its authority, its placeholders and its start leaf', async () => {
  const opened = await keyholder.open(SESSION, {
    secrets,
    leaf: startLeaf(SESSION),
    printKey: Buffer.alloc(32).toString('base64'),
    gate: 0,
  })
  expect(opened).toEqual({
    index: 0,
    prints: [expect.objectContaining({ class: 'platform-secret', name: 'GH' })],
    caPem: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
    placeholders: { GH: expect.stringMatching(/^ghp_\d{10}[a-z]{10}[A-Z]{10}$/) },
  })
  expect(opened.placeholders['GH']).not.toBe(secrets[0]?.value)
  expect(keyholder.sessions.size).toBe(1)
})

test('a session’s secret is taken out of its own leaves, and of what an operator asks the log for', async () => {
  const value = secrets[0]?.value ?? ''
  const stars = '*'.repeat(value.length)
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  const verdict = { kind: 'deny' as const, rules: [], reason: `asked for /${value}` }
  await keyholder.recordIntent({ ...intent('a'), verdict }, [])
  const reader = { uid: 0, pid: 1 }
  await keyholder.recordFact({
    type: 'log.read',
    reader,
    what: 'query',
    query: `who said ${value}`,
  })
  const texts: unknown[] = []
  for await (const { leaf } of readLeaves(join(dir, 'log'))) {
    texts.push(leaf['query'] ?? Object(leaf['verdict']).reason)
  }
  expect(texts).toEqual([undefined, `asked for /${stars}`, `who said ${stars}`])
})

test('an allowed intent is durable before its credential is released', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  const { index, credentials } = await keyholder.recordIntent(intent('a', ['GH']), ['GH'])
  expect(index).toBe(1)
  expect(keyholder.log.size).toBe(2)
  expect(credentials.get('GH')?.reveal()).toBe(secrets[0]?.value)
})

test('nothing is released when the log cannot be written', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  files.fail = 'before'
  const refused = keyholder.recordIntent(intent('a', ['GH']), ['GH'])
  await expect(refused).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  files.fail = undefined
  expect((await keyholder.recordIntent(intent('a', ['GH']), ['GH'])).index).toBe(1)
})

test.for(['deny', 'hold'] as const)(
  'an intent with the verdict %s releases nothing',
  async (kind) => {
    await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
    const leaf: Intent = { ...intent('a', ['GH']), verdict: { kind, rules: ['r'], reason: 'no' } }
    expect(await keyholder.recordIntent(leaf, ['GH'])).toEqual({ index: 1, credentials: new Map() })
    await expect(keyholder.recordOutcome(outcome('a'))).rejects.toMatchObject({
      code: 'PROTOCOL_VIOLATION',
    })
  },
)

test('a credential asked for where it is not bound is refused, and the attempt recorded', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  const leaf = intent('a', ['GH'], 'evil.test')
  await expect(keyholder.recordIntent(leaf, ['GH'])).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
  expect((await leaves())[1]).toMatchObject({
    type: 'action.intent',
    id: 'a',
    action: { kind: 'secret.use', secret: 'GH', host: 'evil.test', where: 'release' },
    verdict: { kind: 'deny', rules: ['keyholder.binding'] },
    credentials: [],
  })
})

test.for([
  ['more than the leaf names', [], ['GH']],
  ['less than the leaf names', ['GH'], []],
  ['one twice', ['GH', 'GH'], ['GH', 'GH']],
] as const)('credentials asked for that are %s are refused', async ([, named, asked]) => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  const refused = keyholder.recordIntent(intent('a', named), asked)
  await expect(refused).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  expect(keyholder.log.size).toBe(1)
})

test('an intent id is open once; an outcome names an open intent', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.open(OTHER, { secrets: [], leaf: startLeaf(OTHER), printKey: null, gate: 0 })
  await keyholder.recordIntent(intent('a'), [])
  await expect(keyholder.recordIntent(intent('a'), [])).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
  const elsewhere = keyholder.recordOutcome({ ...outcome('a'), session: OTHER })
  await expect(elsewhere).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  await keyholder.recordOutcome(outcome('a'))
  await expect(keyholder.recordOutcome(outcome('a'))).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
  await keyholder.recordIntent(intent('a'), [])
})

test('an outcome that could not be written can be tried again', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.recordIntent(intent('a'), [])
  files.fail = 'before'
  await expect(keyholder.recordOutcome(outcome('a'))).rejects.toMatchObject({
    code: 'LOG_UNWRITABLE',
  })
  files.fail = undefined
  expect(await keyholder.recordOutcome(outcome('a'))).toBe(2)
})

test('a session that is not open here can do nothing', async () => {
  const unknown = { code: 'SESSION_UNKNOWN', hint: expect.stringContaining('sekisho ps') }
  const of = { kind: 'session', session: SESSION } as const
  expect(() =>
    keyholder.revoke(SESSION, { of, reason: 'operator', detail: 'x', by: 1000 }),
  ).toThrow(expect.objectContaining(unknown))
  await expect(keyholder.recordIntent(intent('a'), [])).rejects.toMatchObject(unknown)
  expect(() => keyholder.recordOutcome(outcome('a'))).toThrow(expect.objectContaining(unknown))
  expect(() => keyholder.certify(SESSION, 'a.test', spki)).toThrow(expect.objectContaining(unknown))
  await expect(keyholder.close(SESSION, endLeaf)).rejects.toMatchObject(unknown)
  expect(keyholder.log.size).toBe(0)
})

test('the end leaf carries what the keyholder counted, after a gap for what is still open', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.recordIntent(intent('a', ['GH']), ['GH'])
  await keyholder.recordOutcome(outcome('a'))
  await keyholder.recordIntent(intent('b'), [])
  keyholder.certify(SESSION, 'api.github.com', spki)
  expect(await keyholder.close(SESSION, endLeaf)).toBe(5)
  expect((await leaves()).slice(4)).toMatchObject([
    { type: 'gap', session: SESSION, id: 'b' },
    {
      type: 'session.end',
      counters: {
        connections: 3,
        'keyholder.leaves.session.start': 1,
        'keyholder.leaves.action.intent': 2,
        'keyholder.leaves.action.outcome': 1,
        'keyholder.leaves.gap': 1,
        'keyholder.certificates': 1,
        'keyholder.credentials': 1,
      },
    },
  ])
  expect(keyholder.sessions.size).toBe(0)
})

test('a credential of an action that its session’s end overtook is not released', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  const released = keyholder.recordIntent(intent('a', ['GH']), ['GH'])
  const closed = keyholder.close(SESSION, endLeaf)
  await expect(released).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' })
  expect(await closed).toBe(3)
})

test('a session whose start cannot be written is not open', async () => {
  files.fail = 'before'
  await expect(
    keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 }),
  ).rejects.toMatchObject({
    code: 'LOG_UNWRITABLE',
  })
  expect(keyholder.sessions.size).toBe(0)
  files.fail = undefined
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await expect(
    keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 }),
  ).rejects.toMatchObject({
    code: 'IDENTITY_CONFLICT',
  })
})

test.for([
  ['a start leaf of another session', startLeaf(OTHER)],
  [
    'an end leaf',
    { type: 'session.end', session: SESSION, exitCode: 0, reason: 'exit', counters: {} },
  ],
] as const)('a session does not open with %s', async ([, leaf]) => {
  await expect(
    keyholder.open(SESSION, {
      secrets: [],
      leaf: { ...leaf } as LeafInput,
      printKey: null,
      gate: 0,
    }),
  ).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
})

function start(): Promise<Keyholder> {
  return openKeyholder({ stateDir: dir, keys, files })
}

async function leaves(): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const { leaf } of readLeaves(join(dir, 'log'))) found.push(leaf)
  return found
}
