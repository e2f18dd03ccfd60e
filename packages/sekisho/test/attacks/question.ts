/** DNS questions as a hostile client writes them (RFC 1035 §4.1). */

export type Question = {
  name?: string
  /** in place of a name: each may hold any byte, latin1 */
  labels?: readonly string[]
  type?: number
  /** 1 is IN */
  class?: number
  /** 0 is QUERY */
  opcode?: number
}

export function question({ name = '.', labels, type = 1, ...more }: Question): Buffer {
  const { class: class_ = 1, opcode = 0 } = more
  const all = labels ?? (name === '.' ? [] : name.split('.'))
  const head = Buffer.from([0, 29, 1 | (opcode << 3), 0, 0, 1, 0, 0, 0, 0, 0, 0])
  const encoded = all.map((label) =>
    Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1'),
  )
  const tail = Buffer.from([0, type >> 8, type & 255, class_ >> 8, class_ & 255])
  return Buffer.concat([head, ...encoded, tail])
}

const CODES = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED']

/** The code of a reply; of a good one, how many answers it has. */
export function toldBy(reply: Buffer): string {
  const code = reply.readUInt16BE(2) & 15
  return code === 0 ? `NOERROR ${reply.readUInt16BE(6)}` : (CODES[code] ?? `RCODE ${code}`)
}
