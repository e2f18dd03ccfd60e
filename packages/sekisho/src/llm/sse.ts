/** One event of a stream (WHATWG HTML §9.2.6), with the bytes that it came as. */
export type SseEvent = {
  /** with its empty line, and with comments in front of it */
  raw: Buffer
  /** of the `event` field; empty where it has none, which means `message` */
  name: string
  /** lines of `data` joined by LF; null for an event that is never dispatched */
  data: string | null
  /**
   * Said the way that every reader reads alike: one `event` and one `data` line at most, each with a
   * space behind its colon, and nothing beside; or comments and known fields alone. A reader that takes each `data` line for an event, or drops a BOM wherever it stands,
   * finds another event in what is not plain: such an event is written anew before it leaves.
   */
  isPlain: boolean
}

/** What ends an event stream that may not go on. */
export class SseFault extends Error {
  readonly kind: 'oversize' | 'encoding'

  constructor(kind: 'oversize' | 'encoding', message: string) {
    super(message)
    this.kind = kind
  }
}

/**
 * Where lines end for readers that go by Unicode, or by `str.splitlines` of Python: behind one of
 * these, a comment or a text would go on as an event.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const OTHER_LINE_END = /[\v\f\u001c-\u001e\u0085\u2028\u2029]/
const OTHER_LINE_ENDS = new RegExp(OTHER_LINE_END, 'g')

const LF = 0x0a
const CR = 0x0d
/** Fields that change nothing here; the one without a name is a comment. */
const HARMLESS: ReadonlySet<string> = new Set(['', 'id', 'retry'])

/** An event that is longer is not skipped, whatever it says. */
export const MAX_SKIPPED_EVENT_BYTES = 8_192

/**
 * Takes whole events that it reads by itself: plain ones of no more than `MAX_SKIPPED_EVENT_BYTES`.
 *
 * @param at where an event begins
 * @returns behind the last that it has taken
 */
export type SkipEvents = (bytes: Buffer, at: number) => number

const skipNone: SkipEvents = (_, at) => at

/**
 * Cuts a stream of bytes into events, in pieces of any length. The bytes of all events, in order,
 * are the bytes of the stream.
 */
export class SseReader {
  readonly #maxBytes: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #pieces: Buffer[] = []
  #bytes = 0
  /** no byte of the current line has come */
  #atLineStart = true
  /** the last byte was a CR, which ended a line; an LF now belongs to it */
  #afterCr = false
  /** that line was empty: the event ends behind it */
  #isOver = false
  #isFirst = true
  /** nothing but empty lines so far: they stay in front of what comes, or each would be an event */
  #isBlank = true
  /** in the piece that is read: found once, since most streams have none */
  #nextCr = 0
  #nextLf = 0

  /** @param maxBytes of one event, with comments in front of it */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * @param found told of each event, in order
   * @param skip asked where an event begins that is not the first, see {@link SkipEvents}
   * @throws SseFault behind which the stream cannot be read
   */
  push(bytes: Buffer, found: (event: SseEvent) => void, skip: SkipEvents = skipNone): void {
    let from = 0
    let at = 0
    this.#nextCr = -1
    this.#nextLf = -1
    while (at < bytes.length) {
      if (at === from && this.#maySkip) at = from = skip(bytes, at)
      if (at === bytes.length) break
      at = this.#afterCr ? this.#lineFeed(bytes, at) : this.#line(bytes, at)
      if (!this.#isOver || this.#afterCr) continue
      if (this.#isBlank) {
        this.#isOver = false
        continue
      }
      found(this.#take(bytes.subarray(from, at)))
      from = at
    }
    this.#keep(bytes.subarray(from))
  }

  /** An event begins here, as far as one may be skipped. */
  get #maySkip(): boolean {
    const isBetween = this.#bytes === 0 && this.#atLineStart && !this.#afterCr
    return isBetween && !this.#isFirst && this.#maxBytes >= MAX_SKIPPED_EVENT_BYTES
  }

  /** Behind the LF that belongs to the CR in front of it, if it is there. */
  #lineFeed(bytes: Buffer, at: number): number {
    this.#afterCr = false
    return bytes[at] === LF ? at + 1 : at
  }

  /** Behind what ends the line; whether an LF follows a CR is known with the next byte. */
  #line(bytes: Buffer, at: number): number {
    const end = this.#lineEnd(bytes, at)
    if (end === bytes.length) {
      this.#atLineStart = false
      this.#isBlank = false
      return end
    }
    this.#isOver = this.#atLineStart && end === at
    this.#isBlank &&= this.#isOver
    this.#atLineStart = true
    this.#afterCr = bytes[end] === CR
    return end + 1
  }

  #lineEnd(bytes: Buffer, at: number): number {
    if (this.#nextCr < at) this.#nextCr = indexOrEnd(bytes, CR, at)
    if (this.#nextLf < at) this.#nextLf = indexOrEnd(bytes, LF, at)
    return Math.min(this.#nextLf, this.#nextCr)
  }

  /**
   * What no empty line has ended. Readers that keep to the standard drop it; many do not, so it is
   * an event like the others.
   */
  end(): SseEvent | undefined {
    return this.#bytes === 0 ? undefined : this.#take(Buffer.alloc(0))
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#pieces.push(rest)
    this.#bytes += rest.length
    if (this.#bytes > this.#maxBytes) {
      throw new SseFault('oversize', `an event of more than ${this.#maxBytes} bytes`)
    }
  }

  #take(last: Buffer): SseEvent {
    this.#keep(last)
    const [first = last] = this.#pieces
    const raw = this.#pieces.length > 1 ? Buffer.concat(this.#pieces) : first
    this.#pieces = []
    this.#bytes = 0
    this.#isOver = false
    this.#isBlank = true
    const isFirst = this.#isFirst
    this.#isFirst = false
    return { raw, ...readFields(this.#decode(raw), isFirst) }
  }

  #decode(raw: Buffer): string {
    try {
      return this.#decoder.decode(raw)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      throw new SseFault('encoding', 'bytes that are no UTF-8')
    }
  }
}

function indexOrEnd(bytes: Buffer, byte: number, from: number): number {
  const at = bytes.indexOf(byte, from)
  return at === -1 ? bytes.length : at
}

type Fields = Omit<SseEvent, 'raw'>
type ReadFields = Fields & { hasName: boolean; hasOther: boolean }

function readFields(text: string, isFirst: boolean): Fields {
  const fields: ReadFields = {
    name: '',
    data: null,
    isPlain: !OTHER_LINE_END.test(text),
    hasName: false,
    hasOther: false,
  }
  let at = isFirst && text.startsWith('\ufeff') ? 1 : 0
  // not every reader leaves it out: to one that does not, the first field is another
  fields.isPlain &&= at === 0
  const ends = new LineEnds(text)
  while (at < text.length) {
    const end = ends.from(at)
    if (end > at) readLine(fields, text, { at, end })
    at = text.startsWith('\r\n', end) ? end + 2 : end + 1
  }
  const { name, data } = fields
  return { name, data, isPlain: fields.isPlain && isAlone(fields, text) }
}

/**
 * Some readers take for an event what begins with its data or its name, and keep a name until the
 * next one: nothing stands in front of data, and no name without it.
 */
function isAlone({ data, hasName, hasOther }: ReadFields, text: string): boolean {
  if (data === null) return !hasName
  return !hasOther && !/^[\r\n]/.test(text)
}

function readLine(
  fields: ReadFields,
  text: string,
  { at, end }: { at: number; end: number },
): void {
  const colon = text.indexOf(':', at)
  const nameEnd = colon === -1 || colon > end ? end : colon
  const field = text.slice(at, nameEnd)
  const value = valueOf(text, nameEnd + 1, end)
  fields.isPlain &&= isAlike(fields, field, text.charCodeAt(nameEnd + 1) === 0x20)
  if (field === 'data') {
    fields.data = fields.data === null ? value : `${fields.data}\n${value}`
  } else if (field === 'event') {
    fields.hasName = true
    fields.name = value
  } else fields.hasOther = true
}

/** @param isSpaced behind its colon, where some readers look for a space */
function isAlike(before: ReadFields, field: string, isSpaced: boolean): boolean {
  if (field === 'data') return isSpaced && before.data === null
  if (field === 'event') return isSpaced && !before.hasName
  return HARMLESS.has(field)
}

function valueOf(text: string, from: number, end: number): string {
  if (from >= end) return ''
  return text.slice(text.charCodeAt(from) === 0x20 ? from + 1 : from, end)
}

/** Each end is looked for once: an event may be millions of lines, all of them ended by one kind. */
class LineEnds {
  readonly #text: string
  #lf = -1
  #cr = -1

  constructor(text: string) {
    this.#text = text
  }

  /** @param at rising */
  from(at: number): number {
    if (this.#lf < at) this.#lf = this.#find('\n', at)
    if (this.#cr < at) this.#cr = this.#find('\r', at)
    return Math.min(this.#lf, this.#cr)
  }

  #find(character: string, at: number): number {
    const found = this.#text.indexOf(character, at)
    return found === -1 ? this.#text.length : found
  }
}

/**
 * An event as every reader reads it. `name` is left out where it is empty.
 *
 * @param data JSON, or without characters that end a line anywhere
 */
export function encodeSse(name: string, data: string, newline: '\n' | '\r\n'): Buffer {
  const event = name === '' ? '' : `event: ${name.replaceAll(OTHER_LINE_ENDS, '')}${newline}`
  return Buffer.from(
    `${event}data: ${data.replaceAll(OTHER_LINE_ENDS, escaped)}${newline}${newline}`,
  )
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
