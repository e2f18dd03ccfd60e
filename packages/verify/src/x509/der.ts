/** What a certificate is not allowed to be; caught where certificates are parsed. */
export class DerFault extends Error {}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** One element: its content, and all of it with tag and length. */
export type Element = { tag: number; content: Buffer; whole: Buffer }

/**
 * Reads DER (X.690 §10) strictly: definite lengths in their shortest form, tags of one octet,
 * nothing behind the end. One encoding for one value, so what is compared is what was signed.
 */
export class DerReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** the next element's tag; undefined at the end */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** @throws DerFault when the next element has another tag */
  take(tag: number, what: string): Element {
    const element = this.any(what)
    if (element.tag !== tag) throw new DerFault(`${what}: tag ${element.tag}, want ${tag}`)
    return element
  }

  takeIf(tag: number, what: string): Element | undefined {
    return this.nextTag === tag ? this.any(what) : undefined
  }

  /** A reader of what is inside a constructed element. */
  into(tag: number, what: string): DerReader {
    return new DerReader(this.take(tag, what).content)
  }

  any(what: string): Element {
    const start = this.#at
    const tag = this.#octet(what)
    if ((tag & 0x1f) === 0x1f) throw new DerFault(`${what}: a tag of several octets`)
    const length = this.#length(what)
    const from = this.#at
    if (length > this.#bytes.length - from) throw new DerFault(`${what} is cut off`)
    this.#at = from + length
    const content = this.#bytes.subarray(from, this.#at)
    return { tag, content, whole: this.#bytes.subarray(start, this.#at) }
  }

  end(what: string): void {
    if (!this.isAtEnd) throw new DerFault(`${what} has more in it than is known`)
  }

  #octet(what: string): number {
    const octet = this.#bytes[this.#at]
    if (octet === undefined) throw new DerFault(`${what} is missing`)
    this.#at += 1
    return octet
  }

  #length(what: string): number {
    const first = this.#octet(what)
    if (first < 0x80) return first
    // a certificate is far below 64 KiB
    if (first !== 0x81 && first !== 0x82) throw new DerFault(`${what}: a length of another form`)
    let length = this.#octet(what)
    if (first === 0x82) length = length * 256 + this.#octet(what)
    const shortest = length < 0x80 ? 0 : length < 0x100 ? 0x81 : 0x82
    if (first !== shortest) throw new DerFault(`${what}: a length that is not the shortest`)
    return length
  }
}

export function readBoolean(reader: DerReader, what: string): boolean {
  const { content } = reader.take(TAG.boolean, what)
  const [octet] = content
  if (content.length !== 1 || (octet !== 0 && octet !== 0xff))
    throw new DerFault(`${what}: no BOOLEAN`)
  return octet === 0xff
}

/** The octets of a non-negative INTEGER without its sign octet (X.690 §8.3.2). */
export function readInteger(reader: DerReader, what: string): Buffer {
  const { content } = reader.take(TAG.integer, what)
  const [first, second] = content
  if (first === undefined || first >= 0x80) throw new DerFault(`${what} is negative or empty`)
  if (first !== 0 || second === undefined) return content
  if (second < 0x80) throw new DerFault(`${what}: an INTEGER that is not the shortest`)
  return content.subarray(1)
}

/** @throws DerFault unless it is whole octets */
export function readBitString(reader: DerReader, what: string): Buffer {
  const { content } = reader.take(TAG.bitString, what)
  if (content[0] !== 0) throw new DerFault(`${what} has unused bits`)
  return content.subarray(1)
}

/** Numbers of the named bits that are set; trailing zero bits are not written (X.690 §11.2.2). */
export function readNamedBits(reader: DerReader, what: string): Set<number> {
  const { content } = reader.take(TAG.bitString, what)
  const unused = content[0] ?? 8
  const bits = content.subarray(1)
  const last = bits.at(-1)
  if (unused > 7 || last === undefined || (last & ((1 << (unused + 1)) - 1)) !== 1 << unused) {
    throw new DerFault(`${what}: bits that are not the shortest`)
  }
  const set = new Set<number>()
  for (const [i, octet] of bits.entries()) {
    for (let bit = 0; bit < 8; bit += 1) if ((octet & (0x80 >> bit)) !== 0) set.add(i * 8 + bit)
  }
  return set
}

/** Unix ms of a UTCTime until 2049, a GeneralizedTime from 2050 on (RFC 5280 §4.1.2.5). */
export function readTime(reader: DerReader, what: string): number {
  const { tag, content } = reader.any(what)
  const text = content.toString('latin1')
  const digits =
    tag === TAG.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const isTime = tag === TAG.utcTime || tag === TAG.generalizedTime
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? []
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const at = Date.parse(written)
  // the 30th of February is parsed, as another day
  const isReal = !Number.isNaN(at) && new Date(at).toISOString() === written
  if (!isTime || !isReal) throw new DerFault(`${what}: not a time`)
  if ((tag === TAG.generalizedTime) !== Number(year) >= 2050) {
    throw new DerFault(`${what}: a time of the other form`)
  }
  return at
}
