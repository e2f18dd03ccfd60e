import { once } from 'node:events'
import type tls from 'node:tls'
import { FRAME } from '../http2-frames.ts'

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** One frame as it stands on the wire (RFC 9113 §4.1). */
export function frame(
  type: number,
  { flags = 0, stream = 0, payload = Buffer.alloc(0) }: FrameParts = {},
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

type FrameParts = { flags?: number; stream?: number; payload?: Buffer }

/** Fields as literals without indexing (RFC 7541 §6.2.2), byte for byte as given. */
export function fields(...pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    pairs.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]),
  )
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([prefixed(bytes.length), bytes])
}

/** An integer with a prefix of seven bits (RFC 7541 §5.1). */
function prefixed(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

export const END_STREAM = 0x1
export const END_HEADERS = 0x4

export function request(host: string, path = '/'): Buffer {
  return fields([':method', 'GET'], [':scheme', 'https'], [':authority', host], [':path', path])
}

export function headers(stream: number, block: Buffer, flags = END_STREAM | END_HEADERS): Buffer {
  return frame(FRAME.headers, { flags, stream, payload: block })
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Writes until the other side has had enough and ends the connection; false if it never had. */
export async function flood(
  socket: tls.TLSSocket,
  make: (index: number) => Buffer,
  { pieces, perPiece }: { pieces: number; perPiece: number },
): Promise<boolean> {
  socket.resume()
  const closed = once(socket, 'close')
  for (let piece = 0; piece < pieces && socket.writable; piece += 1) {
    const bytes = Array.from({ length: perPiece }, (_, index) => make(piece * perPiece + index))
    if (socket.write(Buffer.concat(bytes))) await new Promise((resolve) => setImmediate(resolve))
    else await Promise.race([once(socket, 'drain'), closed])
  }
  if (socket.writable) return false
  await closed
  return true
}
