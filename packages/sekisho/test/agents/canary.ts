import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A listener that nothing may reach. */
export type Canary = {
  port: number
  /** what arrived so far */
  seen(): { connections: number; bytes: number }
  close: () => Promise<void>
}

/** Listens on loopback and counts; answers nothing, keeps at most the connections themselves. */
export async function startCanary(): Promise<Canary> {
  const seen = { connections: 0, bytes: 0 }
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    seen.connections++
    open.add(socket)
    socket.on('data', (chunk) => {
      seen.bytes += chunk.length
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
  })
  server.maxConnections = 64
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return {
    port: address.port,
    seen: () => ({ ...seen }),
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
