import { duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import type { NetworkCounters } from '../kernel/network-counters.ts'
import { supervisorToGate } from '../wire/gate.ts'
import { Peer } from '../wire/peer.ts'
import { socketTransport } from '../wire/transport.ts'
import { type Network, Networks } from './networks.ts'

const closing = { 'network.close': supervisorToGate['network.close'] }

function networkOf(gateRestarts: number, closed: string[]): Network {
  return {
    id: 7,
    gate: 0,
    gateRestarts,
    egressUsed: { bytes: 0, requests: 0 },
    before: undefined,
    agentNsFd: -1,
    gateNsFd: -1,
    tcpFd: -1,
    dnsFd: -1,
    packetFd: -1,
    release: (fd) => fd,
    close: async () => void closed.push('closed'),
  }
}

/** Networks of one gate, that counted three connections; or of one that is down. */
function networksOf(
  gate: 'up' | 'down',
  count: () => NetworkCounters = () => ({ tcpAccepted: 0, udpRead: 0 }),
): { networks: Networks; warnings: string[] } {
  const [near, far] = duplexPair()
  new Peer('supervisor', socketTransport(far), {
    out: {},
    in: closing,
    handlers: { 'network.close': () => ({ counters: { connections: 3 } }) },
  })
  const peer = new Peer('gate', socketTransport(near), {
    out: supervisorToGate,
    in: {},
    handlers: {},
  })
  if (gate === 'down') peer.close()
  const warnings: string[] = []
  const networks = new Networks({
    gates: { pick: () => 0, peer: () => peer },
    count,
    warn: (line) => void warnings.push(line),
  })
  return { networks, warnings }
}

test.for([
  { name: 'a gate that lived as long as its session', restarts: 0, want: { connections: 3 } },
  {
    name: 'a gate that died twice under it: what was counted before is lost',
    restarts: 2,
    want: { connections: 3, 'gate.restarted': 2 },
  },
])('the counters are those of $name', async ({ restarts, want }) => {
  const { networks, warnings } = networksOf('up')
  const closed: string[] = []
  expect(await networks.close(networkOf(restarts, closed))).toEqual(want)
  expect([closed, warnings]).toEqual([['closed'], []])
})

test('a gate that is down at the end has lost its counters, and the network goes all the same', async () => {
  const { networks, warnings } = networksOf('down')
  const closed: string[] = []
  const counters = await networks.close(networkOf(1, closed))
  expect(counters).toEqual({ 'gate.restarted': 1, 'gate.lost': 1 })
  expect(closed).toEqual(['closed'])
  expect(warnings).toEqual([expect.stringMatching(/^network 7: .*gate is not there/)])
})

test('what the kernel counted stands beside the gate’s own word, from the session’s beginning on', async () => {
  const seen = [
    { tcpAccepted: 40, udpRead: 2 },
    { tcpAccepted: 43, udpRead: 9 },
  ]
  const { networks } = networksOf('up', () => seen.shift() ?? { tcpAccepted: 0, udpRead: 0 })
  const network = networkOf(0, [])
  networks.begin(network)
  expect(await networks.close(network)).toEqual({
    connections: 3,
    'kernel.tcpAccepted': 3,
    'kernel.udpRead': 7,
  })
})

test('a kernel that does not answer is not one that counted nothing', async () => {
  const { networks, warnings } = networksOf('up', () => {
    throw new Error('no /proc today')
  })
  const network = networkOf(0, [])
  networks.begin(network)
  expect(await networks.close(network)).toEqual({ connections: 3, 'kernel.uncounted': 1 })
  expect(warnings).toEqual([expect.stringContaining('no /proc today')])
})
