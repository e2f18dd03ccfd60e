import {
  chmodSync,
  closeSync,
  cpSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { readLeaves } from '@sekisho/verify'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Facet } from './facets.ts'
import { EVERY_LEAF, type Filter } from './filter.ts'
import { LogIndex } from './log-index.ts'
import { WrittenLog } from './testing/written-log.ts'

const A = 's-00000000000000000000'

let log: WrittenLog
let said: string[] = []
beforeEach(() => {
  log = new WrittenLog()
  said = []
})
afterEach(() => log.remove())

async function indexed<T>(use: (index: LogIndex) => T, dir = log.dir): Promise<T> {
  const index = await LogIndex.open({ dir, file: log.index }, (line) => void said.push(line))
  try {
    return use(index)
  } finally {
    index.close()
  }
}

const found = (filter: Filter = EVERY_LEAF): Promise<number[]> =>
  indexed((index) => [...index.find(filter)].map((leaf) => leaf.index))

function by(facet: Facet, ...values: readonly string[]): Filter {
  return { ...EVERY_LEAF, facets: new Map([[facet, values]]) }
}

const start = { type: 'session.start', session: A, agent: 'bot', initiator: { uid: 1000, pid: 1 } }
const verdict = { kind: 'allow', rules: ['r.one'] }
const intent = {
  type: 'action.intent',
  session: A,
  id: 'x-1',
  action: { kind: 'http.request', host: 'api.example.com', path: '/items/7' },
  verdict,
  credentials: ['token'],
  facts: { user: 'alice' },
}
const outcome = { type: 'action.outcome', session: A, id: 'x-1', outcome: { kind: 'performed' } }

test('a leaf is found by what it is about, though that stands in an earlier one', async () => {
  log.segment().seal({ type: 'platform.start' }, start).seal(intent)
  await found() // another run goes on from here, and knows what this one has read
  log.segment().seal(outcome, { type: 'session.end', session: A })
  expect(await found(by('host', 'api.example.com'))).toEqual([2, 3])
  expect(await found(by('host', '*.example.com'))).toEqual([2, 3])
  expect(await found(by('credential', 'token'))).toEqual([2, 3])
  expect(await found(by('agent', 'bot'))).toEqual([1, 2, 3, 4])
  expect(await found(by('user', 'uid-1000'))).toEqual([1, 2, 3, 4])
  expect(await found(by('user', 'alice'))).toEqual([1, 2, 3, 4])
  expect(await found(by('user', 'uid-2'))).toEqual([])
})

test('who approved an action is found with the hold, the action and its outcome', async () => {
  const hold = 'h-00000000000000000000'
  const held = { ...intent, type: 'action.held', id: hold, rules: ['r.ask'] }
  const answer = (signer: string, result: string): object => ({
    type: 'approval.answer',
    session: A,
    signed: { statement: { hold, answer: 'approve' } },
    signer,
    result,
  })
  log.segment().seal(start, held, answer('mallory', 'refused'), answer('dana', 'waiting'))
  log.seal(answer('erin', 'approved'), { ...intent, hold: { id: hold } }, outcome)
  expect(await found(by('approver', 'dana'))).toEqual([3, 5, 6])
  expect(await found(by('approver', 'erin'))).toEqual([4, 5, 6])
  expect(await found(by('approver', 'mallory'))).toEqual([2])
  expect(await found(by('host', 'api.example.com'))).toEqual([1, 2, 3, 4, 5, 6])
  expect(await found(by('verdict', 'hold'))).toEqual([1])
})

test('what no checkpoint seals, and what a later segment leaves behind, is not there', async () => {
  log.segment().seal(start).write('{"type":"unsealed"}\n{"type":"to')
  expect(await found()).toEqual([0])
  log.segment().seal({ type: 'after' })
  expect(await found(by('type', 'after'))).toEqual([1])
  expect(await found(by('type', 'unsealed'))).toEqual([])
})

test('the last ones come first when it is asked for, and no more than wanted', async () => {
  log.segment().seal(start, intent, outcome)
  const indexes = await indexed((index) =>
    [...index.find(by('session', A), { limit: 2, isReversed: true })].map((leaf) => leaf.index),
  )
  expect(indexes).toEqual([2, 1])
})

test.for([
  ['gone', () => expect(statSync(log.index).size).toBeGreaterThan(0)],
  [
    'of another program',
    () => writeFileSync(log.index, 'not a database, but long enough'.repeat(99)),
  ],
  ['damaged', () => damage(log.index)],
  ['of another version', () => change(log.index, 'PRAGMA user_version = 999')],
  ['without its tables', () => change(log.index, 'DROP TABLE term')],
] as const)('an index that is %s is made anew', async ([what, spoil]) => {
  log.segment().seal(start, intent).seal(outcome)
  expect(await found()).toEqual([0, 1, 2])
  spoil()
  if (what === 'gone') removeIndex()
  expect(await found(by('host', 'api.example.com'))).toEqual([1, 2])
  expect(said).toHaveLength(what === 'gone' ? 0 : 1)
})

test.for([
  ['a text', (file: string) => writeFileSync(file, 'root:x:0:0:root:/root:/bin/sh\n'.repeat(99))],
  ['another program’s database', (file: string) => change(file, 'CREATE TABLE mine (a)')],
  ['a directory', (file: string) => mkdirSync(file)],
] as const)('%s that is named as the index is left as it is', async ([, make]) => {
  log.segment().seal(start)
  const file = join(log.dir, 'somebodys')
  make(file)
  chmodSync(file, 0o644)
  const before = statSync(file).isFile() ? readFileSync(file) : null
  await expect(
    LogIndex.open({ dir: log.dir, file, isNamed: true }, (line) => void said.push(line)),
  ).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `${file} is no index of this program`,
  })
  expect(statSync(file).mode & 0o777).toBe(0o644)
  expect(statSync(file).isFile() ? readFileSync(file) : null).toEqual(before)
})

test('an index that was named is taken again, and made anew when it is damaged behind its head', async () => {
  log.segment().seal(start, intent)
  const place = { dir: log.dir, file: log.index, isNamed: true }
  const size = async (): Promise<number> => {
    const index = await LogIndex.open(place, (line) => void said.push(line))
    const { size: there } = index
    index.close()
    return there
  }
  expect([await size(), await size()]).toEqual([2, 2])
  change(log.index, 'DROP TABLE term')
  expect(await size()).toBe(2)
  expect(said).toHaveLength(1)
})

test.for([
  [
    'another log',
    () => new WrittenLog(Buffer.alloc(32, 1).toString('base64')).segment().seal(start, outcome),
  ],
  ['a shorter one', () => cut(new WrittenLog())],
  ['none of its segments', () => new WrittenLog()],
] as const)('an index of what has become %s takes nothing over', async ([, replaced]) => {
  log.segment().seal(start, intent).seal(outcome)
  await found()
  const other = replaced()
  try {
    const there: number[] = []
    for await (const { index } of readLeaves(other.dir)) there.push(index)
    const indexes = await indexed((index) => [...index.find(EVERY_LEAF)], other.dir)
    expect(indexes.map(({ index }) => index)).toEqual(there)
    expect(await indexed((index) => index.count(by('host', 'api.example.com')), other.dir)).toBe(0)
    expect(said).toEqual([expect.stringContaining('the log is not the one that was indexed')])
  } finally {
    other.remove()
  }
})

test('a log whose later segment goes back before what was indexed is indexed anew', async () => {
  log.segment().seal(start).seal(intent)
  await found()
  log.segment(1).seal(outcome)
  expect(await found(by('type', 'action.intent'))).toEqual([])
  expect(await found()).toEqual([0, 1])
  expect(said).toHaveLength(1)
})

test('a leaf that was edited in its place is not shown as the one that was indexed', async () => {
  log.segment().seal(start, intent)
  await found()
  const path = join(log.dir, '000000000001.log')
  const at = readFileSync(path, 'utf8').indexOf('r.one')
  const file = openSync(path, 'r+')
  writeSync(file, 'r.two', at)
  closeSync(file)
  await expect(found(by('rule', 'r.one'))).rejects.toMatchObject({
    code: 'LOG_BROKEN',
    message: 'leaf 1 in segment 1 is not the one that was indexed',
  })
})

test.for([
  ['in no directory', '/nowhere/index.sqlite'],
  ['where nothing can be written', '/proc/index.sqlite'],
] as const)('an index %s is made for one question', async ([, file]) => {
  log.segment().seal(start, intent)
  const index = await LogIndex.open({ dir: log.dir, file }, (line) => void said.push(line))
  expect(index.count(by('host', 'api.example.com'))).toBe(1)
  index.close()
  expect(said).toEqual([expect.stringContaining(`the index ${file} cannot be written`)])
})

test('two that ask at once both get all of it', async () => {
  log.segment().seal(start, intent, outcome)
  expect(await Promise.all([found(), found(), found()])).toEqual([
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2],
  ])
})

test.for([
  ['a line that is no leaf', 'hello', 'segment 1, byte '],
  ['a leaf that is no JSON', '{"a":', 'leaf 1 is no JSON'],
] as const)('%s is an error with its place', async ([, line, message]) => {
  log.segment().seal(start).leaf(line).seal()
  await expect(found()).rejects.toThrow(message)
})

test('an index of leaves whose time goes back still finds them by their time', async () => {
  const at = (second: number): object => ({ ...start, at: `2026-01-02T03:04:0${second}.000Z` })
  log.segment().seal(at(1), at(5), at(2), { type: 'timeless' }, at(4))
  const sinceMs = Date.parse('2026-01-02T03:04:02.000Z')
  expect(await found({ ...EVERY_LEAF, sinceMs, untilMs: sinceMs + 2001 })).toEqual([2, 4])
  expect(await found({ ...EVERY_LEAF, sinceMs })).toEqual([1, 2, 4])
  expect(await found({ ...by('agent', 'bot'), untilMs: sinceMs + 1 })).toEqual([0, 2])
})

function removeIndex(): void {
  truncateSync(log.index)
}

function damage(path: string): void {
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(statSync(path).size - 200, 0x5a), 0, undefined, 200)
  closeSync(file)
}

function change(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

/** The first batch of `log`, byte by byte. */
function cut(other: WrittenLog): WrittenLog {
  cpSync(log.dir, other.dir, { recursive: true })
  const path = join(other.dir, '000000000001.log')
  const end = readFileSync(path, 'utf8').split('\n').slice(0, 4).join('\n').length + 1
  truncateSync(path, end)
  return other
}
