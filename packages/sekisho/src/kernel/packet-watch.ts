import { close } from 'node:fs'
import { promisify } from 'node:util'
import { ERRNO } from './errno.ts'
import { addressOf, check, libc } from './libc.ts'
import { assembleFilter, SNAP_BYTES, watchFilter } from './packet-filter.ts'

const AF_PACKET = 17
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
const SOL_PACKET = 263
const PACKET_STATISTICS = 6
const PACKET_IGNORE_OUTGOING = 23
const ETH_P_ALL = 3
const MSG_DONTWAIT = 0x40

/**
 * Opens a socket in the thread's present namespace that sees nothing yet. The kernel's default
 * receive buffer bounds what it holds: some 200 packets, then {@link packetsLost} counts.
 *
 * @param keep is told the descriptor as soon as it is open, and closes it whatever happens next
 * @param resolver IPv4 address, four bytes, whose port 53 is not watched
 * @throws SekishoError PERMISSION_REQUIRED, HOST_UNSUPPORTED
 */
export function openPacketWatch(keep: (fd: number) => number, resolver: Buffer): number {
  const fd = keep(libc.socket(AF_PACKET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0))
  const code = assembleFilter(watchFilter(resolver))
  // struct sock_fprog, with the program behind it so that one buffer keeps both alive
  const program = Buffer.concat([Buffer.alloc(16), code])
  program.writeUInt16LE(code.length / 8, 0)
  program.writeBigUInt64LE(addressOf(program) + 16n, 8)
  libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 16)
  const on = Buffer.from([1, 0, 0, 0])
  libc.setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, on, on.length)
  return fd
}

/** From now on the socket sees what comes in on this link, which is up already. */
export function watchLink(fd: number, linkIndex: number): void {
  const address = Buffer.alloc(20)
  address.writeUInt16LE(AF_PACKET, 0)
  address.writeUInt16BE(ETH_P_ALL, 2)
  address.writeInt32LE(linkIndex, 4)
  libc.bind(fd, address, address.length)
}

/**
 * Packets that are waiting, oldest first, each from its IP header on and at most
 * {@link SNAP_BYTES} long. Never blocks.
 *
 * @throws SekishoError SANDBOX_FAILED when the link has gone
 */
export function readPackets(fd: number, max: number): Buffer[] {
  const packets: Buffer[] = []
  const into = Buffer.allocUnsafe(SNAP_BYTES)
  while (packets.length < max) {
    const length = libc.recv.attempt(fd, into, into.length, MSG_DONTWAIT)
    if (length === -ERRNO.EAGAIN) break
    check('recv', length)
    packets.push(Buffer.from(into.subarray(0, length)))
  }
  return packets
}

/** The kernel waits some 10 ms until no processor looks at the socket any more; not this thread. */
export function closePacketWatch(fd: number): Promise<void> {
  return promisify(close)(fd)
}

/** Packets that did not fit into the buffer since this was last asked. */
export function packetsLost(fd: number): number {
  const statistics = Buffer.alloc(8)
  const length = Buffer.from([statistics.length, 0, 0, 0])
  libc.getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, statistics, length)
  return statistics.readUInt32LE(4)
}
