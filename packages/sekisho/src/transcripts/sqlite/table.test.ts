import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { columnNames } from './column-names.ts'
import { Pages } from './pages.ts'
import { readTable, type TableRows } from './table.ts'

const COLUMNS = ['id', 'n', 'body']
const MADE =
  'CREATE TABLE t (id TEXT PRIMARY KEY, /* , x */ other, "n" REAL, [body] TEXT, CHECK (n IS n))'

let directory = ''
let db: DatabaseSync
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sekisho-db-'))
  db = new DatabaseSync(join(directory, 'a.db'))
})
afterEach(() => {
  db.close()
  rmSync(directory, { recursive: true })
})

type Files = { content: Buffer; journal: Buffer | null }

/** As they are on the disk, with the database still open. */
function files(): Files {
  const path = join(directory, 'a.db')
  return { content: readFileSync(path), journal: journalOf(path) }
}

function journalOf(path: string): Buffer | null {
  try {
    return readFileSync(`${path}-wal`)
  } catch {
    return null
  }
}

function read(
  of: Parameters<typeof Pages.open>[0],
  columns: readonly string[] = COLUMNS,
): TableRows | null {
  const pages = Pages.open(of)
  return pages && readTable(pages, { table: 't', columns })
}

function insert(...rows: readonly (readonly [string, number | null, string | null])[]): void {
  const statement = db.prepare('INSERT OR REPLACE INTO t (id, n, body) VALUES (?, ?, ?)')
  for (const one of rows) statement.run(...one)
}

/** What SQLite itself reads. */
function oracle(): unknown[] {
  const rows = db.prepare('SELECT id, n, body FROM t ORDER BY rowid').all()
  return rows.map(({ id, n, body }) => [id, n, body])
}

const row = fc.tuple(
  fc.stringMatching(/^[a-z]{1,6}$/),
  fc.option(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.double({ noNaN: true }))),
  fc.option(
    fc
      .tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(0, 40, 400, 9000))
      .map(([text, length]) => text.replaceAll('\0', '') + 'x'.repeat(length)),
  ),
)

test('whatever is in a table and its write-ahead log, SQLite reads the same', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(512, 4096, 65_536),
      fc.boolean(),
      fc.array(fc.array(row, { maxLength: 30 }), { maxLength: 4 }),
      (pageBytes, isLogged, batches) => {
        db.close()
        rmSync(directory, { recursive: true })
        directory = mkdtempSync(join(tmpdir(), 'sekisho-db-'))
        db = new DatabaseSync(join(directory, 'a.db'))
        db.exec(`PRAGMA page_size = ${pageBytes}`)
        db.exec(`PRAGMA synchronous = off; PRAGMA journal_mode = ${isLogged ? 'wal' : 'memory'}`)
        db.exec(MADE)
        for (const batch of batches) {
          db.exec('BEGIN')
          insert(...batch)
          db.exec('COMMIT')
          if (batch.length % 3 === 0) db.exec('PRAGMA wal_checkpoint(restart)')
        }
        expect(read(files())).toEqual({ rows: oracle(), unread: 0 })
      },
    ),
    { numRuns: 40 },
  )
})

/** Some hundred rows on pages of 512 bytes, half of them in the log only. */
function fill(): void {
  db.exec('PRAGMA page_size = 512; PRAGMA synchronous = off; PRAGMA journal_mode = wal')
  db.exec(MADE)
  insert(...Array.from({ length: 100 }, (_, i) => [`a${i}`, i, 'x'.repeat(i * 9)] as const))
  db.exec('PRAGMA wal_checkpoint(truncate)')
  insert(...Array.from({ length: 100 }, (_, i) => [`b${i}`, i, 'y'] as const))
}

test('a transaction that is open while the files are read is none, and is told of', () => {
  fill()
  const before = oracle()
  // so small a cache writes to the log before the commit
  db.exec('PRAGMA cache_size = 1; BEGIN')
  insert(...Array.from({ length: 200 }, (_, i) => [`c${i}`, i, 'z'.repeat(2000)] as const))
  const { rows, unread } = read(files()) ?? { rows: [], unread: 0 }
  expect([rows.length, unread > 0]).toEqual([before.length, true])
  db.exec('ROLLBACK')
})

test('of a file that ends early the rest is read, and what is missing is counted', () => {
  fill()
  db.exec('PRAGMA wal_checkpoint(truncate)')
  const { content } = files()
  const whole = read({ content, journal: null })
  const half = read({ content: content.subarray(0, content.length / 2), journal: null })
  expect(whole).toMatchObject({ unread: 0 })
  expect(half?.unread).toBeGreaterThan(0)
  expect(half?.rows.length).toBeGreaterThan(0)
  const all = new Set(whole?.rows.map((one) => JSON.stringify(one)))
  expect(half?.rows.filter((one) => !all.has(JSON.stringify(one)))).toEqual([])
})

test('a log that is torn counts up to its last commit, and one that is none is told of', () => {
  fill()
  const { content, journal } = files()
  if (journal === null) throw new Error('there is no log')
  const torn = read({ content, journal: journal.subarray(0, journal.length - 700) })
  expect([torn?.rows.length, torn?.unread]).toEqual([199, 1])
  // its last commit without the frame that makes it one
  const open = read({ content, journal: journal.subarray(0, journal.length - 536) })
  expect([open?.rows.length, open?.unread]).toEqual([199, 1])
  const none = read({ content, journal: new Uint8Array(4096).fill(7) })
  expect([none?.rows.length, none?.unread]).toEqual([100, 1])
})

test('a frame that somebody has changed ends the log', () => {
  fill()
  const { content, journal } = files()
  if (journal === null) throw new Error('there is no log')
  const at = journal.indexOf('b50')
  journal.write('bad', at)
  const { rows, unread } = read({ content, journal }) ?? { rows: [], unread: 0 }
  // it, and three before it of the same transaction
  expect([rows.length, unread]).toEqual([150, 4])
})

test.for<[name: string, file: Uint8Array]>([
  ['nothing', new Uint8Array()],
  ['a text', Buffer.from('{"type":"assistant"}\n'.repeat(100))],
  ['a header and no more', Buffer.from('SQLite format 3\0'.padEnd(100, '\0'))],
])('%s is no database', ([, content]) => {
  expect(read({ content, journal: null })).toBe(null)
})

test('a table that is not there, or without such a column, is none', () => {
  db.exec('CREATE TABLE u (id); CREATE VIEW t AS SELECT 1 AS id')
  expect(read(files(), ['id'])).toBe(null)
  db.exec('DROP VIEW t; CREATE TABLE t (id)')
  expect([read(files(), ['id', 'n']), read(files(), ['id'])]).toEqual([
    null,
    { rows: [], unread: 0 },
  ])
})

test.for(['/*', '[', "'"])('a table whose statement is nothing but %s has no columns', (piece) => {
  expect(columnNames(`CREATE TABLE t (${piece.repeat(1e6)}`)).not.toContain('id')
})

test('a row that was written before its column was added has none there', () => {
  db.exec("CREATE TABLE t (id); INSERT INTO t VALUES ('a'); ALTER TABLE t ADD COLUMN n")
  expect(read(files(), ['n', 'id'])).toEqual({ rows: [[null, 'a']], unread: 0 })
})

test('a page that lies on itself is read once', () => {
  fill()
  db.exec('PRAGMA wal_checkpoint(truncate)')
  const { content } = files()
  const root = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get()?.['rootpage']
  const at = (Number(root) - 1) * 512
  // every child of the root is the root
  content.fill(0, at + 12, at + 512)
  content.writeUInt16BE(200, at + 3)
  content.writeUInt32BE(Number(root), at + 8)
  for (let i = 0; i < 200; i++) content.writeUInt16BE(480, at + 12 + 2 * i)
  content.writeUInt32BE(Number(root), at + 480)
  expect(read({ content, journal: null })).toEqual({ rows: [], unread: 201 })
})

test('cells that lie over each other are not each read', () => {
  db.exec('PRAGMA page_size = 65536')
  db.exec(MADE)
  insert(['a', 1, 'x'.repeat(60_000)])
  const { content } = files()
  const at = 65_536
  const cell = content.readUInt16BE(at + 8)
  content.writeUInt16BE(1000, at + 3)
  for (let i = 0; i < 1000; i++) content.writeUInt16BE(cell, at + 8 + 2 * i)
  expect(read({ content, journal: null })).toMatchObject({
    rows: { length: 2 },
    unread: 998,
  })
})

test('whatever an agent makes of the bytes, reading them ends and throws nothing', () => {
  fill()
  const { content, journal } = files()
  if (journal === null) throw new Error('there is no log')
  const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
  const changed = (bytes: Uint8Array, changes: readonly [number, number][]): Uint8Array => {
    const copy = Uint8Array.from(bytes)
    for (const [place, value] of changes) copy[place % copy.length] = value
    return copy
  }
  const damage = fc.record({
    inFile: fc.array(change, { maxLength: 20 }),
    // the schema's page, where damage does most
    inSchema: fc.array(fc.tuple(fc.nat(511), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
    inLog: fc.array(change, { maxLength: 2 }),
    length: fc.nat(content.length),
  })
  fc.assert(
    fc.property(damage, ({ inFile, inSchema, inLog, length }) => {
      const file = changed(changed(content, inFile), inSchema).subarray(0, length)
      const found = read({ content: file, journal: changed(journal, inLog) })
      expect(found?.rows.length ?? 0).toBeLessThan(content.length + journal.length)
    }),
  )
})
