import { generateKeyPairSync } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner, readLeaves, segmentName, verifyLog } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLog } from './open-log.ts'

const SESSION = 's-00000000000000000000'
const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const intent = (id: string): object => ({
  type: 'action.intent',
  session: SESSION,
  id,
  verdict: { kind: 'allow', rules: [] },
})

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sekisho-log-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('each intent without an outcome becomes a gap leaf at the next start', async () => {
  await write(intent('a'), intent('b'), { type: 'action.outcome', session: SESSION, id: 'a' })
  await write()
  expect(await found('gap')).toEqual([
    expect.objectContaining({
      session: SESSION,
      id: 'b',
      reason: 'its outcome could not be recorded',
    }),
  ])
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', size: 4, open: [] })
})

test('a session that was open stays so: it can be ended by whoever resumes it', async () => {
  const start = { type: 'session.start', session: SESSION }
  await write(start, intent('a'))
  await write()
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ open: [], openSessions: [SESSION] })
  await expect(write(start)).rejects.toMatchObject({ code: 'PROTOCOL_VIOLATION' })
  await write({ type: 'session.end', session: SESSION })
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({
    kind: 'sound',
    gaps: 1,
    open: [],
    openSessions: [],
  })
})

test('the newest batch is written again at a start: a kill may have left it in memory only', async () => {
  await write({ type: 'test', n: 1 })
  await write({ type: 'test', n: 2 })
  const [first, second] = [1, 2].map((n) =>
    readFileSync(join(dir, segmentName(n)), 'utf8').split('\n'),
  )
  expect(second?.slice(1, 3)).toEqual(first?.slice(1, 3))
  expect(await verifyLog(dir, signer.vkey)).toMatchObject({ kind: 'sound', size: 2, segments: 2 })
})

test('torn at any byte of the newest batch, the log goes on with all that was acknowledged', async () => {
  await write({ type: 'test', n: 0 }, intent('a'))
  await write({ type: 'test', n: 1 })
  const path = join(dir, segmentName(2))
  const whole = readFileSync(path)
  for (let length = whole.length; length >= 0; length -= 41) {
    for (const number of segmentNumbers()) if (number > 2) rmSync(join(dir, segmentName(number)))
    writeFileSync(path, whole)
    truncateSync(path, length)
    const before = await verifyLog(dir, signer.vkey)
    if (before.kind !== 'sound') throw new Error(`torn at ${length}: ${before.reason}`)
    await write({ type: 'test', n: 2 })
    const after = await verifyLog(dir, signer.vkey, {
      previousCheckpoint: before.checkpoint ?? undefined,
    })
    expect(after).toMatchObject({ kind: 'sound', open: [], gaps: 1 })
    expect(readFileSync(path).length).toBe(length)
  }
})

test.for([
  ['an edited leaf', (text: string) => text.replace('"n":1', '"n":7'), 'the root does not fit'],
  ['another line', (text: string) => `${text}hello\n`, 'neither a leaf nor a checkpoint'],
  [
    'an edited header',
    (text: string) => text.replace('"size":1', '"size":2'),
    'a header that contradicts itself',
  ],
  [
    'an edited signature',
    (text: string) => text.replace(/....\\n"\n$/, 'AAA=\\n"\n'),
    'a signature that does not fit',
  ],
] as const)('a log with %s is not continued', async ([, spoil, reason]) => {
  await write({ type: 'test', n: -1 }, { type: 'test', n: 0 })
  await write({ type: 'test', n: 1 })
  const path = join(dir, segmentName(2))
  const text = readFileSync(path, 'utf8')
  expect(spoil(text)).not.toBe(text)
  writeFileSync(path, spoil(text))
  await expect(write()).rejects.toMatchObject({
    code: 'LOG_BROKEN',
    message: expect.stringContaining(reason),
    hint: expect.stringContaining('sekisho log verify'),
  })
  expect(segmentNumbers()).toEqual([1, 2])
})

test('a log of another key is not continued', async () => {
  await write({ type: 'test', n: 0 })
  const other = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
  await expect(openLog({ dir, signer: other, now: () => new Date() })).rejects.toMatchObject({
    code: 'LOG_BROKEN',
  })
})

async function write(...leaves: readonly object[]): Promise<void> {
  const log = await openLog({ dir, signer, now: () => new Date() })
  try {
    for (const leaf of leaves) await log.append(leaf)
  } finally {
    await log.close()
  }
}

async function found(type: string): Promise<Record<string, unknown>[]> {
  const leaves: Record<string, unknown>[] = []
  for await (const { leaf } of readLeaves(dir, { types: [type] })) leaves.push(leaf)
  return leaves
}

function segmentNumbers(): number[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.log'))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b)
}
