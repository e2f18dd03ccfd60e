import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EMPTY_ROOT, formatCheckpoint, noteCosigner, noteSigner, openNoteOf } from '@sekisho/verify'
import { expect, test } from 'vitest'
import { formatRequest } from '../request.ts'
import { TestLog } from '../testing/test-log.ts'
import { AT, TestWitness } from '../testing/test-witness.ts'
import { listEvidence } from './evidence.ts'
import { sha256Hex } from './witness.ts'

const TEXT = 'text/plain; charset=utf-8'
const SIZE = 'text/x.tlog.size'

function logOf(size: number, name = 'log.example/a'): TestLog {
  return TestLog.named(name).grow(...Array.from({ length: size }, (_, index) => `leaf ${index}`))
}

test('a checkpoint that continues the last one is cosigned by both keys, with the time', () => {
  using witness = new TestWitness()
  const log = logOf(5)
  witness.watch(log)
  const first = witness.witness.addCheckpoint(log.body(0))
  expect({ status: first.status, type: first.type }).toEqual({ status: 200, type: TEXT })
  log.grow('a', 'b', 'c')
  const second = witness.witness.addCheckpoint(log.body(5))
  expect(second.status).toBe(200)
  const opened = openNoteOf(log.note() + second.body, witness.verifiers)
  expect(
    opened.kind === 'opened' ? opened.by.map(({ timeSeconds }) => timeSeconds) : opened,
  ).toEqual([Math.floor(AT.getTime() / 1000), Math.floor(AT.getTime() / 1000)])
})

test('the same checkpoint is cosigned again', () => {
  using witness = new TestWitness()
  const log = logOf(3)
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0))
  expect(witness.witness.addCheckpoint(log.body(3)).status).toBe(200)
  expect(witness.store.log('log.example/a')?.cosigned).toBe(1)
})

const refused = [
  ['no request', Buffer.from('old 1'), 400, 'not an add-checkpoint request'],
  ['no note', Buffer.from('old 1\n\nhello\n'), 404, 'not a log that this witness watches'],
  ['an unknown origin', logOf(1, 'log.example/other').body(0), 404, 'not a log'],
  ['another key under the origin', logOf(1).body(0), 403, 'no signature by log.example/a'],
] as const

test.each(refused)('%s is refused', (...[, body, status, reason]) => {
  using witness = new TestWitness()
  witness.watch(logOf(1))
  const reply = witness.witness.addCheckpoint(body)
  expect(reply.status).toBe(status)
  expect(reply.body).toContain(reason)
})

test('a signature of the log that does not fit is refused, another one beside it is not looked at', () => {
  using witness = new TestWitness()
  const log = logOf(2)
  witness.watch(log)
  const stranger = noteCosigner('stranger', generateKeyPairSync('ed25519').privateKey)
  const request = log.request(0)
  const spoiled = request.note.replace(/\n2\n/, '\n3\n')
  expect(
    witness.witness.addCheckpoint(Buffer.from(formatRequest({ ...request, note: spoiled }))).status,
  ).toBe(403)
  const note =
    request.note + stranger.cosign('log.example/a\n1\n' + EMPTY_ROOT.toString('base64') + '\n', 1)
  expect(
    witness.witness.addCheckpoint(Buffer.from(formatRequest({ ...request, note }))).status,
  ).toBe(200)
  expect(witness.store.newest('log.example/a')?.note).toBe(request.note)
})

test('an old size that is not the last cosigned one is answered with that', () => {
  using witness = new TestWitness()
  const log = logOf(9)
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0, 7))
  expect(witness.witness.addCheckpoint(log.body(0))).toEqual({
    status: 409,
    type: SIZE,
    body: '7\n',
  })
  expect(witness.witness.addCheckpoint(log.body(5))).toEqual({
    status: 409,
    type: SIZE,
    body: '7\n',
  })
  expect(witness.witness.addCheckpoint(log.body(0, 3))).toEqual({
    status: 409,
    type: SIZE,
    body: '7\n',
  })
  expect(witness.witness.addCheckpoint(log.body(8))).toEqual({
    status: 409,
    type: SIZE,
    body: '7\n',
  })
})

test('an old size above the checkpoint’s is no request', () => {
  using witness = new TestWitness()
  const log = logOf(9)
  witness.watch(log)
  const body = Buffer.from(formatRequest({ ...log.request(0, 3), oldSize: 4 }))
  expect(witness.witness.addCheckpoint(body).status).toBe(400)
})

test('a proof of another tree, one hash more and none at all are refused and kept', () => {
  using witness = new TestWitness()
  const log = logOf(6)
  const other = log.fork()
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0))
  log.grow('x', 'y')
  const honest = log.request(6)
  const proofs = [other.grow('z', 'w').request(6).proof, [...honest.proof, EMPTY_ROOT], []]
  for (const proof of proofs) {
    const body = Buffer.from(formatRequest({ ...honest, proof }))
    expect(witness.witness.addCheckpoint(body)).toEqual({
      status: 422,
      type: TEXT,
      body: 'the consistency proof does not hold\n',
    })
  }
  expect(witness.store.log('log.example/a')).toMatchObject({ badProofs: 3, refused: null })
  expect(listEvidence(join(witness.dir, 'evidence'))).toHaveLength(3)
  expect(witness.alarms).toHaveLength(3)
  // the log itself is not stopped by what anybody could have sent
  expect(witness.witness.addCheckpoint(log.body(6)).status).toBe(200)
})

test('two trees of one size are a fork: both notes are kept, and the log is refused', () => {
  using witness = new TestWitness()
  const log = logOf(6)
  const other = log.fork().grow('theirs')
  log.grow('ours')
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0))
  expect(
    witness.witness.addCheckpoint(
      Buffer.from(formatRequest({ oldSize: 7, proof: [], note: other.note() })),
    ),
  ).toEqual({
    status: 422,
    type: TEXT,
    body: 'the log has signed another root for this size\n',
  })
  const [name = ''] = listEvidence(join(witness.dir, 'evidence'))
  expect(JSON.parse(readFileSync(join(witness.dir, 'evidence', name), 'utf8'))).toEqual({
    found: 'fork',
    origin: 'log.example/a',
    at: AT.toISOString(),
    cosigned: log.note(),
    submitted: other.note(),
    proof: [],
  })
  expect(witness.alarms).toEqual([expect.stringContaining('FORK: log.example/a')])
  const again = witness.witness.addCheckpoint(log.grow('more').body(7))
  expect(again.status).toBe(403)
  expect(again.body).toContain('this log is refused: a fork at size 7')
  expect(witness.store.log('log.example/a')?.forks).toBe(1)
})

test('an operator’s word lets the first history go on, and the second one stays a fork', () => {
  using witness = new TestWitness()
  const log = logOf(6)
  const other = log.fork().grow('theirs')
  log.grow('ours')
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0))
  witness.witness.addCheckpoint(other.body(0))
  expect(witness.store.resume('log.example/a')).toBe(true)
  expect(witness.witness.addCheckpoint(log.grow('more').body(7)).status).toBe(200)
  expect(witness.witness.addCheckpoint(other.body(0)).status).toBe(409)
  expect(witness.store.log('log.example/a')?.refused).toContain('a fork at size 7')
})

test('a fork at a size that was cosigned long before is one too', () => {
  using witness = new TestWitness()
  const log = logOf(4)
  const other = log.fork().grow('theirs')
  log.grow('ours')
  witness.watch(log)
  witness.witness.addCheckpoint(log.body(0))
  witness.witness.addCheckpoint(log.grow('a', 'b', 'c').body(5))
  expect(witness.witness.addCheckpoint(other.body(0))).toEqual({
    status: 409,
    type: SIZE,
    body: '8\n',
  })
  expect(witness.store.log('log.example/a')?.refused).toContain('a fork at size 5')
})

test('the empty tree is cosigned with its own root and no other, and what follows needs no proof', () => {
  using witness = new TestWitness()
  const log = TestLog.named('log.example/a')
  const wrong = log.signer.sign(
    formatCheckpoint({ origin: 'log.example/a', size: 0, root: Buffer.alloc(32) }),
  )
  witness.watch(log)
  expect(
    witness.witness.addCheckpoint(
      Buffer.from(formatRequest({ oldSize: 0, proof: [], note: wrong })),
    ).status,
  ).toBe(422)
  expect(
    witness.witness.addCheckpoint(
      Buffer.from(formatRequest({ oldSize: 0, proof: [EMPTY_ROOT], note: log.note() })),
    ).status,
  ).toBe(422)
  expect(witness.witness.addCheckpoint(log.body(0)).status).toBe(200)
  expect(witness.witness.addCheckpoint(log.grow('a').body(0)).status).toBe(200)
})

test('an origin may have another key name, and several keys', () => {
  using witness = new TestWitness()
  const log = logOf(2, 'go.sum database tree'.replaceAll(' ', '-'))
  const other = noteSigner('second.example', generateKeyPairSync('ed25519').privateKey)
  witness.store.addLog('the origin', [log.signer.vkey])
  witness.store.addLog('the origin', [other.vkey])
  const text = formatCheckpoint({ origin: 'the origin', size: 2, root: log.root() })
  for (const signer of [log.signer, other]) {
    const body = Buffer.from(
      formatRequest({ oldSize: signer === other ? 2 : 0, proof: [], note: signer.sign(text) }),
    )
    expect(witness.witness.addCheckpoint(body).status).toBe(200)
  }
})

test('a log that signs with ML-DSA-44 alone is one like any other', () => {
  using witness = new TestWitness()
  const log = logOf(2)
  const key = noteCosigner('log.example/a', generateKeyPairSync('ml-dsa-44').privateKey)
  witness.store.addLog('log.example/a', [key.vkey])
  const text = formatCheckpoint({ origin: 'log.example/a', size: 2, root: log.root() })
  const note = `${text}\n${key.cosign(text, 0)}`
  const body = Buffer.from(formatRequest({ oldSize: 0, proof: [], note }))
  expect(witness.witness.addCheckpoint(body).status).toBe(200)
  expect(witness.store.newest('log.example/a')?.note).toBe(note)
})

test('what was cosigned last is shown, with the log’s signature and both cosignatures', () => {
  using witness = new TestWitness()
  const log = logOf(5)
  witness.watch(log)
  expect(witness.witness.latest(sha256Hex('log.example/a')).status).toBe(404)
  witness.witness.addCheckpoint(log.body(0))
  const { status, body } = witness.witness.latest(sha256Hex('log.example/a'))
  expect(status).toBe(200)
  expect(body.startsWith(log.note())).toBe(true)
  const opened = openNoteOf(body, witness.verifiers)
  expect(opened.kind === 'opened' ? opened.by.length : opened).toBe(2)
})
