import { generateKeyPairSync } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countIndependent, noteSigner, parseVkey } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Log, openLog } from '../../keyholder/log/open-log.ts'
import type { Witnessing } from '../../wire/witness.ts'
import type { Listening } from '../server/listen.ts'
import { AT, TestWitness } from '../testing/test-witness.ts'
import type { RefusedLeaf } from './witness-client.ts'
import { WitnessTask } from './witness-task.ts'

const signer = noteSigner('sekisho/log/test', generateKeyPairSync('ed25519').privateKey)

let home = ''
const cleanups: (() => unknown)[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sekisho-task-'))
})
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  rmSync(home, { recursive: true })
})

function open(dir = join(home, 'log')): Promise<Log> {
  return openLog({ dir, signer, now: () => AT })
}

async function write(log: Log, text: string): Promise<void> {
  await log.append({ type: 'test', text })
}

async function witnessOf(name: string): Promise<{ witness: TestWitness; listening: Listening }> {
  const witness = new TestWitness(name).watch({ signer })
  const listening = await witness.listen({ path: join(witness.dir, 'socket') })
  cleanups.push(
    () => witness[Symbol.dispose](),
    () => listening.close(),
  )
  return { witness, listening }
}

type Running = { task: WitnessTask; recorded: RefusedLeaf[]; said: string[] }

function run(
  witnesses: readonly { name: string; operator: string; witness: TestWitness }[],
  { logDir = join(home, 'log'), lagMs = 60_000 } = {},
): Running {
  const recorded: RefusedLeaf[] = []
  const said: string[] = []
  const witnessing: Witnessing = {
    witnesses: witnesses.map(({ name, operator, witness }) => ({
      name,
      operator,
      url: `unix:${join(witness.dir, 'socket')}`,
      vkeys: witness.key.cosigners.map(({ vkey }) => vkey),
    })),
    quorum: 1,
    logVkeys: [signer.vkey],
    everyMs: 5,
    lagMs,
  }
  const task = new WitnessTask({
    witnessing,
    logDir,
    stateDir: join(home, 'exporter'),
    record: async (leaf) => void recorded.push(leaf),
    say: (line) => void said.push(line),
    now: () => AT,
  })
  cleanups.push(() => task.stop())
  return { task, recorded, said }
}

test('every witness cosigns what there is and what comes, and the newest note of each is kept', async () => {
  const [a, b] = [await witnessOf('w.example/a'), await witnessOf('w.example/b')]
  const log = await open()
  await write(log, 'one')
  const { task, recorded } = run([
    { name: 'a', operator: 'Acme', witness: a.witness },
    { name: 'b', operator: 'Bolt', witness: b.witness },
  ])
  task.grown(Infinity)
  await expect.poll(() => task.status().every(({ cosigned }) => cosigned === 1)).toBe(true)
  for (const text of ['two', 'three', 'four']) await write(log, text)
  task.grown(Infinity)
  await expect.poll(() => task.status().every(({ cosigned }) => cosigned === 4)).toBe(true)
  await log.close()
  expect(task.status()).toEqual(
    [
      { name: 'a', operator: 'Acme' },
      { name: 'b', operator: 'Bolt' },
    ].map((who) => ({
      ...who,
      cosigned: 4,
      at: '2026-01-02T03:04:05.000Z',
      isCurrent: true,
      trouble: null,
    })),
  )
  const note = readFileSync(join(home, 'exporter/witnesses/a.note'), 'utf8')
  const trusted = [{ name: 'a', operator: 'Acme', keys: a.witness.verifiers }]
  expect(countIndependent(note, trusted).operators).toEqual(['Acme'])
  expect(recorded).toEqual([])
  expect(parseVkey(signer.vkey).name).toBe(note.split('\n')[0])
})

test('a restarted task goes on from what it holds', async () => {
  const { witness } = await witnessOf('w.example/a')
  const log = await open()
  await write(log, 'one')
  const first = run([{ name: 'a', operator: 'Acme', witness }])
  first.task.grown(Infinity)
  await expect.poll(() => first.task.status()[0]?.cosigned).toBe(1)
  await first.task.stop()
  await write(log, 'two')
  await log.close()
  const second = run([{ name: 'a', operator: 'Acme', witness }])
  expect(second.task.status()[0]?.cosigned).toBe(1)
  second.task.grown(Infinity)
  await expect.poll(() => second.task.status()[0]?.cosigned).toBe(2)
})

test('the log set back to an older copy is a rollback: recorded once, and not cosigned', async () => {
  const { witness } = await witnessOf('w.example/a')
  const log = await open()
  await write(log, 'one')
  cpSync(join(home, 'log'), join(home, 'older'), { recursive: true })
  for (const text of ['two', 'three']) await write(log, text)
  await log.close()
  const before = run([{ name: 'a', operator: 'Acme', witness }])
  before.task.grown(Infinity)
  await expect.poll(() => before.task.status()[0]?.cosigned).toBe(3)
  await before.task.stop()
  // the whole state directory with it: nothing on this side remembers the longer log
  rmSync(join(home, 'exporter'), { recursive: true })
  const { task, recorded } = run([{ name: 'a', operator: 'Acme', witness }], {
    logDir: join(home, 'older'),
  })
  task.grown(Infinity)
  await expect.poll(() => recorded).not.toEqual([])
  expect(recorded).toEqual([
    {
      type: 'witness.refused',
      witness: 'a',
      operator: 'Acme',
      reason: 'rollback',
      size: 1,
      detail: '3 leaves are cosigned, the log has 1',
    },
  ])
  expect(task.status()[0]).toMatchObject({ cosigned: null, isCurrent: false })
  await task.stop()
  const again = run([{ name: 'a', operator: 'Acme', witness }], { logDir: join(home, 'older') })
  again.task.grown(Infinity)
  await expect.poll(() => again.task.status()[0]?.trouble).not.toBeNull()
  expect(again.recorded).toEqual([])
})

test('two histories from one snapshot: the second is refused whatever becomes of it', async () => {
  const { witness } = await witnessOf('w.example/a')
  const log = await open()
  await write(log, 'one')
  await log.close()
  cpSync(join(home, 'log'), join(home, 'fork'), { recursive: true })
  const [ours, theirs] = [await open(), await open(join(home, 'fork'))]
  await write(ours, 'ours')
  for (const text of ['theirs', 'and more']) await write(theirs, text)
  await Promise.all([ours.close(), theirs.close()])
  const honest = run([{ name: 'a', operator: 'Acme', witness }])
  honest.task.grown(Infinity)
  await expect.poll(() => honest.task.status()[0]?.cosigned).toBe(2)
  await honest.task.stop()
  const known = run([{ name: 'a', operator: 'Acme', witness }], { logDir: join(home, 'fork') })
  known.task.grown(Infinity)
  await expect.poll(() => known.recorded).not.toEqual([])
  expect(known.recorded[0]).toMatchObject({ reason: 'fork', size: 3 })
  await known.task.stop()
  rmSync(join(home, 'exporter'), { recursive: true })
  const forgetful = run([{ name: 'a', operator: 'Acme', witness }], { logDir: join(home, 'fork') })
  forgetful.task.grown(Infinity)
  await expect.poll(() => forgetful.recorded).not.toEqual([])
  expect(forgetful.recorded[0]).toMatchObject({ reason: 'fork', size: 3 })
  await forgetful.task.stop()
  rmSync(join(home, 'exporter'), { recursive: true })
  // of a witness that shows nothing, its answer to the proof tells
  vi.spyOn(witness.witness, 'latest').mockReturnValue({ status: 404, type: 'text/plain', body: '' })
  const blind = run([{ name: 'a', operator: 'Acme', witness }], { logDir: join(home, 'fork') })
  blind.task.grown(Infinity)
  await expect.poll(() => blind.recorded).not.toEqual([])
  expect(blind.recorded[0]).toMatchObject({ reason: 'bad-proof', size: 3 })
  expect(witness.store.newest('sekisho/log/test')?.size).toBe(2)
  expect(witness.alarms).toEqual([expect.stringContaining('BAD PROOF')])
})

test('a log set back by accident hands out no second history, and may be restored', async () => {
  const { witness } = await witnessOf('w.example/a')
  const log = await open()
  await write(log, 'one')
  await log.close()
  cpSync(join(home, 'log'), join(home, 'older'), { recursive: true })
  const later = await open()
  for (const text of ['two', 'three']) await write(later, text)
  await later.close()
  const before = run([{ name: 'a', operator: 'Acme', witness }])
  before.task.grown(Infinity)
  await expect.poll(() => before.task.status()[0]?.cosigned).toBe(3)
  await before.task.stop()
  rmSync(join(home, 'exporter'), { recursive: true })
  const setBack = await open(join(home, 'older'))
  for (const text of ['another', 'history']) await write(setBack, text)
  await setBack.close()
  const accident = run([{ name: 'a', operator: 'Acme', witness }], { logDir: join(home, 'older') })
  accident.task.grown(Infinity)
  await expect.poll(() => accident.recorded).not.toEqual([])
  await accident.task.stop()
  expect(witness.store.log('sekisho/log/test')).toMatchObject({ forks: 0, refused: null })
  const restored = run([{ name: 'a', operator: 'Acme', witness }])
  const grown = await open()
  await write(grown, 'four')
  await grown.close()
  restored.task.grown(Infinity)
  await expect.poll(() => restored.task.status()[0]?.cosigned).toBe(4)
})

test('a witness that is not there is recorded once it lags, and not twice; then all goes on', async () => {
  const { witness, listening } = await witnessOf('w.example/a')
  await listening.close()
  const log = await open()
  await write(log, 'one')
  await log.close()
  const { task, recorded } = run([{ name: 'a', operator: 'Acme', witness }], { lagMs: 30 })
  task.grown(Infinity)
  await expect.poll(() => recorded).not.toEqual([])
  expect(recorded).toMatchObject([{ reason: 'unreachable', detail: 'ENOENT' }])
  expect(task.status()[0]?.isCurrent).toBe(false)
  const back = await witness.listen({ path: join(witness.dir, 'socket') })
  cleanups.push(() => back.close())
  await expect.poll(() => task.status()[0]?.isCurrent).toBe(true)
  expect(recorded).toHaveLength(1)
})

test('one witness that hangs holds up no other', async () => {
  const [a, b] = [await witnessOf('w.example/a'), await witnessOf('w.example/b')]
  vi.spyOn(a.witness.witness, 'addCheckpoint').mockImplementation(() => {
    throw new Error('a disk that is full')
  })
  const log = await open()
  await write(log, 'one')
  await log.close()
  const { task } = run([
    { name: 'a', operator: 'Acme', witness: a.witness },
    { name: 'b', operator: 'Bolt', witness: b.witness },
  ])
  task.grown(Infinity)
  await expect.poll(() => task.status()[1]?.cosigned).toBe(1)
  await expect.poll(() => task.status()[0]?.trouble).not.toBeNull()
  expect(task.status()[0]?.trouble).toEqual({
    reason: 'unreachable',
    detail: '500 the witness cannot answer',
  })
  expect(a.witness.alarms[0]).toContain('a disk that is full')
})
