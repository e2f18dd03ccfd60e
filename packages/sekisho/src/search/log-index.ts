import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type IndexedLeaf, segmentName } from '@sekisho/verify'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import { type Facet, FacetReader } from './facets.ts'
import { type Filter, fitsPattern, withUserNames } from './filter.ts'
import {
  isUnusable,
  isUnwritable,
  openDatabase,
  refuseForeign,
  removeDatabase,
} from './index-schema.ts'
import { IndexStore } from './index-store.ts'
import { IndexWriter, printOf } from './index-writer.ts'
import { leafCondition } from './leaf-condition.ts'

export type IndexPlace = {
  /** the log's directory */
  dir: string
  /** the index's file; '' for one that is gone once it is closed */
  file: string
  /** by a person: the file may be somebody else's, and is then left as it is */
  isNamed?: boolean | undefined
}

export type FindOptions = { limit?: number | undefined; isReversed?: boolean | undefined }

/** Segments whose files are open at once. */
const MAX_OPEN_SEGMENTS = 16

/**
 * Finds leaves of a log. The index holds nothing that is not in the log's segments: it is brought up
 * to them when it is opened, and made anew where it is gone, damaged, of another version or of
 * another log. What is given out is read from the segments, and compared with what was indexed.
 */
export class LogIndex {
  readonly #database: DatabaseSync
  readonly #place: IndexPlace
  readonly #segments = new Map<number, number>()

  private constructor(database: DatabaseSync, place: IndexPlace) {
    this.#database = database
    this.#place = place
  }

  /**
   * @param report takes a line about an index that had to be made anew
   * @throws Error where the files cannot be read as a log, or the index cannot be written;
   *   SekishoError CONFIG_INVALID for a named file that is no index
   */
  static async open(place: IndexPlace, report: (line: string) => void): Promise<LogIndex> {
    const { file, isNamed } = place
    if (isNamed === true) refuseForeign(file)
    try {
      return await LogIndex.#openUpdated(place, report)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (isUnwritable(error, file)) {
        // whoever looks into what filled a disk must not need room on it
        report(
          `the index ${file} cannot be written (${reason}): one is made for this question alone`,
        )
        return LogIndex.#openUpdated({ ...place, file: '' }, report)
      }
      if (!isUnusable(error)) throw error
      removeDatabase(file)
      report(`the index ${file} could not be used (${reason}) and is made anew`)
      return LogIndex.#openUpdated(place, report)
    }
  }

  static async #openUpdated(place: IndexPlace, report: (line: string) => void): Promise<LogIndex> {
    const database = openDatabase(place.file)
    try {
      const why = await new IndexWriter(database, place.dir).update()
      if (why !== null) report(`the log is not the one that was indexed (${why}): indexed anew`)
      return new LogIndex(database, place)
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** Leaves that are indexed: all that were sealed when it was opened. */
  get size(): number {
    return Number(this.#database.prepare('SELECT size FROM head').get()?.['size'] ?? 0)
  }

  /** How many leaves are wanted. */
  count(filter: Filter): number {
    const condition = this.#condition(filter)
    if (condition === null) return 0
    const { where, values } = condition
    const row = this.#ask(() =>
      this.#database.prepare(`SELECT count(*) AS n ${where}`).get(...values),
    )
    return Number(row?.['n'])
  }

  /**
   * The leaves that are wanted, oldest first unless reversed; one at a time is held.
   *
   * @throws SekishoError LOG_BROKEN where one is not what it was when it was indexed
   */
  *find(filter: Filter, { limit, isReversed }: FindOptions = {}): Generator<IndexedLeaf> {
    const condition = this.#condition(filter)
    if (condition === null) return
    const { where, values } = condition
    const order = isReversed === true ? 'DESC' : 'ASC'
    const places = this.#database.prepare(
      `SELECT leaf.* ${where} ORDER BY ${condition.position} ${order} LIMIT ?`,
    )
    const rows = places.iterate(...values, limit ?? -1)
    for (;;) {
      const next = this.#ask(() => rows.next())
      if (next.done === true) return
      yield this.#read(next.value)
    }
  }

  /** All values of a facet that the log has, or those that fit a pattern. */
  valuesOf(facet: Facet, pattern = '*'): string[] {
    return this.#terms(facet, [pattern]).map(({ value }) => value)
  }

  knows(facet: Facet, pattern: string): boolean {
    return this.#terms(facet, [pattern]).length > 0
  }

  close(): void {
    for (const file of this.#segments.values()) closeSync(file)
    this.#segments.clear()
    this.#database.close()
  }

  #condition(filter: Filter): ReturnType<typeof leafCondition> {
    const reader = new FacetReader(new IndexStore(this.#database))
    const { facets, ...rest } = withUserNames(filter, reader)
    const terms = [...facets].map(([facet, patterns]) =>
      this.#terms(facet, patterns).map(({ id }) => id),
    )
    return this.#ask(() => leafCondition(this.#database, { ...rest, terms }))
  }

  #terms(facet: Facet, patterns: readonly string[]): { id: number; value: string }[] {
    if (patterns.every((pattern) => !pattern.includes('*'))) {
      const one = this.#database.prepare('SELECT id FROM term WHERE facet = ? AND value = ?')
      return patterns.flatMap((value) => {
        const row = this.#ask(() => one.get(facet, value))
        return row === undefined ? [] : [{ id: Number(row['id']), value }]
      })
    }
    const all = this.#ask(() =>
      this.#database.prepare('SELECT id, value FROM term WHERE facet = ?').all(facet),
    )
    return all
      .map(({ id, value }) => ({ id: Number(id), value: String(value) }))
      .filter(({ value }) => patterns.some((pattern) => fitsPattern(value, pattern)))
  }

  #read(row: Readonly<Record<string, unknown>>): IndexedLeaf {
    const index = Number(row['position'])
    const segment = Number(row['segment'])
    const bytes = Buffer.alloc(Number(row['length']))
    const got = readSync(this.#segment(segment), bytes, 0, bytes.length, Number(row['start']))
    if (got === bytes.length && printOf(bytes) === Number(row['print'])) {
      return { index, leaf: Object(parseJson(bytes.toString('utf8'))) }
    }
    throw new SekishoError(
      'LOG_BROKEN',
      `leaf ${index} in segment ${segment} is not the one that was indexed`,
      { hint: 'run `sekisho log verify`: the file was changed since' },
    )
  }

  #segment(number: number): number {
    const known = this.#segments.get(number)
    if (known !== undefined) return known
    if (this.#segments.size >= MAX_OPEN_SEGMENTS) {
      for (const file of this.#segments.values()) closeSync(file)
      this.#segments.clear()
    }
    const file = openSync(join(this.#place.dir, segmentName(number)), 'r')
    this.#segments.set(number, file)
    return file
  }

  /** A damaged page may be met late: the file is taken away, so that the next one is whole. */
  #ask<T>(question: () => T): T {
    try {
      return question()
    } catch (cause) {
      if (!isUnusable(cause) || this.#place.file === '') throw cause
      removeDatabase(this.#place.file)
      throw new SekishoError('CONFIG_INVALID', `the index ${this.#place.file} was damaged`, {
        hint: 'ask again: it is made anew from the log',
        cause,
      })
    }
  }
}
