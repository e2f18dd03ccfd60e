import { isPageSize, type Newer, readWriteAheadLog, viewOf } from './write-ahead-log.ts'

/** A database's file as it was found, and the write-ahead log beside it; each may be torn. */
export type DatabaseFiles = { content: Uint8Array; journal: Uint8Array | null }

const HEADER_BYTES = 100
const MAGIC = 'SQLite format 3\0'
const UTF_8 = 1
/** Less than that of a page may hold no payload at all. */
const MIN_USABLE_BYTES = 480

/** Pages of a database, those of its write-ahead log before those of its file. */
export class Pages {
  /** bytes of a page that are not reserved for extensions */
  readonly usableBytes: number
  readonly count: number
  /** pieces of the write-ahead log that were never committed, or cannot be read */
  readonly unread: number
  readonly #pageBytes: number
  readonly #content: Uint8Array
  readonly #newer: ReadonlyMap<number, Uint8Array>

  private constructor(
    content: Uint8Array,
    newer: Newer,
    sizes: { pageBytes: number; usableBytes: number },
  ) {
    this.#content = content
    this.#newer = newer.byNumber
    this.#pageBytes = sizes.pageBytes
    this.usableBytes = sizes.usableBytes
    this.unread = newer.unread
    this.count = newer.pages === 0 ? Math.ceil(content.length / sizes.pageBytes) : newer.pages
  }

  /** @returns null for what is no database, or one whose texts are not UTF-8 */
  static open({ content, journal }: DatabaseFiles): Pages | null {
    const newer = readWriteAheadLog(journal ?? NOTHING)
    const first = newer.byNumber.get(1) ?? content
    const sizes = isDatabase(first) ? sizesOf(viewOf(first)) : null
    const fits = newer.pages === 0 || newer.pageBytes === sizes?.pageBytes
    return sizes === null || !fits ? null : new Pages(content, newer, sizes)
  }

  /** @returns null for one that is not there, or not as a whole */
  at(number: number): Uint8Array | null {
    const newer = this.#newer.get(number)
    if (newer !== undefined) return newer
    const start = (number - 1) * this.#pageBytes
    const end = start + this.#pageBytes
    return number < 1 || number > this.count || end > this.#content.length
      ? null
      : this.#content.subarray(start, end)
  }
}

function sizesOf(header: DataView): { pageBytes: number; usableBytes: number } | null {
  // 65,536 does not fit there
  const pageBytes = header.getUint16(16) === 1 ? 65_536 : header.getUint16(16)
  const usableBytes = pageBytes - header.getUint8(20)
  const isRead = header.getUint32(56) === UTF_8 && usableBytes >= MIN_USABLE_BYTES
  return isPageSize(pageBytes) && isRead ? { pageBytes, usableBytes } : null
}

function isDatabase(first: Uint8Array): boolean {
  return first.length >= HEADER_BYTES && LATIN.decode(first.subarray(0, MAGIC.length)) === MAGIC
}

const NOTHING = new Uint8Array()
const LATIN = new TextDecoder('latin1')
