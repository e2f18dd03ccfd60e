import type { ModelApi } from '../../core/action.ts'
import { isObject } from '../hold/json-object.ts'
import { JsonScanner } from './json-scanner.ts'
import { parseStrictly } from './json-value.ts'
import type { PartFinder, Segment } from './kept-body.ts'
import { foldName, type Piece, PieceBook } from './piece.ts'
import { REQUEST_FORMATS } from './request-formats.ts'
import { RequestFault } from './request-fault.ts'
import type { RequestFormat } from './request-format.ts'

const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const QUOTE = 0x22
const COLON = 0x3a
const COMMA = 0x2c

const NOTHING: Piece = Object.freeze({
  texts: [],
  tools: [],
  unsupported: [],
  pictures: 0,
  pictureBytes: 0,
  refersElsewhere: false,
})

export type ReadBody = {
  /** in order */
  segments: readonly Segment[]
  /** not found in an older body */
  fresh: readonly Segment[]
  /** by canonical name, without lists */
  members: ReadonlyMap<string, unknown>
}

/**
 * Reads a body part by part.
 *
 * @param finder of parts of an older body; a part that is found there is not read again
 * @throws RequestFault for what is no request of this format, or has several meanings
 */
export function readSegments(api: ModelApi, body: Buffer, finder?: PartFinder): ReadBody {
  return new SegmentReader(REQUEST_FORMATS[api], body, finder).read()
}

class SegmentReader {
  readonly #format: RequestFormat
  readonly #scanner: JsonScanner
  readonly #body: Buffer
  readonly #finder: PartFinder | undefined
  readonly #segments: Segment[] = []
  readonly #fresh: Segment[] = []
  readonly #members = new Map<string, unknown>()
  readonly #names = new Set<string>()

  constructor(format: RequestFormat, body: Buffer, finder: PartFinder | undefined) {
    this.#format = format
    this.#body = body
    this.#scanner = new JsonScanner(body)
    this.#finder = finder
  }

  read(): ReadBody {
    const scanner = this.#scanner
    scanner.expect(OPEN_OBJECT)
    if (!scanner.take(CLOSE_OBJECT)) {
      do this.#readMember()
      while (scanner.take(COMMA))
      scanner.expect(CLOSE_OBJECT)
    }
    if (scanner.peek() !== -1) scanner.fail('more than one value')
    return { segments: this.#segments, fresh: this.#fresh, members: this.#members }
  }

  #readMember(): void {
    const scanner = this.#scanner
    const name = this.#readName()
    scanner.expect(COLON)
    const first = scanner.peek()
    if (first === OPEN_LIST && this.#format.lists.has(name)) this.#readList(`${name}[]`)
    else this.#members.set(name, this.#readPart(name, 1).value)
  }

  #readName(): string {
    const scanner = this.#scanner
    if (scanner.peek() !== QUOTE) scanner.fail('no name of a member')
    const from = scanner.at
    scanner.skipValue(1)
    const written = parseStrictly(this.#body.subarray(from, scanner.at), 0)
    const name = this.#nameOf(written)
    if (this.#names.has(name)) throw new RequestFault('a name that stands twice in one object')
    this.#names.add(name)
    refuseDisguise(name, this.#format.known)
    return name
  }

  #nameOf(written: unknown): string {
    if (typeof written !== 'string') throw new RequestFault('no name of a member')
    return this.#format.canonicalName?.(written) ?? written
  }

  #readList(place: string): void {
    const scanner = this.#scanner
    scanner.expect(OPEN_LIST)
    if (scanner.take(CLOSE_LIST)) return
    do {
      scanner.peek()
      this.#readPart(place, 2)
    } while (scanner.take(COMMA))
    scanner.expect(CLOSE_LIST)
  }

  #readPart(place: string, depth: number): Segment {
    const scanner = this.#scanner
    const start = scanner.at
    // a number or a word ends where something else begins: it is read each time
    const old = isDelimited(this.#body[start]) ? this.#finder?.find(start, place) : undefined
    if (old === undefined) return this.#readFresh(place, depth)
    const end = start + old.end - old.start
    scanner.jump(end, old.values)
    // as most of them stand where they stood
    const segment = start === old.start ? old : { ...old, start, end }
    this.#segments.push(segment)
    return segment
  }

  #readFresh(place: string, depth: number): Segment {
    const scanner = this.#scanner
    const start = scanner.at
    scanner.skipValue(depth)
    const end = scanner.at
    const { names, values } = scanner
    const value = parseStrictly(this.#body.subarray(start, end), names)
    const isElement = place.endsWith('[]')
    const piece = this.#format.known.has(isElement ? place.slice(0, -2) : place)
      ? readKnown(this.#format, place, value)
      : readUnknown(place, value)
    const segment = { start, end, place, piece, values, value: isElement ? undefined : value }
    this.#segments.push(segment)
    this.#fresh.push(segment)
    return segment
  }
}

function isDelimited(first: number | undefined): boolean {
  return first === QUOTE || first === OPEN_LIST || first === OPEN_OBJECT
}

function readKnown(format: RequestFormat, place: string, value: unknown): Piece {
  if (value === null) return NOTHING
  const read = format.places.get(place)
  if (read === undefined && format.lists.has(place)) {
    throw new RequestFault(`${place} that is no list`)
  }
  const book = new PieceBook()
  read?.(value, book)
  return isEmpty(book) ? NOTHING : book
}

function isEmpty({ texts, tools, unsupported, pictures, refersElsewhere }: Piece): boolean {
  const count = texts.length + tools.length + unsupported.length + pictures
  return count === 0 && !refersElsewhere
}

/**
 * A field that nobody here knows. A switch or a text of one does little; an object or a list may
 * hold tools, prompts or places of prompts.
 */
function readUnknown(name: string, value: unknown): Piece {
  const book = new PieceBook()
  if (typeof value === 'string') book.text('user', value)
  else if (isObject(value) || Array.isArray(value)) book.unknown(`field ${name}`, value)
  return isEmpty(book) ? NOTHING : book
}

/** @throws RequestFault for a name that a server without regard for capitals takes for a known one */
function refuseDisguise(name: string, known: ReadonlySet<string>): void {
  if (known.has(name)) return
  const plain = foldName(name)
  for (const each of known) {
    if (foldName(each) === plain) throw new RequestFault(`a name in other capitals than ${each}`)
  }
}
