/** What a ClientHello says before anything is agreed (RFC 8446 §4.1.2, RFC 6066 §3). */
export type ClientHello = {
  /** as sent, not canonical; undefined when there is none */
  serverName: string | undefined
  /** encrypted ClientHello: the name in the clear would not be the one that counts */
  hasEch: boolean
  /** empty when the extension is absent */
  protocols: readonly string[]
}

export type HelloRead =
  | { kind: 'hello'; hello: ClientHello }
  /** not whole yet */
  | { kind: 'more' }
  | { kind: 'malformed'; reason: string }

/** Key shares of hybrid groups take 1.2 KB each; nobody sends more than a few KB. */
export const MAX_HELLO_BYTES = 16 * 1024

const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const SERVER_NAME = 0
const ALPN = 16
const ENCRYPTED_CLIENT_HELLO = 0xfe0d

class Malformed extends Error {}

/** Reads the beginning of a TLS stream; a hello may span records. Strict: no byte is left over. */
export function readClientHello(bytes: Buffer): HelloRead {
  try {
    const body = handshakeBody(bytes)
    return body === undefined ? { kind: 'more' } : { kind: 'hello', hello: readHello(body) }
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'malformed', reason: error.message }
    throw error
  }
}

/** The ClientHello's body out of its records; undefined until it is whole. */
function handshakeBody(bytes: Buffer): Cursor | undefined {
  const parts: Buffer[] = []
  let have = 0
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE_RECORD) throw new Malformed('not a TLS handshake')
    if (at + 5 > bytes.length) return undefined
    const length = bytes.readUInt16BE(at + 3)
    if (bytes[at + 1] !== 3) throw new Malformed('not TLS')
    if (length === 0 || length > MAX_HELLO_BYTES) throw new Malformed('record length')
    const part = bytes.subarray(at + 5, at + 5 + length)
    parts.push(part)
    have += part.length
    const body = wholeHello(parts, have)
    if (body !== undefined) return body
    if (part.length < length) return undefined
    at += 5 + length
  }
  return undefined
}

function wholeHello(parts: readonly Buffer[], have: number): Cursor | undefined {
  if (have < 4) return undefined
  const message = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  if (message[0] !== CLIENT_HELLO) throw new Malformed('not a ClientHello')
  const length = message.readUIntBE(1, 3)
  if (length > MAX_HELLO_BYTES) throw new Malformed('too long')
  return have < 4 + length ? undefined : new Cursor(message.subarray(4, 4 + length))
}

function readHello(body: Cursor): ClientHello {
  body.skip(2 + 32) // legacy version, random
  body.vector(1) // session id
  body.vector(2) // cipher suites
  body.vector(1) // compression methods
  const hello = { serverName: undefined, hasEch: false, protocols: [] }
  if (body.atEnd) return hello
  const extensions = body.vector(2)
  if (!body.atEnd) throw new Malformed('bytes after the extensions')
  return readExtensions(extensions, hello)
}

function readExtensions(extensions: Cursor, empty: ClientHello): ClientHello {
  const hello = { ...empty }
  const seen = new Set<number>()
  while (!extensions.atEnd) {
    const type = extensions.uint(2)
    const data = extensions.vector(2)
    if (seen.has(type)) throw new Malformed('an extension twice')
    seen.add(type)
    if (type === SERVER_NAME) hello.serverName = readServerName(data)
    if (type === ALPN) hello.protocols = readProtocols(data)
    if (type === ENCRYPTED_CLIENT_HELLO) hello.hasEch = true
  }
  return hello
}

function readServerName(data: Cursor): string {
  const list = data.vector(2)
  const type = list.uint(1)
  const name = list.vector(2).rest()
  if (type !== 0 || !list.atEnd || !data.atEnd) throw new Malformed('more than one server name')
  return name.toString('latin1')
}

function readProtocols(data: Cursor): string[] {
  const list = data.vector(2)
  const protocols: string[] = []
  while (!list.atEnd) protocols.push(list.vector(1).rest().toString('latin1'))
  return protocols
}

/** Reads forward and never past the end. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  skip(length: number): void {
    this.#take(length)
  }

  uint(length: number): number {
    return this.#take(length).readUIntBE(0, length)
  }

  /** a length of so many bytes, then that many bytes */
  vector(lengthBytes: number): Cursor {
    return new Cursor(this.#take(this.uint(lengthBytes)))
  }

  rest(): Buffer {
    return this.#take(this.#bytes.length - this.#at)
  }

  #take(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new Malformed('cut short')
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
