import type { Socket as UdpSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import type { NameServer } from './name-server.ts'

/** Questions of one session that wait for their record; above, they are dropped. */
const MAX_WAITING = 512
/** a question is never longer; a longer frame is no question */
const MAX_TCP_QUERY_BYTES = 1_024
const TCP_IDLE_MS = 10_000

/** Answers every datagram; the socket stays the caller's. */
export function serveDnsDatagrams(socket: UdpSocket, server: () => NameServer | undefined): void {
  let waiting = 0
  socket.on('message', (message, from) => {
    const names = server()
    if (names === undefined || waiting >= MAX_WAITING) return
    waiting += 1
    names
      .answer(message)
      .then((reply) => {
        if (reply !== undefined) socket.send(reply, from.port, from.address, () => undefined)
      })
      // a reply to a socket that is closing goes nowhere; `answer` itself never rejects
      .catch(() => undefined)
      .finally(() => {
        waiting -= 1
      })
  })
  socket.on('error', () => undefined) // an ICMP error of an earlier reply; the socket lives on
}

/** DNS over TCP (RFC 7766): a length of two bytes before each message, one at a time. */
export function serveDnsStream(socket: Socket, server: NameServer): void {
  let held: Buffer = Buffer.alloc(0)
  let isBusy = false
  const take = (): Buffer | undefined => {
    if (held.length < 2) return undefined
    const end = 2 + held.readUInt16BE(0)
    if (end > 2 + MAX_TCP_QUERY_BYTES) {
      socket.destroy()
      void server.refuseMalformed('a message longer than any question')
    }
    if (held.length < end || socket.destroyed) return undefined
    const message = held.subarray(2, end)
    held = held.subarray(end)
    return message
  }
  const drain = async (): Promise<void> => {
    if (isBusy) return
    isBusy = true
    for (let message = take(); message !== undefined; message = take()) {
      const reply = await server.answer(message)
      if (reply === undefined) socket.destroy()
      else socket.write(frame(reply))
    }
    isBusy = false
  }
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    if (held.length > 16 * MAX_TCP_QUERY_BYTES) socket.destroy()
    else drain().catch(() => socket.destroy())
  })
}

function frame(message: Buffer): Buffer {
  const size = Buffer.alloc(2)
  size.writeUInt16BE(message.length, 0)
  return Buffer.concat([size, message])
}
