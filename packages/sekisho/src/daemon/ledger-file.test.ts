import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LedgerEntry } from '../wire/ledger.ts'
import { LedgerFile } from './ledger-file.ts'

let directory = ''
let path = ''
const opened: LedgerFile<LedgerEntry>[] = []
const open = (maxBytes?: number): LedgerFile<LedgerEntry> => {
  const file = new LedgerFile(path, LedgerEntry, maxBytes)
  opened.push(file)
  return file
}
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-ledger-'))
  path = join(directory, 'ledger.jsonl')
})
afterEach(async () => {
  for (const file of opened.splice(0)) await file.close()
  rmSync(directory, { recursive: true })
})

const entry = (positive: number): LedgerEntry => ({
  cell: 'spend x agent coder',
  windowMs: null,
  startMs: 0,
  endMs: null,
  positive,
  negative: 0,
})
const all = async (file: LedgerFile<LedgerEntry>): Promise<number[]> => {
  const found: number[] = []
  for (let page = 0; ; page += 1) {
    const { entries, isLast } = await file.read(page)
    found.push(...entries.map(({ positive }) => positive))
    if (isLast) return found
  }
}
const append = (file: LedgerFile<LedgerEntry>, ...amounts: number[]): Promise<void> =>
  file.note({ entries: amounts.map(entry), part: 'append' })

test('what was noted is there after a restart, in its order', async () => {
  const before = open()
  expect(await all(before)).toEqual([])
  await Promise.all([append(before, 1), append(before, 2, 3), append(before, 4)])
  await before.close()
  expect(await all(open())).toEqual([1, 2, 3, 4])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('many are read page by page', async () => {
  const amounts = Array.from({ length: 4096 }, (_, i) => i)
  const file = open()
  await append(file, ...amounts)
  await append(file, 4096)
  expect(await all(file)).toEqual([...amounts, 4096])
})

test('half a line at the end was told to nobody, and is dropped', async () => {
  await append(open(), 1)
  writeFileSync(path, '{"cell":"sp', { flag: 'a' })
  const after = open()
  expect(await all(after)).toEqual([1])
  await append(after, 2)
  expect(await all(open())).toEqual([1, 2])
})

test.for([
  ['a line within that is none', '{"version":1}\nx\n'],
  ['another version', '{"version":2}\n'],
  ['a line of another shape', '{"version":1}\n{"cell":"a"}\n'],
  ['a file of something else', 'hello\n'],
] as const)('%s: what is used up is unknown', async ([, text]) => {
  writeFileSync(path, text)
  await expect(open().read(0)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('what is written anew takes the place of all at once, at its end', async () => {
  const file = open()
  await append(file, 1, 2)
  await file.note({ entries: [entry(7)], part: 'begin' })
  await file.note({ entries: [entry(8)], part: 'more' })
  expect(await all(open())).toEqual([1, 2])
  await file.note({ entries: [], part: 'end' })
  await append(file, 9)
  expect(await all(open())).toEqual([7, 8, 9])
})

test('one that was broken off changes nothing, and the next begins anew', async () => {
  const file = open()
  await append(file, 1)
  await file.note({ entries: [entry(7)], part: 'begin' })
  await file.note({ entries: [entry(8)], part: 'begin' })
  await file.note({ entries: [], part: 'end' })
  expect(await all(open())).toEqual([8])
})

test('an end without a beginning is refused', async () => {
  await expect(open().note({ entries: [], part: 'end' })).rejects.toMatchObject({
    code: 'PROTOCOL_VIOLATION',
  })
})

test('a ledger that has grown too long is not written, and keeps what it has', async () => {
  const file = open(300)
  await append(file, 1)
  await append(file, 2)
  await expect(append(file, 3)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
  expect(await all(file)).toEqual([1, 2])
})

test('a place that cannot be written is an error, not a guess', async () => {
  const file = new LedgerFile(join(directory, 'not-there', 'ledger.jsonl'), LedgerEntry)
  await expect(append(file, 1)).rejects.toMatchObject({ code: 'LOG_UNWRITABLE' })
})

test('each entry is a line', async () => {
  await append(open(), 1, 2)
  expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(4)
})
