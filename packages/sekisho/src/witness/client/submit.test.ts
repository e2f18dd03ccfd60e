import { join } from 'node:path'
import { openNoteOf } from '@sekisho/verify'
import { expect, test } from 'vitest'
import { TestLog } from '../testing/test-log.ts'
import { AT, TestWitness } from '../testing/test-witness.ts'
import type { Answer } from './answer.ts'
import { post } from './post.ts'
import { type Outcome, submit } from './submit.ts'

const SECONDS = Math.floor(AT.getTime() / 1000)

function grown(log: TestLog, count: number): TestLog {
  return log.grow(...Array.from({ length: count }, (_, index) => `${log.size + index}`))
}

/** Submits over a real socket. */
async function submitTo(
  witness: TestWitness,
  log: TestLog,
  { held = null, at }: { held?: { size: number; root: Buffer } | null; at?: { path: string } } = {},
): Promise<{ outcome: Outcome; sent: string[] }> {
  const listening = await witness.listen(at)
  const sent: string[] = []
  try {
    const outcome = await submit({
      view: log.view(),
      held,
      witness: witness.verifiers,
      send: (body) => {
        sent.push(body.split('\n')[0] ?? '')
        return post(listening.url, body)
      },
      now: () => AT,
    })
    return { outcome, sent }
  } finally {
    await listening.close()
  }
}

test.each(['tcp', 'unix'])(
  'a log is cosigned from its first checkpoint on, over %s',
  async (kind) => {
    using witness = new TestWitness()
    const log = grown(TestLog.named('log.example/a'), 5)
    witness.watch(log)
    const at = kind === 'unix' ? { at: { path: join(witness.dir, 'socket') } } : {}
    const first = await submitTo(witness, log, at)
    const held = { size: 5, root: log.root() }
    grown(log, 300)
    const second = await submitTo(witness, log, { ...at, held })
    expect([...first.sent, ...second.sent]).toEqual(['old 0', 'old 5'])
    expect(first.outcome).toMatchObject({ kind: 'cosigned', timeSeconds: SECONDS, forgotten: null })
    const note = second.outcome.kind === 'cosigned' ? second.outcome.tree.note : ''
    expect(note.startsWith(log.note())).toBe(true)
    const opened = openNoteOf(note, witness.verifiers)
    expect(opened.kind === 'opened' ? opened.by.length : opened).toBe(2)
  },
)

test('a client that knows nothing learns the size, and goes on from there', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  witness.watch(log)
  await submitTo(witness, log)
  const { outcome, sent } = await submitTo(witness, grown(log, 4))
  expect(sent).toEqual(['old 0', 'old 5'])
  expect(outcome.kind).toBe('cosigned')
})

test('a log that the witness has cosigned more of was rolled back', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  const older = log.fork()
  witness.watch(log)
  await submitTo(witness, grown(log, 4))
  const { outcome, sent } = await submitTo(witness, older)
  expect(sent).toEqual(['old 0'])
  expect(outcome).toEqual({
    kind: 'refused',
    reason: 'rollback',
    size: 5,
    detail: 'it has cosigned 9 leaves, the log has fewer',
  })
})

test('what we hold is enough to see a rollback and a fork, without asking', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  const held = { size: 9, root: grown(log.fork(), 4).root() }
  const rolledBack = await submitTo(witness, log, { held })
  const forked = await submitTo(witness, log.grow('w', 'x', 'y', 'z'), { held })
  expect([...rolledBack.sent, ...forked.sent]).toEqual([])
  expect(rolledBack.outcome).toMatchObject({ reason: 'rollback', size: 5 })
  expect(forked.outcome).toMatchObject({ reason: 'fork', size: 9 })
})

test('a fork of the same size, and one that grew on, are refused and told apart', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  const other = log.fork().grow('theirs')
  witness.watch(log)
  await submitTo(witness, log.grow('ours'))
  const grownOn = await submitTo(witness, other.fork().grow('and', 'more'))
  expect(grownOn.outcome).toMatchObject({ reason: 'bad-proof', size: 8 })
  const same = await submitTo(witness, other)
  expect(same.outcome).toMatchObject({ kind: 'refused', size: 6 })
  expect(same.sent).toEqual(['old 0', 'old 6'])
  expect(witness.store.log('log.example/a')).toMatchObject({ forks: 1, badProofs: 1 })
})

test('a witness that forgot what it cosigned is told from one that did not', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  witness.watch(log)
  await submitTo(witness, log)
  grown(log, 5)
  const { outcome } = await submitTo(witness, log, { held: { size: 10, root: log.root() } })
  expect(outcome).toMatchObject({ kind: 'cosigned', forgotten: 5 })
})

const answers: [string, Answer, Partial<Outcome>][] = [
  [
    'no signature of the witness',
    { kind: 'lines', lines: '' },
    { kind: 'refused', detail: 'no signature by witness.example/w1 or witness.example/w1' },
  ],
  [
    'lines that are none',
    { kind: 'lines', lines: 'hello\n' },
    { kind: 'refused', detail: 'a malformed signature line' },
  ],
  [
    '409 without a size, as in 1.0.0',
    { kind: 'refused', status: 409, reason: '409' },
    { kind: 'refused', detail: '409' },
  ],
  [
    'an unknown log',
    { kind: 'refused', status: 404, reason: '404 unknown' },
    { kind: 'refused', detail: '404 unknown' },
  ],
  [
    'no answer',
    { kind: 'unreachable', reason: 'ECONNREFUSED' },
    { kind: 'unreachable', detail: 'ECONNREFUSED' },
  ],
]

test.each(answers)('%s is not taken for a cosignature', async (_name, answer, outcome) => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  const got = await submit({
    view: log.view(),
    held: null,
    witness: witness.verifiers,
    send: async () => answer,
    now: () => AT,
  })
  expect(got).toMatchObject(outcome)
})

test('a cosignature of another tree, of the future, or without a time is refused', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 5)
  const [, mlDsa] = witness.key.cosigners
  const text = log.note().split('\n\n')[0] ?? ''
  const lines = [
    witness.key.cosigners[0]?.cosign(text.replace('\n5\n', '\n4\n') + '\n', SECONDS),
    witness.key.cosigners[0]?.cosign(`${text}\n`, SECONDS + 301),
    mlDsa?.cosign(`${text}\n`, 0),
  ]
  for (const line of lines) {
    const outcome = await submit({
      view: log.view(),
      held: null,
      witness: witness.verifiers,
      send: async () => ({ kind: 'lines', lines: line ?? '' }),
      now: () => AT,
    })
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'refused' })
  }
})

test('a witness that names another size each time is given up', async () => {
  using witness = new TestWitness()
  const log = grown(TestLog.named('log.example/a'), 9)
  let size = 0
  const outcome = await submit({
    view: log.view(),
    held: null,
    witness: witness.verifiers,
    send: async () => ({ kind: 'size', size: (size += 1) }),
    now: () => AT,
  })
  expect(outcome).toMatchObject({ reason: 'refused', detail: 'it names another size each time' })
})
