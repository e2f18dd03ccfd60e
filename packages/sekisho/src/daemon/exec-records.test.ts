import { beforeEach, expect, test } from 'vitest'
import type { LeafInput } from '../wire/leaves.ts'
import { ExecRecords, type Exec } from './exec-records.ts'
import { HandClock } from './testing/hand-clock.ts'

type ExecLeaf = Extract<LeafInput, { type: 'process.exec' }>

const BURST = 1000
const exec = (path = '/usr/bin/true'): Exec => ({
  pid: 7,
  parent: 1,
  path,
  digest: null,
  written: false,
  argv: [],
  argvOmitted: 0,
  verdict: { kind: 'allow', rules: [] },
  action: 'session.start',
})

let clock: HandClock
let leaves: ExecLeaf[]
let errors: unknown[]
let isWritable: boolean
let records: ExecRecords
beforeEach(() => {
  clock = new HandClock()
  leaves = []
  errors = []
  isWritable = true
  records = new ExecRecords({
    session: 's-0123456789abcdefghij',
    clock,
    onError: (error) => errors.push(error),
    record: async (leaf) => {
      if (!isWritable) throw new Error('the log is full')
      if (leaf.type === 'process.exec') leaves.push(leaf)
    },
  })
})

const recordedOf = (path: string): number =>
  leaves.filter((leaf) => leaf.path === path).reduce((sum, leaf) => sum + 1 + leaf.repeated, 0)

async function burst(path = '/usr/bin/true'): Promise<void> {
  for (let i = 0; i < BURST; i += 1) await records.write(exec(path), path, false)
}

test('each has a leaf and an id of its own', async () => {
  expect(await records.write(exec(), 'k', false)).toEqual({ kind: 'recorded', id: 'x1' })
  expect(await records.write(exec(), 'k', false)).toEqual({ kind: 'recorded', id: 'x2' })
  expect(leaves.map(({ id, repeated }) => [id, repeated])).toEqual([
    ['x1', 0],
    ['x2', 0],
  ])
})

test('past the rate, those alike are counted, and the count is in the log within a second', async () => {
  await burst()
  for (let i = 0; i < 50; i += 1) {
    expect(await records.write(exec(), '/usr/bin/true', false)).toEqual({ kind: 'counted' })
  }
  expect(leaves.length).toBe(BURST)
  await clock.pass(1000)
  expect(leaves.length).toBe(BURST + 1)
  expect(leaves.at(-1)?.repeated).toBe(49)
  expect(recordedOf('/usr/bin/true')).toBe(BURST + 50)
})

test('two hundred a second go on being recorded one by one', async () => {
  await burst()
  await clock.pass(100)
  const kinds: string[] = []
  for (let i = 0; i < 25; i += 1) {
    kinds.push((await records.write(exec(), '/usr/bin/true', false)).kind)
  }
  expect(kinds.filter((kind) => kind === 'recorded').length).toBe(20)
})

test('the next record of its kind takes the count along', async () => {
  await burst()
  await records.write(exec(), '/usr/bin/true', false)
  await clock.pass(5)
  await records.write(exec(), '/usr/bin/true', false)
  expect(leaves.at(-1)?.repeated).toBe(1)
  await clock.pass(2000)
  expect(recordedOf('/usr/bin/true')).toBe(BURST + 2)
})

test.for([
  { name: 'one that is like no other', path: '/tmp/new', isTelling: false },
  { name: 'one that tells something', path: '/usr/bin/true', isTelling: true },
])('past the rate, $name waits for its turn', async ({ path, isTelling }) => {
  await burst()
  let isDone = false
  const writing = records.write(exec(path), path, isTelling).then((recorded) => {
    isDone = true
    return recorded
  })
  await clock.pass(4)
  expect(isDone).toBe(false)
  await clock.pass(1)
  expect(await writing).toMatchObject({ kind: 'recorded' })
})

test('a line of more than three seconds is too long', async () => {
  await burst()
  const waiting = Array.from({ length: 700 }, (_, i) =>
    records.write(exec(`/tmp/${i}`), `/tmp/${i}`, false),
  )
  await clock.pass(4000)
  const kinds = (await Promise.all(waiting)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'recorded').length).toBe(600)
  expect(kinds.filter((kind) => kind === 'refused').length).toBe(100)
})

test('what is not in the log is not what others are likened to', async () => {
  await burst('/usr/bin/other')
  isWritable = false
  const failing = records.write(exec(), 'k', false)
  await expect(Promise.all([failing, clock.pass(10)])).rejects.toThrow('the log is full')
  isWritable = true
  const again = records.write(exec(), 'k', false)
  await clock.pass(10)
  expect(await again).toMatchObject({ kind: 'recorded' })
})

test('a count that could not be written stays, and is written when that can be', async () => {
  await burst()
  await records.write(exec(), '/usr/bin/true', false)
  isWritable = false
  await clock.pass(1000)
  expect(errors).toEqual([new Error('the log is full')])
  isWritable = true
  await clock.pass(1000)
  expect(recordedOf('/usr/bin/true')).toBe(BURST + 1)
})

test('the end writes what was counted, and says what it could not', async () => {
  await burst()
  for (let i = 0; i < 3; i += 1) await records.write(exec(), '/usr/bin/true', false)
  expect(await records.close()).toBe(0)
  expect(recordedOf('/usr/bin/true')).toBe(BURST + 3)
  records.count(exec('many'), 'flood')
  isWritable = false
  expect(await records.close()).toBe(1)
  expect(clock.timers).toBe(0)
})
