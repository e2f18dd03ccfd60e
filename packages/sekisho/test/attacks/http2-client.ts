import { once } from 'node:events'
import { FRAME } from '../../src/gate/http2-frames.ts'
import { type Attack, HOST, type World } from './harness.ts'
import { PATIENCE_MS } from './wire.ts'

/** HTTP/2 as a hostile client writes it (RFC 9113), frame by frame. */

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 }
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const ERRORS = ['NO_ERROR', 'PROTOCOL_ERROR', 'INTERNAL_ERROR', 'FLOW_CONTROL_ERROR']
const MORE_ERRORS = ['SETTINGS_TIMEOUT', 'STREAM_CLOSED', 'FRAME_SIZE_ERROR', 'REFUSED_STREAM']
const LAST_ERRORS = ['CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM']
const ERROR_NAMES = [...ERRORS, ...MORE_ERRORS, ...LAST_ERRORS]
/** Statuses that HPACK has in its static table (RFC 7541, appendix A). */
const STATIC_STATUS: Readonly<Record<number, string>> = { 0x88: '200', 0x8c: '400', 0x8d: '404' }
/** Three digits that are shorter in Huffman's code (RFC 7541, appendix B). */
const HUFFMAN_STATUS: Readonly<Record<number, string>> = { 0x6841: '421', 0x6c01: '501' }

export type Field = readonly [name: string, value: string]

export function frame(
  type: number,
  { flags = 0, stream = 0 }: { flags?: number; stream?: number },
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** Each as a literal that no table keeps, without Huffman (RFC 7541 §6.2.2). */
export function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  )
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length: number[] = [127]
  let rest = bytes.length - 127
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export const PSEUDO: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', HOST],
  [':path', '/public/a'],
]

/** The usual pseudo-header fields with some in place of others; undefined leaves one out. */
export function pseudo(over: Readonly<Record<string, string | undefined>> = {}): Field[] {
  return PSEUDO.flatMap(([name, value]): Field[] => {
    if (!Object.hasOwn(over, name)) return [[name, value]]
    const given = over[name]
    return given === undefined ? [] : [[name, given]]
  })
}

/** A request without a body on stream 1. */
export function request(fields: readonly Field[], stream = 1): Buffer {
  const flags = FLAG.endStream | FLAG.endHeaders
  return frame(FRAME.headers, { flags, stream }, encode(fields))
}

/** A request with a body on stream 1. */
export function upload(
  fields: readonly Field[],
  body: string | Buffer,
  trailers?: Field[],
): Buffer {
  const head = frame(FRAME.headers, { flags: FLAG.endHeaders, stream: 1 }, encode(fields))
  const flags = trailers === undefined ? FLAG.endStream : 0
  const data = frame(FRAME.data, { flags, stream: 1 }, Buffer.from(body))
  if (trailers === undefined) return Buffer.concat([head, data])
  const both = FLAG.endStream | FLAG.endHeaders
  const last = frame(FRAME.headers, { flags: both, stream: 1 }, encode(trailers))
  return Buffer.concat([head, data, last])
}

/** Sends frames behind the usual beginning, and tells how stream 1 or the connection ended. */
export function overHttp2(...frames: Buffer[]): Attack['run'] {
  return (world) => converse(world, [PREFACE, frame(FRAME.settings, {}), ...frames])
}

/** Sends bytes where a client's beginning is expected. */
export function asHttp2(...bytes: Buffer[]): Attack['run'] {
  return (world) => converse(world, bytes)
}

async function converse({ wire }: World, sent: readonly Buffer[]): Promise<string> {
  const socket = wire.dial(await wire.lookUp(HOST), 443)
  const secure = await wire.secure(socket, { servername: HOST, ALPNProtocols: ['h2'] })
  const timer = setTimeout(() => secure.destroy(), PATIENCE_MS)
  const said: string[] = []
  let rest: Buffer = Buffer.alloc(0)
  secure.on('data', (piece: Buffer) => {
    rest = Buffer.concat([rest, piece])
    for (let next = takeFrame(rest); next !== undefined; next = takeFrame(rest)) {
      rest = next.rest
      const what = describe(next)
      if (what !== undefined) said.push(what)
      if (isEnd(next)) secure.destroy()
    }
  })
  for (const bytes of sent) if (secure.writable) secure.write(bytes)
  if (!secure.closed) await once(secure, 'close')
  clearTimeout(timer)
  return said.join('; ') || 'reset'
}

type Frame = { type: number; flags: number; stream: number; payload: Buffer; rest: Buffer }

function takeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 9) return undefined
  const end = 9 + bytes.readUIntBE(0, 3)
  if (bytes.length < end) return undefined
  return {
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    stream: bytes.readUInt32BE(5) & 0x7fff_ffff,
    payload: bytes.subarray(9, end),
    rest: bytes.subarray(end),
  }
}

/** @returns undefined for what says nothing of the outcome */
function describe({ type, stream, payload }: Frame): string | undefined {
  if (type === FRAME.headers && stream === 1) return statusOf(payload)
  if (type === FRAME.rstStream && stream === 1) return `RST ${nameOf(payload.readUInt32BE(0))}`
  if (type === FRAME.goaway) return `GOAWAY ${nameOf(payload.readUInt32BE(4))}`
  return undefined
}

function isEnd({ type, flags, stream }: Frame): boolean {
  if (type === FRAME.goaway) return true
  if (stream !== 1) return false
  return type === FRAME.rstStream || (type <= FRAME.headers && (flags & FLAG.endStream) !== 0)
}

function nameOf(code: number): string {
  return ERROR_NAMES[code] ?? `error ${code}`
}

/** The first field of a reply, which its status is; a size of the table may stand before it. */
function statusOf(block: Buffer): string {
  const at = [...block].findIndex((byte) => (byte & 0xe0) !== 0x20)
  const known = STATIC_STATUS[block[at] ?? 0]
  if (known !== undefined) return known
  const isHuffman = ((block[at + 1] ?? 0) & 0x80) !== 0
  if (!isHuffman) return block.toString('latin1', at + 2, at + 5)
  return HUFFMAN_STATUS[block.readUInt16BE(at + 2)] ?? block.toString('hex', at, at + 6)
}

/** Attacks that differ in their frames alone. */
export function framedRows(
  same: Omit<Attack, 'name' | 'run'>,
  rows: Readonly<Record<string, readonly Buffer[]>>,
): Attack[] {
  return Object.entries(rows).map(([name, frames]) => ({
    ...same,
    name: `${name}, in HTTP/2`,
    run: overHttp2(...frames),
  }))
}
