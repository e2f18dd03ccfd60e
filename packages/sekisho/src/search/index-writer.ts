import { hash } from 'node:crypto'
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { segmentName } from '@sekisho/verify'
import { parseJson } from '../core/parse-json.ts'
import { FacetReader, type Facets } from './facets.ts'
import { IndexStore } from './index-store.ts'
import { type LogLeaf, timeOf } from './leaf-fields.ts'
import {
  OtherLog,
  type Position,
  readSealed,
  type SealedBatch,
  type SealedLeaf,
} from './sealed-reader.ts'
import { wordsOf } from './words.ts'

/** Leaves and bytes in one transaction, and in memory. */
const MAX_STAGED_LEAVES = 32_768
const MAX_STAGED_BYTES = 32 * 1024 * 1024
const MAX_CACHED_TERMS = 65_536

/** `seal`: where the last checkpoint stands in its segment, and its digest; '' before the first. */
type Head = Position & { sealStart: number; sealDigest: string }
const BEGINNING: Head = { segment: 0, offset: 0, size: 0, sealStart: 0, sealDigest: '' }

/** Brings an index up to what is sealed in a log; several processes may do so at once. */
export class IndexWriter {
  readonly #database: DatabaseSync
  readonly #dir: string
  readonly #statements: Statements
  #store: IndexStore
  #facets: FacetReader
  readonly #terms = new Map<string, number>()

  constructor(database: DatabaseSync, dir: string) {
    this.#database = database
    this.#dir = dir
    this.#statements = prepare(database)
    this.#store = new IndexStore(database)
    this.#facets = new FacetReader(this.#store)
  }

  /**
   * @returns why the index was built anew; null where it went on
   * @throws Error where the files cannot be read as a log
   */
  async update(): Promise<string | null> {
    try {
      await this.#goOn()
      return null
    } catch (error) {
      if (!(error instanceof OtherLog)) throw error
      this.#clear()
      await this.#goOn()
      return error.message
    }
  }

  async #goOn(): Promise<void> {
    let isCurrent = false
    while (!isCurrent) {
      const head = this.#head()
      checkSeal(this.#dir, head)
      isCurrent = await this.#readFrom(head)
    }
  }

  /** @returns false where another process has gone on from the same place meanwhile */
  async #readFrom(begin: Head): Promise<boolean> {
    let head = begin
    let staged: SealedBatch[] = []
    let [leaves, bytes] = [0, 0]
    for await (const batch of readSealed(this.#dir, head)) {
      staged.push(batch)
      leaves += batch.leaves.length
      bytes += batch.after.offset - (batch.leaves[0]?.offset ?? batch.after.offset)
      if (leaves < MAX_STAGED_LEAVES && bytes < MAX_STAGED_BYTES) continue
      const next = headAfter(batch)
      if (!this.#commit(head, staged, next)) return false
      ;[head, staged, leaves, bytes] = [next, [], 0, 0]
    }
    const last = staged.at(-1)
    return last === undefined || this.#commit(head, staged, headAfter(last))
  }

  #commit(from: Head, batches: readonly SealedBatch[], to: Head): boolean {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const { size, segment, offset } = this.#head()
      if (size !== from.size || segment !== from.segment || offset !== from.offset) {
        this.#database.exec('ROLLBACK')
        this.#forget()
        return false
      }
      for (const { leaves, after } of batches) {
        for (const leaf of leaves) this.#add(leaf, after.segment)
      }
      this.#store.flush()
      this.#setHead(to)
      this.#database.exec('COMMIT')
      return true
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#forget()
      throw error
    }
  }

  #add({ index, offset, bytes }: SealedLeaf, segment: number): void {
    const leaf = parseLeaf(bytes, index)
    const at = timeOf(leaf)
    this.#statements.leaf.run(index, segment, offset, bytes.length, at, printOf(bytes))
    const words = [...this.#termWords(this.#facets.read(leaf))]
    for (const word of wordsOf(leaf)) words.push(`w${word}`)
    this.#statements.text.run(index, words.join(' '))
  }

  *#termWords(facets: Facets): Generator<string> {
    for (const [facet, values] of facets) {
      for (const value of values) yield `f${this.#term(facet, value)}`
    }
  }

  #term(facet: string, value: string): number {
    const key = `${facet} ${value}`
    const cached = this.#terms.get(key)
    if (cached !== undefined) return cached
    this.#statements.newTerm.run(facet, value)
    const id = Number(this.#statements.term.get(facet, value)?.['id'])
    if (this.#terms.size >= MAX_CACHED_TERMS) this.#terms.clear()
    this.#terms.set(key, id)
    return id
  }

  #head(): Head {
    const row = this.#statements.head.get()
    if (row === undefined) return BEGINNING
    return {
      segment: Number(row['segment']),
      offset: Number(row['next']),
      size: Number(row['size']),
      sealStart: Number(row['seal_start']),
      sealDigest: String(row['seal_digest']),
    }
  }

  #setHead({ segment, offset, size, sealStart, sealDigest }: Head): void {
    this.#database.exec('DELETE FROM head')
    this.#statements.setHead.run(segment, offset, size, sealStart, sealDigest)
  }

  #clear(): void {
    this.#database.exec(`
      BEGIN IMMEDIATE;
      DELETE FROM head; DELETE FROM leaf; DELETE FROM term; DELETE FROM memory;
      INSERT INTO text (text) VALUES ('delete-all');
      COMMIT;
    `)
    this.#forget()
  }

  /** What is at hand may not be what is in the file. */
  #forget(): void {
    this.#terms.clear()
    this.#store = new IndexStore(this.#database)
    this.#facets = new FacetReader(this.#store)
  }
}

/** 48 bits of the SHA-256 of a leaf: whether it is the one that was indexed. */
export function printOf(bytes: Uint8Array): number {
  return hash('sha256', bytes, 'buffer').readUIntBE(0, 6)
}

type Statements = Readonly<
  Record<'leaf' | 'text' | 'term' | 'newTerm' | 'head' | 'setHead', StatementSync>
>

function prepare(database: DatabaseSync): Statements {
  return {
    leaf: database.prepare('INSERT INTO leaf VALUES (?, ?, ?, ?, ?, ?)'),
    text: database.prepare('INSERT INTO text (rowid, words) VALUES (?, ?)'),
    term: database.prepare('SELECT id FROM term WHERE facet = ? AND value = ?'),
    newTerm: database.prepare('INSERT OR IGNORE INTO term (facet, value) VALUES (?, ?)'),
    head: database.prepare('SELECT * FROM head'),
    setHead: database.prepare('INSERT INTO head VALUES (?, ?, ?, ?, ?)'),
  }
}

function headAfter({ seal, after }: SealedBatch): Head {
  const sealStart = after.offset - seal.length - 1
  return { ...after, sealStart, sealDigest: hash('sha256', seal) }
}

/** @throws OtherLog where the checkpoint that was read last is not in its place any more */
function checkSeal(dir: string, { segment, offset, sealStart, sealDigest }: Head): void {
  if (sealDigest === '') return
  const line = Buffer.alloc(offset - sealStart - 1)
  const path = join(dir, segmentName(segment))
  if (readAt(path, line, sealStart) && hash('sha256', line) === sealDigest) return
  throw new OtherLog(`segment ${segment} is not the one that was indexed`)
}

function readAt(path: string, into: Buffer, start: number): boolean {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
  try {
    return readSync(file, into, 0, into.length, start) === into.length
  } finally {
    closeSync(file)
  }
}

function parseLeaf(bytes: Buffer, index: number): LogLeaf {
  let value: unknown
  try {
    value = parseJson(bytes.toString('utf8'))
  } catch (cause) {
    throw new Error(`leaf ${index} is no JSON`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new Error(`leaf ${index} is no JSON object`)
}
