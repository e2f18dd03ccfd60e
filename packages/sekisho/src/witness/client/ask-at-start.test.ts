import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { noteSigner, noteText, parseVkey } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLog } from '../../keyholder/log/open-log.ts'
import type { WitnessAnswer } from '../../wire/witness.ts'
import { AT, TestWitness } from '../testing/test-witness.ts'
import { askWitnesses } from './ask-at-start.ts'
import { CosignedNotes } from './cosigned-notes.ts'
import { LogProofs } from './log-proofs.ts'
import { post } from './post.ts'
import { submit } from './submit.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)
const keys = [parseVkey(signer.vkey)]

let home = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-ask-'))
})
afterEach(() => rmSync(home, { recursive: true }))

async function write(dir: string, ...texts: string[]): Promise<string> {
  const log = await openLog({ dir, signer, now: () => AT })
  for (const text of texts) await log.append({ type: 'test', text })
  await log.close()
  return dir
}

function copy(from: string, name: string): string {
  cpSync(from, join(home, name), { recursive: true })
  return join(home, name)
}

/** Has all of a log cosigned. */
async function cosign(witness: TestWitness, dir: string): Promise<string> {
  const view = await new LogProofs(dir, keys).view(Infinity)
  if (view === undefined) throw new Error('an empty log')
  const listening = await witness.listen({ path: join(witness.dir, 'submit') })
  const send = (body: string): ReturnType<typeof post> => post(listening.url, body)
  const outcome = await submit({
    view,
    held: null,
    witness: witness.verifiers,
    send,
    now: () => AT,
  })
  await listening.close()
  if (outcome.kind !== 'cosigned') throw new Error(JSON.stringify(outcome))
  // ML-DSA-44 signs another way each time
  return outcome.tree.note.split('— witness')[0] ?? ''
}

async function ask(witness: TestWitness, dir: string, timeoutMs = 60_000): Promise<WitnessAnswer> {
  const listening = await witness.listen({ path: join(witness.dir, 'ask') })
  const answer = await askAt(listening.url, { witness, dir, timeoutMs })
  await listening.close()
  return answer
}

async function askAt(
  url: string,
  { witness, dir, timeoutMs }: { witness: TestWitness; dir: string; timeoutMs: number },
): Promise<WitnessAnswer> {
  const vkeys = witness.key.cosigners.map(({ vkey }) => vkey)
  const [answer] = await askWitnesses({
    witnessing: {
      witnesses: [{ name: 'a', operator: 'Acme', url, vkeys }],
      quorum: 1,
      logVkeys: [signer.vkey],
      everyMs: 5,
      lagMs: 1000,
    },
    notes: new CosignedNotes(join(home, 'notes')),
    proofs: () => new LogProofs(dir, keys),
    durable: Infinity,
    now: () => AT,
    timeoutMs,
  })
  if (answer === undefined) throw new Error('no answer')
  return answer
}

const who = { name: 'a', operator: 'Acme' }

test('a log that is as it was cosigned, or longer, is sound', async () => {
  using witness = new TestWitness().watch({ signer })
  const dir = await write(join(home, 'log'), 'one', 'two')
  const note = await cosign(witness, dir)
  const expected = {
    ...who,
    found: 'sound',
    detail: '2 leaves are cosigned',
    note: expect.stringContaining(note),
  }
  expect(await ask(witness, dir)).toEqual(expected)
  expect(await ask(witness, await write(dir, 'three'))).toEqual(expected)
})

test('a whole state set back to an older copy is broken: the witness remembers more', async () => {
  using witness = new TestWitness().watch({ signer })
  const dir = await write(join(home, 'log'), 'one', 'two')
  const older = copy(dir, 'older')
  const note = await cosign(witness, await write(dir, 'three', 'four'))
  expect(await ask(witness, older)).toEqual({
    ...who,
    found: 'broken',
    detail: '4 leaves are cosigned, the log has 2',
    note: expect.stringContaining(note),
  })
})

test('a log that is gone is broken', async () => {
  using witness = new TestWitness().watch({ signer })
  await cosign(witness, await write(join(home, 'log'), 'one'))
  mkdirSync(join(home, 'empty'))
  expect(await ask(witness, join(home, 'empty'))).toMatchObject({
    found: 'broken',
    detail: '1 leaves are cosigned, the log has 0',
  })
})

test('another history of the same length is broken', async () => {
  using witness = new TestWitness().watch({ signer })
  const dir = await write(join(home, 'log'), 'one')
  const fork = await write(copy(dir, 'fork'), 'theirs', 'more')
  await cosign(witness, await write(dir, 'ours'))
  expect(await ask(witness, fork)).toMatchObject({
    found: 'broken',
    detail: 'another tree of 2 leaves is cosigned',
  })
})

test('a witness that shows nothing is asked by a submission', async () => {
  using witness = new TestWitness().watch({ signer })
  vi.spyOn(witness.witness, 'latest').mockReturnValue({ status: 404, type: 'text/plain', body: '' })
  const dir = await write(join(home, 'log'), 'one')
  const older = copy(dir, 'older')
  expect(await ask(witness, await write(dir, 'two'))).toMatchObject({
    found: 'sound',
    detail: '2 leaves are cosigned',
  })
  expect(await ask(witness, older)).toEqual({
    ...who,
    found: 'broken',
    detail: 'it has cosigned 2 leaves, the log has fewer',
    note: null,
  })
})

test('a note that is held is enough where the witness cannot be reached', async () => {
  using witness = new TestWitness().watch({ signer })
  const dir = await write(join(home, 'log'), 'one')
  const older = copy(dir, 'older')
  await write(dir, 'two')
  const log = await new LogProofs(dir, keys).view(Infinity)
  const tree = log?.tree ?? { size: 0, root: Buffer.alloc(0), note: '' }
  const cosigner = witness.key.cosigners[0]
  const note = tree.note + (cosigner?.cosign(noteText(tree.note), 1) ?? '')
  new CosignedNotes(join(home, 'notes')).write('a', { ...tree, note })
  const unreachable = { witness, timeoutMs: 60_000 }
  expect(await askAt(`unix:${home}/nobody`, { ...unreachable, dir: older })).toEqual({
    ...who,
    found: 'broken',
    detail: '2 leaves are cosigned, the log has 1',
    note,
  })
  expect(await askAt(`unix:${home}/nobody`, { ...unreachable, dir })).toMatchObject({
    found: 'unknown',
  })
})

test('a witness that does not know the log, one that is not there and one that hangs are unknown', async () => {
  using witness = new TestWitness()
  const dir = await write(join(home, 'log'), 'one')
  expect(await ask(witness, dir)).toMatchObject({
    found: 'unknown',
    detail: expect.stringMatching(/^404 /),
  })
  const at = (url: string, timeoutMs: number): Promise<WitnessAnswer> =>
    askAt(url, { witness, dir, timeoutMs })
  expect(await at(`unix:${home}/nobody`, 60_000)).toMatchObject({
    found: 'unknown',
    detail: 'ENOENT',
  })
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(join(home, 'silent'), resolve))
  expect(await at(`unix:${home}/silent`, 100)).toMatchObject({ found: 'unknown' })
  silent.close()
})
