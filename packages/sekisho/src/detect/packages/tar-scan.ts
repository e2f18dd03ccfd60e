/** What a scan tells of each entry of an archive. */
export interface TarReader {
  /**
   * Asked for every entry; `take` wants its content.
   *
   * @param path as the archive spells it, long names resolved
   */
  wants(path: string, bytes: number): 'take' | 'skip'
  /** the whole content of a taken entry */
  take(path: string, content: Uint8Array): void
}

const BLOCK = 512
/** Of a long name or of extended attributes: they are kept until their entry comes. */
const MAX_HEADER_BYTES = 64 * 1024
const MAX_ENTRIES = 500_000

const FILES: ReadonlySet<string> = new Set(['0', '7'])
/** of the entry after them: pax, and GNU's long names */
const ATTRIBUTES: ReadonlySet<string> = new Set(['x', 'g', 'L', 'K'])
/** links, devices, directories, pipes */
const OTHERS = ['1', '2', '3', '4', '5', '6']
const KNOWN: ReadonlySet<string> = new Set([...FILES, ...ATTRIBUTES, ...OTHERS])

type Phase = 'header' | 'content' | 'padding' | 'end'

/**
 * Reads a tar archive (POSIX.1-2017 pax, ustar, and GNU's long names) as it goes by. It is
 * `unreadable` as soon as two readers could see different entries in it: a header whose checksum
 * is wrong, a size that is no octal number, bytes after its end.
 */
export class TarScan {
  readonly #reader: TarReader
  readonly #header = new Uint8Array(BLOCK)
  #filled = 0
  #phase: Phase = 'header'
  /** of the entry's content that is still to come */
  #left = 0
  #padding = 0
  #taken: Uint8Array[] | undefined
  #entry: { path: string; type: string } = { path: '', type: '0' }
  /** for the entry that comes next */
  #longName: string | undefined
  #longSize: number | undefined
  #zeroBlocks = 0
  #entries = 0
  #unreadable: string | undefined

  constructor(reader: TarReader) {
    this.#reader = reader
  }

  /** why the archive cannot be read; undefined while it can */
  get unreadable(): string | undefined {
    return this.#unreadable
  }

  push(piece: Uint8Array): void {
    let at = 0
    while (at < piece.length && this.#unreadable === undefined) {
      switch (this.#phase) {
        case 'header':
          at = this.#readHeader(piece, at)
          break
        case 'content':
          at = this.#readContent(piece, at)
          break
        case 'padding':
          at = this.#readPadding(piece, at)
          break
        case 'end':
          if (piece[at] !== 0) this.#unreadable = 'bytes after its end'
          at += 1
      }
    }
  }

  /** The rest; nothing may be pushed afterwards. */
  end(): void {
    if (this.#unreadable !== undefined) return
    if (this.#phase === 'content' || this.#phase === 'padding' || this.#filled > 0) {
      this.#unreadable = 'it breaks off'
    } else if (this.#entries === 0) this.#unreadable = 'it is empty'
  }

  #readHeader(piece: Uint8Array, from: number): number {
    const bytes = Math.min(BLOCK - this.#filled, piece.length - from)
    this.#header.set(piece.subarray(from, from + bytes), this.#filled)
    this.#filled += bytes
    if (this.#filled === BLOCK) {
      this.#filled = 0
      this.#startEntry()
    }
    return from + bytes
  }

  #startEntry(): void {
    if (this.#header.every((byte) => byte === 0)) {
      this.#zeroBlocks += 1
      if (this.#zeroBlocks === 2) this.#phase = 'end'
      return
    }
    const read = this.#zeroBlocks > 0 ? 'an entry after its end' : readHeader(this.#header)
    if (typeof read === 'string') return this.#break(read)
    this.#entries += 1
    if (this.#entries > MAX_ENTRIES) return this.#break('too many entries')
    if (ATTRIBUTES.has(read.type)) this.#startAttributes(read)
    else this.#startFile(read)
  }

  #startFile(read: Header): void {
    const path = this.#longName ?? read.path
    const size = this.#longSize ?? read.size
    ;[this.#longName, this.#longSize] = [undefined, undefined]
    // some readers take a file whose name ends with a slash for a directory, which has no content
    const isFile = FILES.has(read.type) && !path.endsWith('/') && !read.path.endsWith('/')
    if (!isFile && size > 0) return this.#break('content where there is no file')
    this.#entry = { path, type: read.type }
    this.#startContent(size, this.#reader.wants(path, size) === 'take')
  }

  #startAttributes({ path, size, type }: Header): void {
    if (size > MAX_HEADER_BYTES) return this.#break('long attributes')
    this.#entry = { path, type }
    this.#startContent(size, true)
  }

  #startContent(size: number, isTaken: boolean): void {
    this.#taken = isTaken ? [] : undefined
    this.#left = size
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK
    this.#phase = 'content'
    if (size === 0) this.#endContent()
  }

  #readContent(piece: Uint8Array, from: number): number {
    const bytes = Math.min(this.#left, piece.length - from)
    this.#taken?.push(piece.subarray(from, from + bytes))
    this.#left -= bytes
    if (this.#left === 0) this.#endContent()
    return from + bytes
  }

  #readPadding(piece: Uint8Array, from: number): number {
    const bytes = Math.min(this.#padding, piece.length - from)
    this.#padding -= bytes
    if (this.#padding === 0) this.#phase = 'header'
    return from + bytes
  }

  #endContent(): void {
    this.#phase = this.#padding === 0 ? 'header' : 'padding'
    const taken = this.#taken
    this.#taken = undefined
    if (taken === undefined) return
    const { path, type } = this.#entry
    const content = Buffer.concat(taken)
    if (type === 'L') this.#longName = content.toString('utf8').replace(/\0.*$/s, '')
    else if (type === 'x') this.#readAttributes(content)
    else if (type === 'g') this.#readGlobal(content)
    else if (type !== 'K') this.#reader.take(path, content)
  }

  #readAttributes(content: Buffer): void {
    const records = readPax(content)
    if (records === undefined) return this.#break('broken attributes')
    this.#longName = records.get('path') ?? this.#longName
    const size = records.get('size')
    if (size === undefined) return
    if (!/^\d{1,15}$/.test(size)) return this.#break('a size that is no number')
    this.#longSize = Number(size)
  }

  /** A path or size for all entries that follow has no use, and readers disagree about it. */
  #readGlobal(content: Buffer): void {
    const records = readPax(content)
    if (records === undefined) return this.#break('broken attributes')
    if (records.has('path') || records.has('size')) this.#break('a path or size for all entries')
  }

  #break(why: string): void {
    this.#unreadable = why
  }
}

type Header = { path: string; size: number; type: string }

/** Why the header cannot be read, or what it says. */
function readHeader(block: Uint8Array): Header | string {
  const header = Buffer.from(block)
  if (octal(header.subarray(148, 156)) !== checksumOf(header)) return 'a wrong checksum'
  const size = octal(header.subarray(124, 136))
  if (size === undefined) return 'a size that is no number'
  const name = textOf(header.subarray(0, 100))
  const prefix = prefixOf(header)
  const type = header[156] === 0 ? '0' : String.fromCharCode(header[156] ?? 0)
  if (!KNOWN.has(type)) return `an entry of type ${JSON.stringify(type)}`
  return { path: prefix === '' ? name : `${prefix}/${name}`, size, type }
}

/** GNU's own format has times where ustar has a prefix. */
function prefixOf(header: Buffer): string {
  const magic = header.toString('latin1', 257, 264)
  return magic.startsWith('ustar') && magic !== 'ustar  ' ? textOf(header.subarray(345, 500)) : ''
}

/** POSIX: the sum of the header's bytes, the checksum's own field read as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 8 * 0x20
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte
  return sum
}

function octal(field: Buffer): number | undefined {
  const [, digits] = /^ *([0-7]+)[ \0]*$/.exec(field.toString('latin1')) ?? []
  return digits === undefined ? undefined : Number.parseInt(digits, 8)
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end === -1 ? field.length : end)
}

/** `LENGTH KEY=VALUE\n` over and over (POSIX.1-2017 pax, Extended Header); undefined if broken. */
function readPax(content: Buffer): Map<string, string> | undefined {
  const records = new Map<string, string>()
  let at = 0
  while (at < content.length) {
    const space = content.indexOf(0x20, at)
    const digits = content.toString('latin1', at, space === -1 ? at : space)
    const end = at + Number(digits)
    if (!/^\d{1,7}$/.test(digits) || end > content.length || content[end - 1] !== 0x0a) {
      return undefined
    }
    const record = content.toString('utf8', space + 1, end - 1)
    const equals = record.indexOf('=')
    if (end <= space || equals === -1) return undefined
    records.set(record.slice(0, equals), record.slice(equals + 1))
    at = end
  }
  return records
}
