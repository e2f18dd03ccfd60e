import { constants, inflateSync } from 'node:zlib'
import * as z from 'zod'

/** gitformat-pack(5), gitprotocol-http(5) */
const FLUSH = '0000'
const SIGNATURE = Buffer.from('PACK')
const HEADER_BYTES = 12
const OFS_DELTA = 6
const REF_DELTA = 7
const SHA1_BYTES = 20
const TRAILER_BYTES = SHA1_BYTES
/** of one number; more bits than any object has */
const MAX_VARINT_BYTES = 10

/** What a push says cannot be read: it is not as git writes it. */
export class PackError extends Error {
  override readonly name = 'PackError'
}

/** With `info`, Node gives the engine too, which knows how much it has read; its types do not say. */
const WithEngine = z.object({
  buffer: z.instanceof(Buffer),
  engine: z.object({ bytesWritten: z.number() }),
})

/**
 * The objects of a push, one after the other, each inflated: of an object that is stored as a
 * difference, what the difference adds. The commands before the pack are not among them.
 *
 * @param body of a request for git-receive-pack, whole
 * @param maxBytes that all objects together may inflate to
 * @throws PackError
 */
export function* packObjects(body: Buffer, maxBytes: number): Generator<Buffer> {
  let at = packStart(body)
  if (at === undefined) return // nothing but commands: references that are deleted
  const count = readHeader(body, at)
  at += HEADER_BYTES
  let left = maxBytes
  for (let index = 0; index < count; index++) {
    const from = dataStart(body, at)
    const { buffer, engine } = inflateOne(body.subarray(from), left)
    left -= buffer.length
    at = from + engine.bytesWritten
    yield buffer
  }
  if (body.length - at !== TRAILER_BYTES) throw new PackError('bytes behind the last object')
}

/** Behind the pkt-lines of the commands and of the push's options. */
function packStart(body: Buffer): number | undefined {
  for (let at = 0; at < body.length; ) {
    if (body.subarray(at, at + 4).equals(SIGNATURE)) return at
    const text = body.toString('latin1', at, at + 4)
    const length = /^[0-9a-f]{4}$/.test(text) ? Number.parseInt(text, 16) : -1
    if (text !== FLUSH && length < 4) throw new PackError('no packet line')
    at += text === FLUSH ? 4 : length
    if (at > body.length) throw new PackError('a packet line is cut off')
  }
  return undefined
}

function readHeader(body: Buffer, at: number): number {
  if (body.length < at + HEADER_BYTES + TRAILER_BYTES) throw new PackError('the pack is cut off')
  const version = body.readUInt32BE(at + 4)
  if (version !== 2 && version !== 3) throw new PackError(`pack version ${version}`)
  return body.readUInt32BE(at + 8)
}

/** Where an object's compressed bytes begin. */
function dataStart(body: Buffer, at: number): number {
  const type = ((body[at] ?? 0) >> 4) & 7
  const behind = varintEnd(body, at)
  if (type === OFS_DELTA) return varintEnd(body, behind)
  return type === REF_DELTA ? behind + SHA1_BYTES : behind
}

function varintEnd(body: Buffer, at: number): number {
  for (let end = at; end < at + MAX_VARINT_BYTES; end++) {
    const byte = body[end]
    if (byte === undefined) throw new PackError('the pack is cut off')
    if ((byte & 0x80) === 0) return end + 1
  }
  throw new PackError('a number without an end')
}

function inflateOne(bytes: Buffer, maxOutputLength: number): z.infer<typeof WithEngine> {
  if (maxOutputLength < 1) throw new PackError('it grows too much when it is inflated')
  try {
    // what follows the object's end is the next one's
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength, info: true }
    return WithEngine.parse(inflateSync(bytes, options))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new PackError(`an object cannot be inflated: ${message}`, { cause })
  }
}
