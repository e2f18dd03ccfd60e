import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { libc } from './libc.ts'
import { createNetwork, inNamespace, probeNetwork, readPackets } from './network.ts'
import type { SessionNetwork } from './network.ts'
import * as inside from './testing/network.ts'

let network: SessionNetwork
beforeEach(() => {
  network = createNetwork('tproxy')
})
afterEach(() => network.close())

test('a connection to any address and port arrives with its destination', async () => {
  await inside.hearConnections(network)
  const destinations = [
    '93.184.216.34 443',
    '169.254.169.254 80',
    '198.19.255.1 53',
    '1.1.1.1 65535',
    '2606:2800:220:1:248:1893:25c8:1946 443',
    'fd53:656b:6973:686f::1 22',
    '64:ff9b::102:304 80',
  ]
  const answers = await inside.runInside(
    network.agentNsFd,
    destinations.map((destination) => `dial ${destination}`).join('\n'),
  )
  expect(answers).toEqual(destinations.map((to) => (to.includes('.') ? `::ffff:${to}` : to)))
  expect(readPackets(network.packetFd, 100)).toEqual([])
})

test('the listener’s own port is one like any other', async () => {
  const { server, dialled } = await inside.hearConnections(network)
  const port = portOf(server.address())
  await inside.runInside(network.agentNsFd, `dial 192.0.2.7 ${port}; dial 192.0.2.7 1`)
  expect(dialled).toEqual([port, 1].map((one) => ({ address: '::ffff:192.0.2.7', port: one })))
})

test('with the listener gone, connections are refused and no other listener takes them', async () => {
  libc.close(network.release(network.tcpFd))
  const other = createServer((socket) => socket.end('taken\n'))
  onTestFinished(() => inside.stop(other))
  other.listen({ fd: inNamespace(network.gateNsFd, () => libc.socket(10, 1 | 0o2000000, 0)) })
  await once(other, 'listening')
  const dial = `dial 192.0.2.1 ${portOf(other.address())} || echo refused`
  expect(await inside.runInside(network.agentNsFd, dial)).toEqual(['refused'])
})

test('a closed listener refuses while the agent still runs', async () => {
  const { server } = await inside.hearConnections(network)
  const dial = 'dial 192.0.2.1 80 >/dev/null && echo heard || echo refused'
  expect(await inside.runInside(network.agentNsFd, dial)).toEqual(['heard'])
  await inside.stop(server)
  expect(await inside.runInside(network.agentNsFd, dial)).toEqual(['refused'])
})

test('two networks hear only their own agent', async () => {
  const other = createNetwork('tproxy')
  onTestFinished(() => other.close())
  const [ours, theirs] = [
    await inside.hearConnections(network),
    await inside.hearConnections(other),
  ]
  await inside.runInside(network.agentNsFd, 'dial 192.0.2.1 1')
  await inside.runInside(other.agentNsFd, 'dial 192.0.2.1 2')
  expect([ours.dialled, theirs.dialled].map((dialled) => dialled.map(({ port }) => port))).toEqual([
    [1],
    [2],
  ])
})

test('this machine can steer so', () => {
  expect(probeNetwork('tproxy')).toEqual([])
})

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string')
    throw new TypeError('no address of a network')
  return address.port
}
