import type { Duplex } from 'node:stream'
import { parseJson } from '../core/parse-json.ts'
import { SekishoError } from '../core/error.ts'
import type { Transport } from './peer.ts'

/** A frame above this closes the channel. A leaf is at most 64 KiB; a batch of secrets is less. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024
/** Bytes waiting to be written above this close the channel: the other side has stopped reading. */
const MAX_QUEUED_BYTES = 16 * 1024 * 1024

/**
 * Frames: a 32-bit big-endian length, then that many bytes of JSON. What is sent in one turn of the
 * event loop's callbacks leaves in one write: a system call costs more than a frame.
 */
export function socketTransport(socket: Duplex): Transport {
  const receivers: ((message: unknown, handle: unknown) => void)[] = []
  const closers: ((cause: Error | undefined) => void)[] = []
  let failure: Error | undefined
  const fail = (message: string, cause?: unknown): void => {
    failure = new SekishoError('PROTOCOL_VIOLATION', message, { cause })
    socket.destroy()
  }
  const outbox = new Outbox(socket)
  const read = frameReader((body) => {
    const message = parse(body, fail)
    if (message !== undefined) for (const receive of receivers) receive(message, undefined)
  }, fail)
  socket.on('data', read)
  socket.on('error', (error: Error) => {
    failure ??= error
  })
  socket.on('close', () => {
    outbox.drop()
    for (const closed of closers) closed(failure)
  })
  return {
    send: (message, _handle, mayWaitMs = 0) => {
      if (socket.destroyed) return // its close event rejects every pending call
      const frame = encode(message)
      if (frame.length > 4 + MAX_FRAME_BYTES) return fail('a frame that is too long to send')
      outbox.add(frame, mayWaitMs)
      if (outbox.bytes > MAX_QUEUED_BYTES) fail('the other side has stopped reading')
    },
    onMessage: (receive) => void receivers.push(receive),
    onClose: (closed) => void closers.push(closed),
    close: () => {
      outbox.flush() // an answer that was given leaves before its channel closes
      socket.destroy()
    },
  }
}

function encode(message: unknown): Buffer {
  const text = JSON.stringify(message)
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(4 + length)
  frame.writeUInt32BE(length, 0)
  frame.write(text, 4, 'utf8')
  return frame
}

/** Frames on their way into a socket, in the order they were sent. */
class Outbox {
  readonly #socket: Duplex
  #frames: Buffer[] = []
  #bytes = 0
  #due: 'this-turn' | 'later' | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** not yet taken by the kernel */
  get bytes(): number {
    return this.#bytes + this.#socket.writableLength
  }

  /** @param mayWaitMs how long it may stand here for another frame to leave with; 0 is this turn */
  add(frame: Buffer, mayWaitMs: number): void {
    this.#frames.push(frame)
    this.#bytes += frame.length
    if (this.#due === 'this-turn') return
    if (mayWaitMs === 0) {
      this.#due = 'this-turn'
      process.nextTick(() => this.flush())
    } else if (this.#due === undefined) {
      this.#due = 'later'
      this.#timer = setTimeout(() => this.flush(), mayWaitMs)
    }
  }

  drop(): void {
    clearTimeout(this.#timer)
    this.#frames = []
    this.#bytes = 0
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#due = undefined
    const frames = this.#frames
    this.#frames = []
    this.#bytes = 0
    const [only] = frames
    if (only === undefined || this.#socket.destroyed) return
    this.#socket.write(frames.length === 1 ? only : Buffer.concat(frames))
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
    return parseJson(body.toString('utf8'))
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

/**
 * Node's own IPC channel, which can carry sockets beside a message. A socket that is sent is not
 * read by its sender, who closes it when the call that it went with is over: Node would close it
 * when the receiver acknowledges it, and for one that dies before that, never.
 */
export function ipcTransport(endpoint: IpcEndpoint): Transport {
  return {
    send: (message, handle) => {
      if (endpoint.connected !== true) return
      // Node types `send` differently on both sides; a failed one ends in 'disconnect', which
      // rejects what is pending.
      const send: unknown = Reflect.get(endpoint, 'send')
      if (typeof send === 'function') {
        Reflect.apply(send, endpoint, [message, handle, { keepOpen: true }, () => undefined])
      }
    },
    onMessage: (receive) => void endpoint.on('message', receive),
    onClose: (closed) => void endpoint.on('disconnect', () => closed(undefined)),
    close: () => {
      if (endpoint.connected === true) endpoint.disconnect?.()
    },
  }
}
