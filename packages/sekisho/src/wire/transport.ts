import type { Duplex } from 'node:stream'
import { SekishoError } from '../core/error.ts'
import type { Transport } from './peer.ts'

/** A frame above this closes the channel. A leaf is at most 64 KiB; a batch of secrets is less. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024
/** Bytes waiting to be written above this close the channel: the other side has stopped reading. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/** Frames: a 32-bit big-endian length, then that many bytes of JSON. */
export function socketTransport(socket: Duplex): Transport {
  const receivers: ((message: unknown, handle: unknown) => void)[] = []
  const closers: ((cause: Error | undefined) => void)[] = []
  let failure: Error | undefined
  const fail = (message: string, cause?: unknown): void => {
    failure = new SekishoError('PROTOCOL_VIOLATION', message, { cause })
    socket.destroy()
  }
  const read = frameReader((body) => {
    const message = parse(body, fail)
    if (message !== undefined) for (const receive of receivers) receive(message, undefined)
  }, fail)
  socket.on('data', read)
  socket.on('error', (error: Error) => {
    failure ??= error
  })
  socket.on('close', () => {
    for (const closed of closers) closed(failure)
  })
  return {
    send: (message) => {
      if (socket.destroyed) return // its close event rejects every pending call
      const body = Buffer.from(JSON.stringify(message))
      if (body.length > MAX_FRAME_BYTES) return fail('a frame that is too long to send')
      const frame = Buffer.allocUnsafe(4 + body.length)
      frame.writeUInt32BE(body.length, 0)
      body.copy(frame, 4)
      socket.write(frame)
      if (socket.writableLength > MAX_QUEUED_BYTES) fail('the other side has stopped reading')
    },
    onMessage: (receive) => void receivers.push(receive),
    onClose: (closed) => void closers.push(closed),
    close: () => void socket.destroy(),
  }
}

/** Cuts a byte stream into frames; keeps at most one frame in memory. */
export function frameReader(
  onFrame: (body: Buffer) => void,
  fail: (message: string) => void,
): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0)
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 4) {
      const length = held.readUInt32BE(0)
      if (length > MAX_FRAME_BYTES) {
        held = Buffer.alloc(0)
        return fail(`a frame of ${length} bytes`)
      }
      if (held.length < 4 + length) return
      const body = held.subarray(4, 4 + length)
      held = held.subarray(4 + length)
      onFrame(body)
    }
  }
}

function parse(body: Buffer, fail: (message: string, cause?: unknown) => void): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch (error) {
    fail('a frame that is not JSON', error)
    return undefined
  }
}

/** What `ChildProcess` and `process` have in common when an IPC channel is open. */
export type IpcEndpoint = {
  on(event: 'message', listener: (message: unknown, handle: unknown) => void): unknown
  on(event: 'disconnect', listener: () => void): unknown
  disconnect?(): void
  connected?: boolean
}

/** Node's own IPC channel, which can carry sockets beside a message. */
export function ipcTransport(endpoint: IpcEndpoint): Transport {
  return {
    send: (message, handle) => {
      if (endpoint.connected !== true) return
      // Node types `send` differently on both sides; a failed one ends in 'disconnect', which
      // rejects what is pending.
      const send: unknown = Reflect.get(endpoint, 'send')
      if (typeof send === 'function') {
        Reflect.apply(send, endpoint, [message, handle, {}, () => undefined])
      }
    },
    onMessage: (receive) => void endpoint.on('message', receive),
    onClose: (closed) => void endpoint.on('disconnect', () => closed(undefined)),
    close: () => {
      if (endpoint.connected === true) endpoint.disconnect?.()
    },
  }
}
