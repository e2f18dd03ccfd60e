import { expect, onTestFinished, test } from 'vitest'
import { createNetwork } from './network.ts'
import { countedSince, parseSnmp, readNetworkCounters } from './network-counters.ts'
import { hearConnections, runInside } from './testing/network.ts'

test('counts each connection that the agent opens, whatever it dialled', async () => {
  const network = createNetwork()
  onTestFinished(() => network.close())
  const before = readNetworkCounters(network.gateNsFd)
  const { dialled } = await hearConnections(network)
  await runInside(
    network.agentNsFd,
    'dial 203.0.113.7 443; dial 198.18.0.1 80; dial 2001:db8::1 22',
  )
  const counted = countedSince(readNetworkCounters(network.gateNsFd), before)
  expect(dialled).toHaveLength(3)
  expect(counted.tcpAccepted).toBe(3)
})

test('another session’s connections are not counted', async () => {
  const [own, other] = [createNetwork(), createNetwork()]
  onTestFinished(async () => void (await Promise.all([own.close(), other.close()])))
  await hearConnections(other)
  await runInside(other.agentNsFd, 'dial 203.0.113.7 443')
  expect(readNetworkCounters(own.gateNsFd)).toEqual({ tcpAccepted: 0, udpRead: 0 })
})

test.for([
  ['nothing', ''],
  ['a table that is not there', 'Ip: A\nIp: 1\n'],
  ['a column that is not there', 'Tcp: ActiveOpens\nTcp: 1\nUdp: InDatagrams\nUdp: 1\n'],
  ['a row that is cut', 'Tcp: PassiveOpens InSegs\nTcp: 1\nUdp: InDatagrams\nUdp: 1\n'],
  ['no number', 'Tcp: PassiveOpens\nTcp: many\nUdp: InDatagrams\nUdp: 1\n'],
] as const)('does not take %s for zero', ([, text]) => {
  expect(() => parseSnmp(text)).toThrow('/proc/net/snmp')
})
