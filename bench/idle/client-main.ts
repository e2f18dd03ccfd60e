/**
 * Opens connections that then say nothing, and holds them. Node's own modules only and one file, for
 * it runs inside a session. Arguments: KIND HOST COUNT. Prints `opened N open M` five times a second.
 */
import { once } from 'node:events'
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'

const PROXY = { host: '198.19.255.1', port: 3128 }
const AT_ONCE = 16
const TELL_MS = 200

const [kind = '', host = '', count = '0'] = process.argv.slice(2)
type Held = { once(event: 'close', listener: () => void): unknown }

/** Each resolves when the connection is as far as its kind goes. */
const OPEN: Readonly<Record<string, () => Promise<Held>>> = {
  silent: () => tcp({ host, port: 443 }),
  'silent-http': () => tcp({ host, port: 80 }),
  tunnel: async () => {
    const socket = await tcp(PROXY)
    socket.write(`CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
    await answered(socket, '200')
    return socket
  },
  tls: () => secure(),
  'keep-alive': async () => {
    const socket = await secure()
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await answered(socket, '200')
    return socket
  },
  http2: async () => {
    const session = http2.connect(`https://${host}`)
    session.on('error', () => session.destroy())
    await once(session, 'remoteSettings')
    return session
  },
  relay: () => tcp({ host, port: 5432 }),
}

async function tcp(to: { host: string; port: number }): Promise<net.Socket> {
  const socket = net.connect(to)
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function secure(): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host, port: 443, servername: host, ALPNProtocols: ['http/1.1'] })
  socket.on('error', () => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

async function answered(socket: net.Socket, status: string): Promise<void> {
  const data: unknown[] = await once(socket, 'data')
  if (!String(data[0]).startsWith(`HTTP/1.1 ${status}`)) throw new Error(String(data[0]))
}

const open = OPEN[kind]
if (open === undefined) throw new Error(`no kind ${kind}`)
let held = 0
let opened = 0
let left = Number(count)
const tell = setInterval(() => process.stdout.write(`opened ${opened} open ${held}\n`), TELL_MS)
const work = async (): Promise<void> => {
  while (left > 0) {
    left -= 1
    const connection = await open()
    held += 1
    opened += 1
    connection.once('close', () => {
      held -= 1
    })
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, work))
process.on('SIGTERM', () => {
  clearInterval(tell)
  process.exit(0)
})
