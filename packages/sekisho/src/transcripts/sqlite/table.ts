import { columnNames } from './column-names.ts'
import type { Pages } from './pages.ts'
import { readRecord, type SqlValue, varintAt } from './record.ts'
import { viewOf } from './write-ahead-log.ts'

const INTERIOR = 0x05
const LEAF = 0x0d
/** In bytes: it is in front of the first page. */
const FILE_HEADER = 100

/** Rows of a table, and how many of its pages, rows and columns could not be read. */
export type TableRows = { rows: (readonly SqlValue[])[]; unread: number }

/** `sqlite_schema`: where tables are, and the statements that made them. */
const SCHEMA = { root: 1, columns: [0, 1, 3, 4] } as const

/**
 * Rows of one table of a database that somebody else wrote, in the order of their row ids, without
 * its indexes and whatever code a schema can hold: a damaged or a made-up file costs no more than to
 * look at each of its pages once.
 *
 * @returns null where there is no such table, or not with such columns
 */
export function readTable(
  pages: Pages,
  { table, columns }: { table: string; columns: readonly string[] },
): TableRows | null {
  const schema = readRows(pages, SCHEMA)
  const found = schema.rows.find(([type, name]) => type === 'table' && name === table)
  const [, , root, sql] = found ?? []
  if (typeof root !== 'number' || typeof sql !== 'string') return null
  const names = columnNames(sql)
  const places = columns.map((column) => names.indexOf(column))
  if (places.includes(-1)) return null
  const { rows, unread } = readRows(pages, { root, columns: places })
  return { rows, unread: unread + schema.unread + pages.unread }
}

type Wanted = { root: number; columns: readonly number[] }

function readRows(pages: Pages, { root, columns }: Wanted): TableRows {
  const found: TableRows = { rows: [], unread: 0 }
  const once = new PagesOnce(pages)
  const open = [root]
  for (let number = open.pop(); number !== undefined; number = open.pop()) {
    const node = nodeAt(once, number)
    if (node === null) {
      found.unread += 1
    } else if (node.type === INTERIOR) {
      // the first of them is next
      open.push(...childrenOf(node).toReversed())
    } else {
      readLeaf(node, { once, columns, found })
    }
  }
  return found
}

function readLeaf(
  { page, cells }: Node,
  to: { once: PagesOnce; columns: readonly number[]; found: TableRows },
): void {
  // cells that lie over each other would have one page's bytes decoded thousands of times
  let room = page.length
  for (const cell of cells) {
    const payload = room < 0 ? null : payloadAt(page, cell, to.once)
    const row = payload === null ? null : readRecord(payload.bytes, to.columns)
    room -= payload?.local ?? 0
    if (row === null) to.found.unread += 1
    else to.found.rows.push(row)
  }
}

/** No page is part of two things: one that is met again is a loop, or made to be read for ever. */
class PagesOnce {
  readonly #pages: Pages
  readonly #seen = new Set<number>()

  constructor(pages: Pages) {
    this.#pages = pages
  }

  get usableBytes(): number {
    return this.#pages.usableBytes
  }

  take(number: number): Uint8Array | null {
    if (this.#seen.has(number)) return null
    this.#seen.add(number)
    return this.#pages.at(number)
  }
}

type Node = {
  type: typeof INTERIOR | typeof LEAF
  page: Uint8Array
  /** where each cell begins */
  cells: readonly number[]
  rightmost: number
}

/** @returns null for what is no page of a table */
function nodeAt(pages: PagesOnce, number: number): Node | null {
  const page = pages.take(number)
  if (page === null) return null
  const at = number === 1 ? FILE_HEADER : 0
  const view = viewOf(page)
  const type = view.getUint8(at)
  if (type !== INTERIOR && type !== LEAF) return null
  const count = view.getUint16(at + 3)
  const first = at + (type === INTERIOR ? 12 : 8)
  if (first + 2 * count > page.length) return null
  const cells = Array.from({ length: count }, (_, i) => view.getUint16(first + 2 * i))
  return { type, page, cells, rightmost: type === INTERIOR ? view.getUint32(at + 8) : 0 }
}

function childrenOf({ page, cells, rightmost }: Node): number[] {
  const view = viewOf(page)
  // a cell that is not on its page leads to no page
  const children = cells.map((cell) => (cell + 4 <= page.length ? view.getUint32(cell) : 0))
  return [...children, rightmost]
}

type Payload = {
  bytes: Uint8Array
  /** so many of them on the row's own page */
  local: number
}

/** What a row consists of; its end may be on other pages. @returns null where some of it is missing */
function payloadAt(page: Uint8Array, cell: number, pages: PagesOnce): Payload | null {
  const length = varintAt(page, cell)
  const rowId = length && varintAt(page, length.next)
  if (length === null || rowId === null) return null
  const start = rowId.next
  const local = localBytes(length.value, pages.usableBytes)
  const own = page.subarray(start, start + local)
  if (local === length.value) return own.length < local ? null : { bytes: own, local }
  if (start + local + 4 > page.length) return null
  const first = viewOf(page).getUint32(start + local)
  const rest = overflowFrom(first, length.value - local, pages)
  return rest === null ? null : { bytes: joined([own, ...rest], length.value), local }
}

function overflowFrom(first: number, bytes: number, pages: PagesOnce): Uint8Array[] | null {
  const pieces: Uint8Array[] = []
  let next = first
  let missing = bytes
  while (missing > 0) {
    const page = pages.take(next)
    if (page === null) return null
    const piece = page.subarray(4, Math.min(pages.usableBytes, 4 + missing))
    pieces.push(piece)
    missing -= piece.length
    next = viewOf(page).getUint32(0)
  }
  return pieces
}

/** How much of a payload is on its own page: <https://sqlite.org/fileformat2.html#b_tree_pages>. */
function localBytes(payload: number, usable: number): number {
  const most = usable - 35
  if (payload <= most) return payload
  const least = Math.floor(((usable - 12) * 32) / 255) - 23
  const even = least + ((payload - least) % (usable - 4))
  return even <= most ? even : least
}

function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
