import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { noteCosigner } from './note-signer.ts'
import { readLeaves } from './read-leaves.ts'
import { end, intent, LogBuilder, outcome, start } from './testing/build-log.ts'
import { verifyLog } from './verify-directory.ts'

const LATER = noteCosigner('sekisho/log/test', generateKeyPairSync('ml-dsa-44').privateKey)
const WITNESS = noteCosigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

test('a checkpoint may add an ML-DSA-44 signature to the head that is there, anywhere', async () => {
  const log = new LogBuilder().segment().cosigned(LATER, 1)
  log.batch(start, intent('a')).cosigned(LATER, 2).cosigned(LATER, 3)
  log.segment().cosigned(LATER, 4).batch(outcome('a')).leaf(end).cosigned(LATER, 5)
  expect(await verify(log)).toMatchObject({
    kind: 'sound',
    size: 4,
    checkpoint: log.note,
    unsealedBytes: 0,
  })
})

test('its leaves are read once each', async () => {
  const log = new LogBuilder().segment().batch(start).cosigned(LATER, 2)
  log.segment().cosigned(LATER, 3).batch(intent('a'))
  const types = await log.inDirectory(async (dir) => {
    const found: unknown[] = []
    for await (const { index, leaf } of readLeaves(dir)) found.push([index, leaf['type']])
    return found
  })
  expect(types).toEqual([
    [0, 'session.start'],
    [1, 'action.intent'],
  ])
})

test('a checkpoint that seals nothing and adds nothing is a fault', async () => {
  const log = new LogBuilder().segment().batch(start)
  expect(await verify(log.line(JSON.stringify(log.note)))).toMatchObject(NOTHING)
})

test('nor may it add the signature of a witness only', async () => {
  const log = new LogBuilder().segment().batch(start).cosigned(WITNESS, 2)
  expect(await verify(log)).toMatchObject(NOTHING)
})

test('nor may it add the ML-DSA-44 signature of a witness only', async () => {
  const other = noteCosigner('witness.example/w', generateKeyPairSync('ml-dsa-44').privateKey)
  const log = new LogBuilder().segment().batch(start).cosigned(other, 2)
  expect(await verify(log)).toMatchObject(NOTHING)
})

test('an added signature that a failed flush may have lost is repeated in the next segment', async () => {
  const log = new LogBuilder().segment().batch(start)
  const durable = log.saved()
  log.cosigned(LATER, 2)
  const lost = JSON.stringify(log.note)
  log.segment(durable).line(lost).batch(end)
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 2 })
})

test('a segment goes on from the very checkpoint that its header names', async () => {
  const log = new LogBuilder().segment().batch(start).cosigned(LATER, 2)
  const between = log.saved()
  log.leaf(intent('torn'))
  expect(await verify(log.segment(between).batch(end))).toMatchObject({ kind: 'sound', size: 2 })
})

const NOTHING = { kind: 'broken', index: 1, line: 4, reason: 'a checkpoint that seals nothing' }

function verify(log: LogBuilder): ReturnType<typeof verifyLog> {
  return log.inDirectory((dir) => verifyLog(dir, log.signer.vkey))
}
