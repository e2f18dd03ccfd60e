import { expect, test } from 'vitest'
import { formatCheckpoint } from './checkpoint.ts'
import { leafHash, treeRoot } from './merkle.ts'
import {
  end,
  gap,
  intent,
  type Leaf,
  LogBuilder,
  leafLine,
  outcome,
  SESSION,
  start,
} from './testing/build-log.ts'
import { verifyLog } from './verify-directory.ts'

test.for<{ name: string; leaves: Leaf[]; want: { index: number; reason: string } }>([
  {
    name: 'an outcome before its intent',
    leaves: [outcome('a'), intent('a')],
    want: { index: 0, reason: `outcome for intent ${SESSION} a, which is not open` },
  },
  {
    name: 'two outcomes',
    leaves: [intent('a'), outcome('a'), outcome('a')],
    want: { index: 2, reason: `outcome for intent ${SESSION} a, which is not open` },
  },
  {
    name: 'the outcome of a denied intent',
    leaves: [intent('a', 'deny'), outcome('a')],
    want: { index: 1, reason: `outcome for intent ${SESSION} a, which is not open` },
  },
  {
    name: 'an outcome after a gap',
    leaves: [intent('a'), gap('a'), outcome('a')],
    want: { index: 2, reason: `outcome for intent ${SESSION} a, which is not open` },
  },
  {
    name: 'two intents of one id',
    leaves: [intent('a'), intent('a')],
    want: { index: 1, reason: `intent ${SESSION} a is open already` },
  },
  {
    name: 'two starts of one session',
    leaves: [start, start],
    want: { index: 1, reason: `session ${SESSION} is open already` },
  },
  {
    name: 'the end of a session that has not started',
    leaves: [end],
    want: { index: 0, reason: `session.end for session ${SESSION}, which is not open` },
  },
  {
    name: 'a gap for a session that has ended',
    leaves: [start, end, gap('session.end')],
    want: { index: 2, reason: `gap for session ${SESSION}, which is not open` },
  },
  {
    name: 'an end after a gap',
    leaves: [start, gap('session.end'), end],
    want: { index: 2, reason: `session.end for session ${SESSION}, which is not open` },
  },
  {
    name: 'an outcome that passes for the end of a session',
    leaves: [start, outcome('session.end')],
    want: { index: 1, reason: 'an action with the id session.end' },
  },
  {
    name: 'a denied intent that goes by the id of a session’s end',
    leaves: [intent('session.end', 'deny')],
    want: { index: 0, reason: 'an action with the id session.end' },
  },
  {
    name: 'a start without a session',
    leaves: [{ type: 'session.start' }],
    want: { index: 0, reason: 'a leaf without a session' },
  },
  {
    name: 'an intent without a verdict',
    leaves: [{ type: 'action.intent', session: SESSION, id: 'a' }],
    want: { index: 0, reason: 'action.intent without a verdict' },
  },
])('refuses $name, though it is signed', async ({ leaves, want }) => {
  expect(await verify(signedAsIs(leaves))).toMatchObject({ kind: 'broken', ...want })
})

test.for([
  ['a later version', { v: 3 }, 'a leaf of version 3, which this program does not know'],
  ['no version', { v: '2' }, 'a leaf without a version'],
  ['no type', { type: '' }, 'a leaf without a type'],
  ['a time in another form', { at: '2026-01-02T03:04:05Z' }, 'a leaf without a time'],
  [
    '65,536 bytes',
    { text: 'x'.repeat(65_536 - leafLine({ type: 't', text: '' }).length) },
    'a leaf of 65536 bytes',
  ],
] as const)('refuses a leaf with %s, though it is signed', async ([, change, reason]) => {
  const report = await verify(signedAsIs([{ type: 't', ...change }]))
  expect(report).toMatchObject({ kind: 'broken', index: 0, reason })
})

test('a leaf of 65,535 bytes is taken', async () => {
  const text = 'x'.repeat(65_535 - leafLine({ type: 't', text: '' }).length)
  expect(await verify(new LogBuilder().segment().batch({ type: 't', text }))).toMatchObject({
    kind: 'sound',
  })
})

test('time that goes back is found', async () => {
  const leaves = [{ type: 'a' }, { type: 'b', at: '2026-01-02T03:04:05.677Z' }]
  const report = await verify(signedAsIs(leaves))
  expect(report).toMatchObject({ index: 1, line: 3, reason: 'time goes back' })
})

test('leaves of version 1 may stand before those of version 2', async () => {
  const log = new LogBuilder().segment().batch({ type: 'a' }, { type: 'b', v: 2 })
  expect(await verify(log.segment().batch({ type: 'c', v: 2 }))).toMatchObject({
    kind: 'sound',
    size: 3,
  })
})

test.for([
  ['in one batch', (log: LogBuilder) => log],
  ['in the next batch', (log: LogBuilder) => log.checkpoint()],
  ['in the next segment', (log: LogBuilder) => log.checkpoint().segment()],
] as const)('a leaf of version 1 after one of version 2 is found, %s', async ([, between]) => {
  const log = between(new LogBuilder().segment().leaf({ type: 'a', v: 2 }))
  const late = leafLine({ type: 'b' })
  const root = treeRoot([leafLine({ type: 'a', v: 2 }), late].map((l) => leafHash(Buffer.from(l))))
  const note = log.signer.sign(formatCheckpoint({ origin: log.signer.name, size: 2, root }))
  log.line(late).line(JSON.stringify(note))
  expect(await verify(log)).toMatchObject({
    kind: 'broken',
    index: 1,
    reason: 'a leaf of version 1 after one of version 2',
  })
})

test('a header that hides that leaves of version 2 were there is found', async () => {
  const log = new LogBuilder().segment().batch({ type: 'a', v: 2 })
  log.segment().batch({ type: 'b', v: 2 })
  const [header = '', ...rest] = log.segments[1] ?? []
  log.segments[1] = [header.replace('"v":2', '"v":1'), ...rest]
  expect(await verify(log)).toMatchObject({
    kind: 'broken',
    index: 1,
    segment: 2,
    reason: 'the header does not continue the segment before',
  })
})

/** What a writer with the key, but without any checks, could have made. */
function signedAsIs(leaves: readonly Leaf[]): LogBuilder {
  const log = new LogBuilder().segment()
  const lines = leaves.map(leafLine)
  const root = treeRoot(lines.map((line) => leafHash(Buffer.from(line))))
  const text = formatCheckpoint({ origin: log.signer.name, size: leaves.length, root })
  for (const line of [...lines, JSON.stringify(log.signer.sign(text))]) log.line(line)
  return log
}

function verify(log: LogBuilder): ReturnType<typeof verifyLog> {
  return log.inDirectory((dir) => verifyLog(dir, log.signer.vkey))
}
