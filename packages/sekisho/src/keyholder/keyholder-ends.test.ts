import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readLeaves, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Keyholder } from './keyholder.ts'
import { Keys } from './keys.ts'
import { type FailingFiles, failingFiles } from './testing/failing-files.ts'
import { openKeyholder } from './testing/open-keyholder.ts'
import { endLeaf, intent, OTHER, SESSION, startLeaf } from './testing/leaves.ts'

const keys = new Keys(Buffer.alloc(32, 7))
const binding = { name: 'GH', hosts: ['api.github.com'], port: 443, header: 'authorization' }
const secrets = [{ binding, value: 'ghp_0123456789abcdefghijABCDEFGHIJ' }]
const platformStart = { type: 'platform.start' as const, version: '1', degraded: [] }

let dir = ''
let files: FailingFiles
let keyholder: Keyholder
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

test('resumed by another keyholder, it has the same authority key and the same placeholders', async () => {
  const opened = await keyholder.open(SESSION, {
    secrets,
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  await keyholder.shut()
  keyholder = await start()
  const resumed = await keyholder.open(SESSION, { secrets, leaf: null, printKey: null, gate: 0 })
  expect(resumed.index).toBeNull()
  expect(resumed.placeholders).toEqual(opened.placeholders)
  const [one, two] = [opened.caPem, resumed.caPem].map((pem) => new X509Certificate(pem))
  expect(two?.subject).toBe(one?.subject)
  expect(two?.publicKey.equals(one?.publicKey ?? generateKeyPairSync('ed25519').publicKey)).toBe(
    true,
  )
})

test('a session cut off with its supervisor gets a gap when the next one starts, before its leaf', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.open(OTHER, { secrets: [], leaf: startLeaf(OTHER), printKey: null, gate: 0 })
  await keyholder.recordIntent({ ...intent('a'), session: OTHER }, [])
  await keyholder.close(SESSION, endLeaf)
  await keyholder.shut()
  keyholder = await start()
  expect(await keyholder.recordPlatform(platformStart)).toBe(6)
  expect((await leaves()).slice(4)).toMatchObject([
    { type: 'gap', session: OTHER, id: 'a', reason: 'its outcome could not be recorded' },
    {
      type: 'gap',
      session: OTHER,
      id: 'session.end',
      reason: 'the platform was killed before its end was recorded',
    },
    { type: 'platform.start' },
  ])
  expect(await keyholder.recordPlatform(platformStart)).toBe(7)
})

test('a session that its supervisor resumes after the keyholder’s death gets its end and no gap', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.shut()
  keyholder = await start()
  await keyholder.open(SESSION, { secrets, leaf: null, printKey: null, gate: 0 })
  await keyholder.recordPlatform(platformStart)
  await keyholder.close(SESSION, endLeaf)
  expect(await types()).toEqual([
    'session.start',
    'identity.issued',
    'platform.start',
    'session.end',
  ])
})

test('when the gaps of a killed platform cannot be written, neither is the start of the next', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.shut()
  keyholder = await start()
  files.fail = 'before'
  await expect(keyholder.recordPlatform(platformStart)).rejects.toMatchObject({
    code: 'LOG_UNWRITABLE',
  })
  files.fail = undefined
  await keyholder.recordPlatform(platformStart)
  expect(await types()).toEqual(['session.start', 'gap', 'platform.start'])
})

test('a session that could not be closed takes nothing more, and can be closed later', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.recordIntent(intent('a'), [])
  files.fail = 'before'
  await expect(keyholder.close(SESSION, endLeaf)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  files.fail = undefined
  await expect(keyholder.recordIntent(intent('b'), [])).rejects.toMatchObject({
    code: 'SESSION_UNKNOWN',
  })
  expect(await keyholder.close(SESSION, endLeaf)).toBe(3)
})

test('an end that was turned away though the disk holds it is not written twice', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  files.fail = 'after'
  await expect(keyholder.close(SESSION, endLeaf)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  files.fail = undefined
  expect(await keyholder.close(SESSION, endLeaf)).toBeNull()
  expect(keyholder.sessions.size).toBe(0)
  await keyholder.open(OTHER, { secrets: [], leaf: startLeaf(OTHER), printKey: null, gate: 0 })
  expect(await types()).toEqual(['session.start', 'session.end', 'session.start'])
})

test('nor is the gap before an end', async () => {
  await keyholder.open(SESSION, { secrets, leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  await keyholder.recordIntent(intent('a'), [])
  files.fail = 'after'
  await expect(keyholder.close(SESSION, endLeaf)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  files.fail = undefined
  expect(await keyholder.close(SESSION, endLeaf)).toBe(3)
  expect(await types()).toEqual(['session.start', 'action.intent', 'gap', 'session.end'])
})

test('a session whose start was turned away though the disk holds it is closed by a gap', async () => {
  files.fail = 'after'
  const refused = keyholder.open(SESSION, {
    secrets: [],
    leaf: startLeaf(SESSION),
    printKey: null,
    gate: 0,
  })
  await expect(refused).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  files.fail = undefined
  await keyholder.open(SESSION, { secrets: [], leaf: startLeaf(SESSION), printKey: null, gate: 0 })
  expect(await types()).toEqual(['session.start', 'gap', 'session.start'])
  expect((await leaves())[1]).toMatchObject({
    session: SESSION,
    id: 'session.end',
    reason: 'its start could not be recorded',
  })
  expect(keyholder.log.openSessions).toEqual([SESSION])
})

function start(): Promise<Keyholder> {
  return openKeyholder({ stateDir: dir, keys, files })
}

async function leaves(): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = []
  for await (const { leaf } of readLeaves(join(dir, 'log'))) found.push(leaf)
  return found
}

async function types(): Promise<unknown[]> {
  return (await leaves()).map(({ type }) => type)
}
