import type { Random } from './random.ts'
import { GOOD, hostText } from './spellings.ts'

const SERVER_NAME = 0
const GROUPS = 10
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const VERSIONS = 43
const KEY_SHARE = 51
const ECH = 0xfe0d

/** A ClientHello that OpenSSL answers, in one or more records (RFC 8446 §4.1.2). */
export function helloBytes(random: Random): Buffer {
  const extensions = [
    ...(random.once(8) ? [] : [serverName(random)]),
    extension(GROUPS, sized(2, Buffer.from('001d0017', 'hex'))),
    extension(SIGNATURE_ALGORITHMS, sized(2, Buffer.from('040308040401050308050501', 'hex'))),
    extension(VERSIONS, sized(1, Buffer.from('03040303', 'hex'))),
    extension(KEY_SHARE, sized(2, Buffer.concat([Buffer.from('001d', 'hex'), sized(2, X25519)]))),
    ...(random.once(2) ? [extension(ALPN, protocols(random))] : []),
    ...(random.once(10) ? [extension(ECH, random.bytes(random.below(20)))] : []),
    ...(random.once(10) ? [extension(random.below(0x10000), random.bytes(random.below(20)))] : []),
    ...(random.once(20) ? [serverName(random)] : []),
  ]
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    random.bytes(32),
    sized(1, random.bytes(random.once(2) ? 32 : 0)),
    sized(2, Buffer.from('130113021303c02bc02fc02cc030', 'hex')),
    sized(1, Buffer.from([0])),
    sized(2, Buffer.concat(extensions)),
  ])
  return inRecords(random, Buffer.concat([Buffer.from([1]), sized(3, body)]))
}

/** The u-coordinate 9: any point of the curve serves. */
const X25519 = Buffer.concat([Buffer.from([9]), Buffer.alloc(31)])

function serverName(random: Random): Buffer {
  const text = random.once(2) ? GOOD : hostText(random)
  const name = Buffer.concat([Buffer.from([random.once(20) ? 1 : 0]), sized(2, Buffer.from(text))])
  const names = random.once(20) ? Buffer.concat([name, name]) : name
  return extension(SERVER_NAME, sized(2, names))
}

function protocols(random: Random): Buffer {
  const list = random.pick([['h2', 'http/1.1'], ['http/1.1'], ['h2'], [''], ['x'.repeat(255)]])
  return sized(2, Buffer.concat(list.map((name) => sized(1, Buffer.from(name)))))
}

function inRecords(random: Random, message: Buffer): Buffer {
  const cut = random.once(4) ? random.below(message.length) : message.length
  return Buffer.concat([record(message.subarray(0, cut)), record(message.subarray(cut))])
}

function record(data: Buffer): Buffer {
  return data.length === 0 ? data : Buffer.concat([Buffer.from([22, 3, 1]), sized(2, data)])
}

function extension(type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(type)
  return Buffer.concat([head, sized(2, data)])
}

/** its length in so many bytes, then the data */
function sized(lengthBytes: number, data: Buffer): Buffer {
  const head = Buffer.alloc(lengthBytes)
  head.writeUIntBE(data.length, 0, lengthBytes)
  return Buffer.concat([head, data])
}
