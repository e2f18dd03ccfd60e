import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'

/** Where the attacker's allowed names lead. More than one address: all are answered at once. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  'metadata.drill.test': ['169.254.169.254'],
  'loopback.drill.test': ['127.0.0.1'],
  'mapped.drill.test': ['::ffff:127.0.0.1'],
  'rebind.drill.test': ['93.184.216.34', '127.0.0.1'],
}

const TYPE_A = 1
const TYPE_AAAA = 28

/** A resolver for the gate of the drill's own platform: it answers as an attacker's zone would. */
export async function startResolver(): Promise<{ port: number; close(): void }> {
  const socket = dgram.createSocket('udp4')
  socket.on('message', (query, from) => {
    const reply = answer(query)
    if (reply !== undefined) socket.send(reply, from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}

function answer(query: Buffer): Buffer | undefined {
  const labels: string[] = []
  let at = 12
  while (at < query.length) {
    const length = query[at] ?? 0
    if (length === 0) break
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  const end = at + 5
  if (query.length < end) return undefined
  const type = query.readUInt16BE(at + 1)
  const addresses = (ANSWERS[labels.join('.').toLowerCase()] ?? []).filter(
    (address) => (net.isIPv6(address) ? TYPE_AAAA : TYPE_A) === type,
  )
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(addresses.length, 6)
  const records = addresses.map((address) => {
    const data = bytesOf(address)
    const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 5, 0, data.length])
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, query.subarray(12, end), ...records])
}

function bytesOf(address: string): Buffer {
  if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const mapped = /^::ffff:([\d.]+)$/.exec(address)?.[1] ?? ''
  const last = Buffer.from(mapped.split('.').map(Number))
  return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), last])
}
