import type { NetConnectAction } from '../core/action.ts'
import { formatIpv4, formatIpv6 } from '../core/address.ts'

const TRANSPORTS: Readonly<Record<number, NetConnectAction['transport']>> = {
  1: 'icmp',
  6: 'tcp',
  17: 'udp',
  58: 'icmpv6',
}

/** Extension headers that may stand before the transport (RFC 8200 §4). */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60])
const FRAGMENT = 44

/**
 * What a packet without its link-layer header asked for. Never throws: what cannot be read is
 * `other`, to the address `unreadable` if even that is missing.
 */
export function describePacket(packet: Buffer): NetConnectAction {
  const version = (packet[0] ?? 0) >> 4
  if (version === 4 && packet.length >= 20) return describeIpv4(packet)
  if (version === 6 && packet.length >= 40) return describeIpv6(packet)
  return connect('other', 'unreadable', null)
}

function describeIpv4(packet: Buffer): NetConnectAction {
  const address = formatIpv4(packet.readUInt32BE(16))
  const isFirst = (packet.readUInt16BE(6) & 0x1fff) === 0
  const headerBytes = ((packet[0] ?? 0) & 15) * 4
  const payload = isFirst && headerBytes >= 20 ? packet.subarray(headerBytes) : Buffer.alloc(0)
  return describePayload(packet[9] ?? 255, address, payload)
}

function describeIpv6(packet: Buffer): NetConnectAction {
  const address = formatIpv6(BigInt(`0x${packet.toString('hex', 24, 40)}`))
  let next = packet[6] ?? 255
  let payload = packet.subarray(40)
  while (EXTENSIONS.has(next) && payload.length >= 8) {
    const length = ((payload[1] ?? 0) + 1) * 8
    next = payload[0] ?? 255
    payload = payload.subarray(length)
  }
  if (next === FRAGMENT && payload.length >= 8) {
    const isFirst = payload.readUInt16BE(2) >> 3 === 0
    next = payload[0] ?? 255
    payload = isFirst ? payload.subarray(8) : Buffer.alloc(0)
  }
  return describePayload(next, address, payload)
}

function describePayload(protocol: number, address: string, payload: Buffer): NetConnectAction {
  const transport = TRANSPORTS[protocol] ?? 'other'
  const hasPort = (transport === 'tcp' || transport === 'udp') && payload.length >= 4
  return connect(transport, address, hasPort ? payload.readUInt16BE(2) : null)
}

function connect(
  transport: NetConnectAction['transport'],
  address: string,
  port: number | null,
): NetConnectAction {
  return { kind: 'net.connect', transport, address, port, host: null }
}
