import { readFileSync } from 'node:fs'
import { SekishoError } from '../core/error.ts'
import { inNamespace } from './network-namespace.ts'

/** What the kernel itself has counted in a network namespace, of every socket in it. */
export type NetworkCounters = {
  /** connections that a listener was given, over IPv4 and IPv6 */
  tcpAccepted: number
  /** datagrams that a socket has read, over IPv4 */
  udpRead: number
}

const NOTHING: NetworkCounters = { tcpAccepted: 0, udpRead: 0 }

/**
 * Reads them in another namespace and comes back, for a caller that may enter it. Some 50 µs.
 *
 * @throws SekishoError HOST_UNSUPPORTED
 */
export function readNetworkCounters(namespaceFd: number): NetworkCounters {
  return parseSnmp(
    inNamespace(namespaceFd, () => readFileSync('/proc/thread-self/net/snmp', 'latin1')),
  )
}

/**
 * /proc/net/snmp: pairs of lines of one prefix, names and then values (proc_net(5); RFC 4022
 * tcpPassiveOpens, RFC 4113 udpInDatagrams).
 *
 * @throws SekishoError HOST_UNSUPPORTED for anything else: a counter that is not there is not zero
 */
export function parseSnmp(text: string): NetworkCounters {
  const tables = new Map<string, Map<string, number>>()
  const lines = text.trimEnd().split('\n')
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [prefix = '', ...names] = (lines[at] ?? '').split(' ')
    const [again, ...values] = (lines[at + 1] ?? '').split(' ')
    if (prefix !== again || names.length !== values.length) throw unreadable(prefix)
    tables.set(prefix, new Map(names.map((name, i) => [name, Number(values[i])])))
  }
  const of = (prefix: string, name: string): number => {
    const value = tables.get(prefix)?.get(name)
    if (value === undefined || !Number.isSafeInteger(value)) throw unreadable(`${prefix} ${name}`)
    return value
  }
  return { tcpAccepted: of('Tcp:', 'PassiveOpens'), udpRead: of('Udp:', 'InDatagrams') }
}

/** What was counted since. */
export function countedSince(
  now: NetworkCounters,
  before: NetworkCounters = NOTHING,
): NetworkCounters {
  return {
    tcpAccepted: now.tcpAccepted - before.tcpAccepted,
    udpRead: now.udpRead - before.udpRead,
  }
}

function unreadable(what: string): SekishoError {
  return new SekishoError('HOST_UNSUPPORTED', `the kernel does not count ${what} in /proc/net/snmp`)
}
