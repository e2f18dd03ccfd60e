import { Duplex } from 'node:stream'
import type { FrameReader } from './http2-frames.ts'

/** A connection with its frames seen going by, both ways. */
export class Http2Wire extends Duplex {
  readonly #socket: Duplex
  readonly #outgoing: FrameReader

  /** Owns the socket from here on. */
  constructor(socket: Duplex, seen: { incoming: FrameReader; outgoing: FrameReader }) {
    super({ allowHalfOpen: true, readableHighWaterMark: 64 * 1024 })
    this.#socket = socket
    this.#outgoing = seen.outgoing
    socket.on('data', (bytes: Buffer) => {
      seen.incoming.push(bytes)
      if (!this.destroyed && !this.push(bytes)) socket.pause()
    })
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.destroy())
    socket.on('error', () => undefined) // 'close' follows
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#outgoing.push(bytes)
    this.#socket.write(bytes, done)
  }

  override _writev(parts: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this._write(Buffer.concat(parts.map(({ chunk }) => chunk)), '', done)
  }

  override _final(done: () => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
