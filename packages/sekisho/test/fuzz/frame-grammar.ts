import type { Random } from './random.ts'

/** WebSocket frames of a client (RFC 6455 §5.2). */
export function webSocketBytes(random: Random): Buffer {
  return Buffer.concat(Array.from({ length: 1 + random.below(5) }, () => webSocketFrame(random)))
}

function webSocketFrame(random: Random): Buffer {
  const payload = random.once(3) ? random.bytes(random.below(300)) : Buffer.from('{"text":"héllo"}')
  const { length } = payload
  const opcode = random.pick([0, 1, 1, 1, 2, 2, 8, 9, 10, random.below(16)])
  const first = (random.once(6) ? 0 : 0x80) | (random.once(30) ? 0x40 : 0) | opcode
  const isLong = length > 125 || random.once(20)
  const head = isLong
    ? Buffer.from([first, 0xfe, length >> 8, length & 255])
    : Buffer.from([first, 0x80 | length])
  const mask = random.bytes(4)
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at & 3] ?? 0))])
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** A client's side of an HTTP/2 connection (RFC 9113 §3.4, §4.1). */
export function http2Bytes(random: Random): Buffer {
  const frames = Array.from({ length: random.below(8) }, () => http2Frame(random))
  return Buffer.concat([random.once(20) ? random.bytes(24) : PREFACE, ...frames])
}

function http2Frame(random: Random): Buffer {
  const payload = random.bytes(random.pick([0, 4, 5, 6, 8, 12, random.below(200)]))
  const header = Buffer.alloc(9)
  header.writeUIntBE(random.once(20) ? random.below(2 ** 24) : payload.length, 0, 3)
  header[3] = random.pick([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, random.below(256)])
  header[4] = random.pick([0, 1, 4, 5, 0x2d, random.below(256)])
  header.writeUInt32BE(random.pick([0, 1, 3, 5, random.below(2 ** 31)]), 5)
  return Buffer.concat([header, payload])
}

/** Protobuf of no schema in particular, messages inside each other. */
export function protobufBytes(random: Random, depth = 4): Buffer {
  return Buffer.concat(Array.from({ length: random.below(6) }, () => protobufField(random, depth)))
}

function protobufField(random: Random, depth: number): Buffer {
  const type = random.pick([0, 1, 2, 2, 2, 2, 3, 4, 5, 6])
  const tag = Buffer.from([((1 + random.below(15)) << 3) | type])
  if (type === 0) return Buffer.concat([tag, varint(random.below(2 ** 31))])
  if (type === 1) return Buffer.concat([tag, random.bytes(8)])
  if (type === 5) return Buffer.concat([tag, random.bytes(4)])
  if (type !== 2) return tag
  const inner =
    depth > 0 && random.once(2) ? protobufBytes(random, depth - 1) : random.bytes(random.below(40))
  return Buffer.concat([tag, varint(random.once(30) ? 2 ** 31 : inner.length), inner])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
