/** In bytes: <https://sqlite.org/fileformat2.html#walformat>. */
const HEADER_BYTES = 32
const FRAME_HEADER = 24
const MAGIC = 0x377f0682
const FORMAT = 3_007_000

/** What a write-ahead log has to be read over its database's file. */
export type Newer = {
  /** 0 where nothing was committed */
  pageBytes: number
  /** of the whole database, as the last commit left it; 0 where there is none */
  pages: number
  byNumber: ReadonlyMap<number, Uint8Array>
  /** frames that were not committed, or are torn, and a log that is none */
  unread: number
}

/**
 * Pages of a write-ahead log up to its last commit, as SQLite itself would take them. What an earlier
 * use of the file has left behind does not count.
 */
export function readWriteAheadLog(log: Uint8Array): Newer {
  const header = headerOf(log)
  const byNumber = new Map<number, Uint8Array>()
  if (header === null) return { pageBytes: 0, pages: 0, byNumber, unread: log.length === 0 ? 0 : 1 }
  const { pageBytes } = header
  const open = new Map<number, Uint8Array>()
  let pages = 0
  let unread = 0
  for (const frame of framesOf(log, header)) {
    if (frame === null) {
      unread = 1
      break
    }
    open.set(frame.number, frame.page)
    if (frame.pagesAfter === 0) continue
    pages = frame.pagesAfter
    for (const [number, page] of open) byNumber.set(number, page)
    open.clear()
  }
  return { pageBytes, pages, byNumber, unread: unread + open.size }
}

/** `pagesAfter` is 0 but in a transaction's last one */
type Frame = { number: number; pagesAfter: number; page: Uint8Array }

/** Ends where an earlier use's frames begin, and after null where one is torn. */
function* framesOf(
  log: Uint8Array,
  { pageBytes, salts, sum }: Header,
): Generator<Frame | null, void> {
  const view = viewOf(log)
  const step = FRAME_HEADER + pageBytes
  for (let at = HEADER_BYTES; at + FRAME_HEADER <= log.length; at += step) {
    if (view.getUint32(at + 8) !== salts[0] || view.getUint32(at + 12) !== salts[1]) return
    if (at + step > log.length) return yield null
    sum.add(view, at, 8)
    sum.add(view, at + FRAME_HEADER, pageBytes)
    if (!sum.is(view.getUint32(at + 16), view.getUint32(at + 20))) return yield null
    const page = log.subarray(at + FRAME_HEADER, at + step)
    yield { number: view.getUint32(at), pagesAfter: view.getUint32(at + 4), page }
  }
}

type Header = { pageBytes: number; salts: readonly [number, number]; sum: Checksum }

function headerOf(log: Uint8Array): Header | null {
  if (log.length < HEADER_BYTES) return null
  const view = viewOf(log)
  const magic = view.getUint32(0)
  const pageBytes = view.getUint32(8)
  // the lowest bit says which end the checksums begin at
  if ((magic & ~1) !== MAGIC || view.getUint32(4) !== FORMAT || !isPageSize(pageBytes)) return null
  const sum = new Checksum((magic & 1) === 0)
  sum.add(view, 0, 24)
  if (!sum.is(view.getUint32(24), view.getUint32(28))) return null
  return { pageBytes, salts: [view.getUint32(16), view.getUint32(20)], sum }
}

export function isPageSize(bytes: number): boolean {
  return bytes >= 512 && bytes <= 65_536 && (bytes & (bytes - 1)) === 0
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** It runs on through all frames. */
class Checksum {
  readonly #isLittleEndian: boolean
  #a = 0
  #b = 0

  constructor(isLittleEndian: boolean) {
    this.#isLittleEndian = isLittleEndian
  }

  /** @param bytes a multiple of 8 */
  add(view: DataView, offset: number, bytes: number): void {
    let a = this.#a
    let b = this.#b
    for (let at = offset; at < offset + bytes; at += 8) {
      a = (a + view.getUint32(at, this.#isLittleEndian) + b) >>> 0
      b = (b + view.getUint32(at + 4, this.#isLittleEndian) + a) >>> 0
    }
    this.#a = a
    this.#b = b
  }

  is(a: number, b: number): boolean {
    return this.#a === a && this.#b === b
  }
}
