import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { segmentName } from './segment.ts'
import {
  end,
  gap,
  intent,
  LogBuilder,
  leafLine,
  newSigner,
  SESSION,
  sample,
  start,
} from './testing/build-log.ts'
import { verifyLog } from './verify-directory.ts'
import type { BrokenLog, SoundLog } from './verify-log.ts'

type Report = SoundLog | BrokenLog

const OTHER = 's-11111111111111111111'

test('a sound log says what is in it', async () => {
  const log = sample()
  expect(await verify(log)).toEqual({
    kind: 'sound',
    size: 9,
    root: log.saved().root.toString('base64'),
    checkpoint: log.note,
    checkpoints: 5,
    segments: 2,
    types: {
      'action.intent': 4,
      'action.outcome': 2,
      gap: 1,
      'session.end': 1,
      'session.start': 1,
    },
    gaps: 1,
    open: [],
    openSessions: [],
    unsealedBytes: 0,
  })
})

test('a directory without segments is a log of nothing', async () => {
  const report = await verify(new LogBuilder())
  expect(report).toMatchObject({ kind: 'sound', size: 0, checkpoint: null, segments: 0 })
})

test('an action under way at the tail is open, not lost', async () => {
  const log = new LogBuilder().segment().batch(start, intent('a'))
  expect(await verify(log)).toMatchObject({ kind: 'sound', open: [{ session: SESSION, id: 'a' }] })
})

test('a session without an end is open, across segments, until its end or a gap', async () => {
  const log = new LogBuilder().segment().batch(start, { ...start, session: OTHER })
  log.segment().batch({ type: 'test' })
  expect(await verify(log)).toMatchObject({ openSessions: [SESSION, OTHER], open: [], gaps: 0 })
  log.batch(end)
  expect(await verify(log)).toMatchObject({ openSessions: [OTHER] })
  log.segment().batch({ ...gap('session.end'), session: OTHER })
  expect(await verify(log)).toMatchObject({ kind: 'sound', openSessions: [], gaps: 1 })
})

/** The first segment of the sample: header, start, a | a', b | c denied, b' |; the second: d, gap | end | */
type Spoil = (segments: [string[], string[]]) => void
test.for<{ name: string; spoil: Spoil; want: Omit<BrokenLog, 'kind'> }>([
  {
    name: 'an edited leaf',
    spoil: ([one]) => edit(one, 4, (line) => line.replace('"id":"a"', '"id":"A"')),
    want: { index: 2, segment: 1, line: 7, reason: rootOf(2, 3) },
  },
  {
    name: 'an edited leaf in the newest batch',
    spoil: ([, two]) => edit(two, 4, (line) => line.replace('session.end', 'session.enD')),
    want: { index: 8, segment: 2, line: 6, reason: rootOf(8, 8) },
  },
  {
    name: 'a leaf with a space added',
    spoil: ([one]) => edit(one, 1, (line) => line.replace('{', '{ ')),
    want: { index: 0, segment: 1, line: 2, reason: 'a leaf that is not canonical JSON' },
  },
  {
    name: 'a leaf with a key twice',
    spoil: ([one]) => edit(one, 1, (line) => line.replace('"v":1', '"v":1,"v":1')),
    want: { index: 0, segment: 1, line: 2, reason: 'a leaf that is not canonical JSON' },
  },
  {
    name: 'a deleted leaf',
    spoil: ([one]) => one.splice(4, 1),
    want: { index: 2, segment: 1, line: 6, reason: 'a checkpoint for 4 leaves where 3 are there' },
  },
  {
    name: 'an inserted leaf',
    spoil: ([one]) => one.splice(4, 0, leafLine(intent('x', 'deny'))),
    want: { index: 2, segment: 1, line: 8, reason: 'a checkpoint for 4 leaves where 5 are there' },
  },
  {
    name: 'a leaf written twice in place of its neighbour',
    spoil: ([one]) => one.splice(5, 1, one[4] ?? ''),
    want: { index: 2, segment: 1, line: 7, reason: rootOf(2, 3) },
  },
  {
    name: 'two leaves in the other order',
    spoil: ([one]) => one.splice(4, 2, one[5] ?? '', one[4] ?? ''),
    want: { index: 2, segment: 1, line: 7, reason: rootOf(2, 3) },
  },
  {
    name: 'a deleted batch in the middle',
    spoil: ([one]) => one.splice(4, 3),
    want: { index: 2, segment: 1, line: 7, reason: 'a checkpoint for 6 leaves where 4 are there' },
  },
  {
    name: 'an edited checkpoint',
    spoil: ([one]) => edit(one, 6, (line) => line.replace('\\n4\\n', '\\n5\\n')),
    want: { index: 2, segment: 1, line: 7, reason: 'a signature that does not fit' },
  },
  {
    name: 'a checkpoint written twice',
    spoil: ([one]) => one.splice(6, 0, one[6] ?? ''),
    want: { index: 4, segment: 1, line: 8, reason: 'a checkpoint that seals nothing' },
  },
  {
    name: 'a line that is neither leaf nor checkpoint',
    spoil: ([one]) => one.splice(2, 0, 'hello'),
    want: { index: 1, segment: 1, line: 3, reason: 'neither a leaf nor a checkpoint' },
  },
  {
    name: 'an empty line',
    spoil: ([one]) => one.splice(2, 0, ''),
    want: { index: 1, segment: 1, line: 3, reason: 'neither a leaf nor a checkpoint' },
  },
  {
    name: 'an edited header',
    spoil: ([, two]) => edit(two, 0, (line) => line.replace('"open":[[', '"open":[["a","b"],[')),
    want: {
      index: 6,
      segment: 2,
      line: 1,
      reason: 'the header does not continue the segment before',
    },
  },
  {
    name: 'an open session taken out of a header, with the end leaf that it would miss',
    spoil: ([, two]) => {
      edit(two, 0, (line) => line.replace(`["${SESSION}","session.end"]`, ''))
      two.splice(4, 2)
    },
    want: {
      index: 6,
      segment: 2,
      line: 1,
      reason: 'the header does not continue the segment before',
    },
  },
  {
    name: 'a header that is no header',
    spoil: ([, two]) => edit(two, 0, () => '#{}'),
    want: { index: 0, segment: 2, line: 1, reason: 'a broken segment header' },
  },
  {
    name: 'a segment cut short before the last one',
    spoil: ([one]) => one.splice(7),
    want: {
      index: 4,
      segment: 1,
      line: 7,
      reason: 'the next segment begins after 6 leaves, this one ends after 4',
    },
  },
])('finds $name', async ({ spoil, want }) => {
  const log = sample()
  const [one = [], two = []] = log.segments
  spoil([one, two])
  expect(await verify(log)).toEqual({ kind: 'broken', ...want })
})

test('a checkpoint taken out in the middle loses nothing: the next one seals the same leaves', async () => {
  const log = sample()
  log.segments[0]?.splice(3, 1)
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 9, checkpoints: 4 })
})

test('a log signed by another key is found at its first leaf', async () => {
  expect(await verify(sample(), { vkey: newSigner().vkey })).toEqual({
    kind: 'broken',
    index: 0,
    segment: 1,
    line: 4,
    reason: 'no signature by sekisho/log/test',
  })
})

test('a batch signed by another key in the middle is found', async () => {
  const log = new LogBuilder().segment().batch(start)
  log.leaf(end).checkpoint(newSigner())
  expect(await verify(log)).toMatchObject({ kind: 'broken', index: 1, segment: 1, line: 5 })
})

test('a missing segment is found', async () => {
  const log = sample()
  const report = await log.inDirectory(async (dir) => {
    rmSync(join(dir, segmentName(1)))
    return verifyLog(dir, log.signer.vkey)
  })
  expect(report).toMatchObject({ kind: 'broken', segment: 2, reason: 'segment 1 is missing' })
})

test('newest leaves cut off are found with an earlier checkpoint, and only with it', async () => {
  const log = sample()
  const previousCheckpoint = log.note
  log.segments.at(-1)?.splice(4)
  expect(await verify(log)).toMatchObject({ kind: 'sound', size: 8 })
  expect(await verify(log, { previousCheckpoint })).toEqual({
    kind: 'broken',
    index: 8,
    segment: 2,
    line: 1,
    reason: 'the log ends after 8 leaves, the previous checkpoint is for 9',
  })
})

test('a log that grew since an earlier checkpoint is sound', async () => {
  const log = sample()
  const previousCheckpoint = log.note
  log.batch(intent('later', 'deny'))
  expect(await verify(log, { previousCheckpoint })).toMatchObject({ kind: 'sound', size: 10 })
})

test('a log rewritten and signed again by its own key is found with an earlier checkpoint', async () => {
  const { signer, note } = sample()
  const other = new LogBuilder(signer).segment()
  for (let i = 0; i < 9; i++) other.batch(intent(`x${i}`, 'deny'))
  expect(await verify(other)).toMatchObject({ kind: 'sound' })
  expect(await verify(other, { previousCheckpoint: note })).toMatchObject({
    kind: 'broken',
    index: 8,
    reason: 'the previous checkpoint has another root for 9 leaves',
  })
  const inOneBatch = new LogBuilder(signer).segment()
  inOneBatch.batch(...Array.from({ length: 12 }, (_, i) => intent(`x${i}`, 'deny')))
  expect(await verify(inOneBatch, { previousCheckpoint: note })).toMatchObject({
    kind: 'broken',
    index: 0,
    reason: 'the previous checkpoint for 9 leaves is not among these',
  })
})

function verify(
  log: LogBuilder,
  {
    vkey = log.signer.vkey,
    previousCheckpoint,
  }: { vkey?: string; previousCheckpoint?: string } = {},
): Promise<Report> {
  return log.inDirectory((dir) => verifyLog(dir, vkey, { previousCheckpoint }))
}

function edit(lines: string[], at: number, change: (line: string) => string): void {
  const before = lines[at] ?? ''
  lines[at] = change(before)
  if (lines[at] === before) throw new Error(`line ${at} has nothing to edit`)
}

function rootOf(first: number, last: number): string {
  return `the root does not fit: one of the leaves ${first} to ${last} is not what was signed`
}
