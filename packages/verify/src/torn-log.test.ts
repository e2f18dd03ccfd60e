import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { segmentName } from './segment.ts'
import { end, intent, LogBuilder, leafLine, outcome, sample, start } from './testing/build-log.ts'
import { verifyLog } from './verify-directory.ts'

test.for([
  ['leaves without a checkpoint', `${leafLine(end)}\n`],
  ['half a leaf', leafLine(end).slice(0, 20)],
  ['half a checkpoint', '"sekisho/log/te'],
  ['zeros, as a crash can leave them', '\0'.repeat(4096)],
] as const)('%s at the very end were never acknowledged', async ([, tail]) => {
  const log = sample()
  const report = await log.inDirectory((dir) => verifyLog(dir, log.signer.vkey), tail)
  expect(report).toMatchObject({ kind: 'sound', size: 9, checkpoint: log.note })
  expect(report.kind === 'sound' && report.unsealedBytes).toBeGreaterThan(0)
})

test('a torn end stays where it is; the next segment goes on before it', async () => {
  const log = new LogBuilder()
    .segment()
    .batch(start)
    .line(leafLine(end))
    .line(leafLine(end).slice(0, 9))
  log.segment().batch(intent('a')).batch(outcome('a'))
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 3 })
})

test('a segment torn inside its header held nothing', async () => {
  const log = new LogBuilder().segment().batch(start)
  const report = await log.inDirectory(async (dir) => {
    writeFileSync(join(dir, segmentName(2)), '#{"at"')
    return verifyLog(dir, log.signer.vkey)
  })
  expect(report).toMatchObject({ kind: 'sound', size: 1, segments: 2 })
})

test('a header alone, that skips back over signed batches, cuts nothing off', async () => {
  const log = sample()
  const [one = [], two = []] = log.segments
  two.splice(0, two.length, one[0]?.replace('"segment":1', '"segment":2') ?? '', leafLine(end))
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 6, segments: 2 })
})

test('a signed batch whose flush failed is repeated by the next segment', async () => {
  const log = new LogBuilder().segment().batch(start)
  const before = log.saved()
  log.batch(intent('a'))
  const repeated = log.segments[0]?.slice(-2) ?? []
  log.segment(before).leaf(intent('a')).checkpoint().batch(outcome('a'))
  expect(log.segments[1]?.slice(1, 3)).toEqual(repeated)
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 3, checkpoints: 3 })
})

test('a signed batch that the log does not go on with is a fork', async () => {
  const log = new LogBuilder().segment().batch(start)
  const before = log.saved()
  log.batch(intent('a'))
  log.segment(before).batch(intent('b', 'deny'))
  expect(await verify(log)).toEqual({
    kind: 'broken',
    index: 1,
    segment: 2,
    line: 3,
    reason: 'a checkpoint at the end of a segment has another root for 2 leaves',
  })
})

test('any one byte changed anywhere is found with the last checkpoint in hand', async () => {
  const log = sample()
  const files = log.segments.map((lines) => Buffer.from(lines.map((line) => `${line}\n`).join('')))
  await log.inDirectory(async (dir) => {
    const place = fc.tuple(fc.nat({ max: 1 }), fc.nat(), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(place, async ([file, at, flip]) => {
        const bytes = Buffer.from(files[file] ?? '')
        const offset = at % bytes.length
        bytes[offset] = (bytes[offset] ?? 0) ^ flip
        writeFileSync(join(dir, segmentName(file + 1)), bytes)
        const report = await verifyLog(dir, log.signer.vkey, { previousCheckpoint: log.note })
        writeFileSync(join(dir, segmentName(file + 1)), files[file] ?? '')
        expect(report.kind).toBe('broken')
      }),
      { numRuns: 200 },
    )
    expect(await verifyLog(dir, log.signer.vkey)).toMatchObject({ kind: 'sound' })
  })
})

test('cut at any byte, what is left of the log is a prefix of it, and says so', async () => {
  const log = sample()
  const last = Buffer.from(log.segments[1]?.map((line) => `${line}\n`).join('') ?? '')
  await log.inDirectory(async (dir) => {
    for (let length = last.length - 1; length >= 0; length -= 7) {
      truncateSync(join(dir, segmentName(2)), length)
      const report = await verifyLog(dir, log.signer.vkey)
      expect(report).toMatchObject({ kind: 'sound' })
      const cut = await verifyLog(dir, log.signer.vkey, { previousCheckpoint: log.note })
      expect(cut.kind).toBe('broken')
    }
  })
})

function verify(log: LogBuilder): ReturnType<typeof verifyLog> {
  return log.inDirectory((dir) => verifyLog(dir, log.signer.vkey))
}
