import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { FrameReader, writeFrame } from '../../src/gate/websocket/frames.ts'

/** RFC 6455 §1.3 */
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const MAX_MESSAGE_BYTES = 1024 * 1024

/** Accepts, sends every message back, and closes when it is asked to. */
export function echoWebSocket(socket: Duplex, key: string, heard: string[]): void {
  const accept = createHash('sha1').update(`${key}${MAGIC}`).digest('base64')
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'))
  const reader = new FrameReader('client', MAX_MESSAGE_BYTES)
  socket.on('error', () => socket.destroy())
  socket.on('data', (piece: Buffer) => {
    for (const message of reader.push(piece)) {
      if (message.type === 'text') heard.push(message.payload.toString())
      socket.write(writeFrame(message, undefined))
      if (message.type === 'close') socket.end()
    }
  })
}
