import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import { CANARY_ANSWER } from './inside/attempt.ts'

/**
 * Stands outside, on every address of the host, and answers whoever reaches it. A byte that
 * arrives here during an attack is a hole.
 */
export type Canary = {
  port: number
  /** bytes since this was last asked */
  takeBytes(): number
  /** for servers beside it that count the same way */
  count(bytes: number): void
  close(): Promise<void>
}

export async function startCanary(): Promise<Canary> {
  let bytes = 0
  const count = (more: number): void => {
    bytes += more
  }
  const tcp = net.createServer((socket) => {
    socket.on('data', (chunk) => {
      count(chunk.length)
      socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${CANARY_ANSWER}\n`)
    })
    socket.on('error', () => socket.destroy())
    socket.setTimeout(5000, () => socket.destroy())
  })
  tcp.listen(0, '::')
  await once(tcp, 'listening')
  const address = tcp.address()
  if (address === null || typeof address === 'string') throw new Error('the canary has no port')
  const { port } = address
  const udp = dgram.createSocket('udp6')
  udp.on('message', (message, from) => {
    count(message.length)
    udp.send(CANARY_ANSWER, from.port, from.address)
  })
  udp.bind(port, '::')
  await once(udp, 'listening')
  return {
    port,
    count,
    takeBytes: () => {
      const taken = bytes
      bytes = 0
      return taken
    },
    close: async () => {
      udp.close()
      tcp.close()
      await once(tcp, 'close')
    },
  }
}

/** Addresses that a neighbour could try, loopback among them. */
export function hostAddresses(): string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return own
    .filter(({ address }) => !address.startsWith('fe80') && !address.startsWith('127.'))
    .filter(({ address }) => address !== '::1')
    .map(({ address }) => address)
    .concat('172.16.0.1', '10.0.0.1')
}
