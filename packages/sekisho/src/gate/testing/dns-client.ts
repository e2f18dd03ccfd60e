/** The other side of the gate's DNS, for tests. */

export type QuerySpec = { id: number; name: string; type: number; udpBytes?: number }

export function makeQuery({ id, name, type, udpBytes }: QuerySpec): Buffer {
  const header = Buffer.alloc(12)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(0x0100, 2)
  header.writeUInt16BE(1, 4)
  const labels = name
    .split('.')
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`))
  const end = Buffer.from([0, type >> 8, type & 255, 0, 1])
  if (udpBytes === undefined) return Buffer.concat([header, ...labels, end])
  header.writeUInt16BE(1, 10)
  const opt = Buffer.alloc(11)
  opt.writeUInt16BE(41, 1)
  opt.writeUInt16BE(udpBytes, 3)
  return Buffer.concat([header, ...labels, end, opt])
}

export type ReplySeen = { rcode: number; addresses: string[]; extendedError: number | undefined }

/** Reads what the gate sends: A records with compressed names, and an OPT at the end. */
export function readReply(reply: Buffer): ReplySeen {
  const addresses: string[] = []
  let at = 12
  while ((reply[at] ?? 0) !== 0) at += 1 + (reply[at] ?? 0)
  at += 5
  for (let answer = 0; answer < reply.readUInt16BE(6); answer++) {
    addresses.push([...reply.subarray(at + 12, at + 16)].join('.'))
    at += 16
  }
  const hasError = reply.readUInt16BE(10) === 1 && reply.length > at + 11
  return {
    rcode: reply.readUInt16BE(2) & 15,
    addresses,
    extendedError: hasError ? reply.readUInt16BE(at + 15) : undefined,
  }
}
