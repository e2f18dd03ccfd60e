import type { Random } from './random.ts'

/** A question of RFC 1035 §4.1, with EDNS at times. */
export function dnsBytes(random: Random): Buffer {
  const hasOpt = random.once(2)
  const header = Buffer.alloc(12)
  header.writeUInt16BE(random.below(65_536), 0)
  header.writeUInt16BE(random.pick([0x0100, 0x0100, 0x0120, 0x8180, 0x2800, 0x0300]), 2)
  header.writeUInt16BE(random.once(20) ? random.below(4) : 1, 4)
  header.writeUInt16BE(random.once(20) ? random.below(4) : 0, 6)
  header.writeUInt16BE(hasOpt ? 1 : 0, 10)
  const labels = Array.from({ length: random.below(6) }, () => label(random))
  const type = Buffer.alloc(4)
  type.writeUInt16BE(random.pick([1, 28, 65, 16, 255, random.below(65_536)]), 0)
  type.writeUInt16BE(random.once(20) ? random.below(65_536) : 1, 2)
  return Buffer.concat([
    header,
    ...labels,
    Buffer.from([0]),
    type,
    ...(hasOpt ? [opt(random)] : []),
  ])
}

function label(random: Random): Buffer {
  const text = random.bytes(1 + random.below(random.once(10) ? 63 : 8))
  if (!random.once(5)) text.forEach((byte, at) => (text[at] = 0x61 + (byte % 26)))
  return Buffer.concat([
    Buffer.from([random.once(30) ? 0xc0 | random.below(64) : text.length]),
    text,
  ])
}

function opt(random: Random): Buffer {
  const data = random.bytes(random.once(3) ? random.below(40) : 0)
  const record = Buffer.alloc(11)
  record.writeUInt16BE(41, 1)
  record.writeUInt16BE(random.pick([512, 1232, 4096, 0, 65_535]), 3)
  record.writeUInt16BE(data.length, 9)
  return Buffer.concat([record, data])
}

/** A packet as the packet socket hands it over: IPv4 or IPv6 with some transport. */
export function packetBytes(random: Random): Buffer {
  const payload = random.bytes(random.below(40))
  const protocol = random.pick([1, 6, 17, 58, 0, 43, 44, 50, 60, random.below(256)])
  if (random.once(2)) {
    const header = Buffer.alloc(40)
    header[0] = 0x60
    header.writeUInt16BE(payload.length, 4)
    header[6] = protocol
    random.bytes(16).copy(header, 24)
    return Buffer.concat([header, payload])
  }
  const words = random.once(5) ? random.below(16) : 5
  const header = Buffer.alloc(Math.max(20, words * 4))
  header[0] = 0x40 | words
  header.writeUInt16BE(header.length + payload.length, 2)
  header[9] = protocol
  random.bytes(4).copy(header, 16)
  return Buffer.concat([header, payload])
}

/** Frames of `wire/transport.ts`. */
export function frameBytes(random: Random): Buffer {
  const frame = (): Buffer => {
    const body = Buffer.from(
      JSON.stringify({ id: random.below(9), text: 'a'.repeat(random.below(50)) }),
    )
    const length = Buffer.alloc(4)
    length.writeUInt32BE(random.once(10) ? random.below(2 ** 31) : body.length)
    return Buffer.concat([length, body])
  }
  return Buffer.concat(Array.from({ length: 1 + random.below(4) }, frame))
}
