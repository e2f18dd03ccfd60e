import { readFileSync } from 'node:fs'
import { libc } from '../../src/kernel/libc.ts'
import * as netlink from '../../src/kernel/netlink.ts'

const CLONE_NEWNET = 0x40000000

let isOutside = false

/**
 * Moves this process into a network of its own in which every address there is, of IPv4 and IPv6,
 * is the process itself. Whatever a gate of this process dials, public or private, arrives at a
 * listener of the test, and nothing reaches the machine or the world.
 */
export function leaveForOutside(): void {
  if (isOutside) return
  libc.unshare(CLONE_NEWNET)
  const fd = netlink.openNetlink()
  netlink.applyRequests(fd, [
    netlink.setLink(netlink.LOOPBACK_INDEX, { up: true }),
    netlink.addAnyIpRoute(4),
    netlink.addAnyIpRoute(6),
  ])
  libc.close(fd)
  isOutside = true
}

/** TCP connections that this process has begun to open outside, at any address and port. */
export function connectionsOpened(): number {
  return counter('Tcp', 'ActiveOpens')
}

function counter(protocol: string, name: string): number {
  const lines = readFileSync('/proc/self/net/snmp', 'utf8').split('\n')
  const [names = '', values = ''] = lines.filter((line) => line.startsWith(`${protocol}: `))
  const at = names.split(' ').indexOf(name)
  const value = values.split(' ')[at]
  if (value === undefined) throw new Error(`the kernel counts no ${protocol} ${name}`)
  return Number(value)
}
