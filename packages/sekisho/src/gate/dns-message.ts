/** DNS queries and the few replies that the gate gives (RFC 1035, 6891, 8914). Pure. */

export type DnsQuery = {
  id: number
  /** recursion desired, copied into the reply */
  isRecursive: boolean
  /**
   * the name as text, in the case it was sent; a byte that is no letter, digit, `-` or `_` is
   * escaped as `\DDD`, so no label can look like two
   */
  name: string
  type: number
  class: number
  /** the question section as sent: echoed byte for byte, which keeps the 0x20 case */
  question: Buffer
  /** EDNS: what the client takes; undefined without an OPT record */
  udpBytes: number | undefined
}

export type DnsRead =
  | { kind: 'query'; query: DnsQuery }
  /** a query that is answered with a bare code */
  | { kind: 'refused'; id: number; rcode: number }
  /** not a query: no answer, which would invite reflection */
  | { kind: 'dropped' }

export const RCODE = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 }
export const CLASS_IN = 1
export const TYPE_A = 1
const TYPE_OPT = 41

const TYPE_NAMES: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  64: 'SVCB',
  65: 'HTTPS',
  255: 'ANY',
}

/** As in RFC 3597 §5 for types without a name here; another class than IN is named too. */
export function describeType({ type, class: class_ }: Pick<DnsQuery, 'type' | 'class'>): string {
  return class_ === CLASS_IN ? (TYPE_NAMES[type] ?? `TYPE${type}`) : `CLASS${class_}`
}

/** Strict: one question, no other records but one OPT, no compression, no byte left over. */
export function readQuery(bytes: Buffer): DnsRead {
  if (bytes.length < 12) return { kind: 'dropped' }
  const id = bytes.readUInt16BE(0)
  const flags = bytes.readUInt16BE(2)
  if ((flags & 0x8000) !== 0) return { kind: 'dropped' } // a response
  const refuse = (rcode: number): DnsRead => ({ kind: 'refused', id, rcode })
  if ((flags & 0x7800) !== 0) return refuse(RCODE.notImp) // another opcode than QUERY
  if ((flags & 0x0200) !== 0) return refuse(RCODE.formErr) // truncated
  const counts = [4, 6, 8].map((at) => bytes.readUInt16BE(at))
  if (counts.join() !== '1,0,0') return refuse(RCODE.formErr)
  const name = readName(bytes)
  if (name === undefined || name.end + 4 > bytes.length) return refuse(RCODE.formErr)
  const end = name.end + 4
  const udpBytes = readOpt(bytes.subarray(end), bytes.readUInt16BE(10))
  if (udpBytes === null) return refuse(RCODE.formErr)
  return {
    kind: 'query',
    query: {
      id,
      isRecursive: (flags & 0x0100) !== 0,
      name: name.text,
      type: bytes.readUInt16BE(name.end),
      class: bytes.readUInt16BE(name.end + 2),
      question: bytes.subarray(12, end),
      udpBytes,
    },
  }
}

function readName(bytes: Buffer): { text: string; end: number } | undefined {
  const labels: string[] = []
  let at = 12
  for (;;) {
    const length = bytes[at]
    // above 63 it is a compression pointer or a label type nobody has
    if (length === undefined || length > 63 || at + 1 + length > bytes.length) return undefined
    at += 1
    if (at - 12 + length > 255) return undefined
    if (length === 0) return { text: labels.length === 0 ? '.' : labels.join('.'), end: at }
    labels.push(labelText(bytes.subarray(at, at + length)))
    at += length
  }
}

function labelText(label: Buffer): string {
  return label
    .toString('latin1')
    .replace(/[^A-Za-z0-9_-]/g, (c) => `\\${c.charCodeAt(0).toString().padStart(3, '0')}`)
}

/** The client's UDP size; undefined without OPT; null when what is there is not one OPT, version 0. */
function readOpt(bytes: Buffer, records: number): number | undefined | null {
  if (records === 0) return bytes.length === 0 ? undefined : null
  if (records !== 1 || bytes.length < 11 || bytes[0] !== 0) return null
  if (bytes.readUInt16BE(1) !== TYPE_OPT || bytes[6] !== 0) return null
  return bytes.length === 11 + bytes.readUInt16BE(9) ? Math.max(512, bytes.readUInt16BE(3)) : null
}

export type DnsReply = {
  rcode: number
  /** IPv4 address of the one answer, as a number */
  address?: number
  ttlSeconds?: number
  /** RFC 8914; sent when the client speaks EDNS */
  extendedError?: { code: number; text: string }
}

/** RFC 8914 §4.16: blocked by the operator's policy */
export const EDE_BLOCKED = 15

/** At most 512 bytes as long as the extended error's text is short. */
export function writeReply(query: DnsQuery, reply: DnsReply): Buffer {
  const answer = reply.address === undefined ? [] : [writeAnswer(reply.address, reply.ttlSeconds)]
  const opt = query.udpBytes === undefined ? [] : [writeOpt(reply.extendedError)]
  const counts = [1, answer.length, 0, opt.length]
  const flags = 0x8080 | (query.isRecursive ? 0x0100 : 0) | reply.rcode
  return Buffer.concat([writeHeader(query.id, flags, counts), query.question, ...answer, ...opt])
}

/** A reply to what could not be read as a question. */
export function writeBareReply(id: number, rcode: number): Buffer {
  return writeHeader(id, 0x8080 | rcode, [0, 0, 0, 0])
}

function writeHeader(id: number, flags: number, counts: readonly number[]): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(flags, 2)
  for (const [index, count] of counts.entries()) header.writeUInt16BE(count, 4 + 2 * index)
  return header
}

function writeAnswer(address: number, ttlSeconds = 0): Buffer {
  const record = Buffer.alloc(16)
  record.writeUInt16BE(0xc00c, 0) // the name of the question
  record.writeUInt16BE(TYPE_A, 2)
  record.writeUInt16BE(CLASS_IN, 4)
  record.writeUInt32BE(ttlSeconds, 6)
  record.writeUInt16BE(4, 10)
  record.writeUInt32BE(address, 12)
  return record
}

function writeOpt(error: DnsReply['extendedError']): Buffer {
  const text = Buffer.from(error?.text ?? '', 'utf8')
  const data = error === undefined ? 0 : 6 + text.length
  const record = Buffer.alloc(11 + data)
  record.writeUInt16BE(TYPE_OPT, 1)
  record.writeUInt16BE(1232, 3)
  record.writeUInt16BE(data, 9)
  if (error === undefined) return record
  record.writeUInt16BE(EDE_BLOCKED, 11)
  record.writeUInt16BE(2 + text.length, 13)
  record.writeUInt16BE(error.code, 15)
  text.copy(record, 17)
  return record
}
