import { Socket } from 'node:net'
import { Client } from 'undici'

export type Written = { path: string; method: string; headers: string[]; body: Buffer | null }

/** What undici puts on the wire for a request, as the gate's upstream does. */
export class UndiciWriter {
  readonly #client: Client
  #far = new FarEnd()

  constructor(origin: string) {
    this.#client = new Client(origin, {
      connect: (_options, callback) => {
        this.#far = new FarEnd()
        process.nextTick(callback, null, this.#far) // at once is within its own turn, and lost
      },
      pipelining: 1,
      keepAliveTimeout: 600_000,
    })
  }

  /** Rejects with what undici will not write. One at a time. */
  async write(request: Written): Promise<Buffer> {
    this.#far.written = []
    await new Promise<void>((resolve, reject) => {
      this.#client.dispatch(request, {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: () => undefined,
        onResponseEnd: () => resolve(),
        onResponseError: (_controller, error) => reject(error),
      })
    })
    return Buffer.concat(this.#far.written)
  }
}

const REPLY = Buffer.from('HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=600\r\n\r\n')

/** The other side: keeps what it is sent, and answers once everything of a turn is there. */
class FarEnd extends Socket {
  written: Buffer[] = []
  #isAnswering = false

  override _read(): void {
    // the answer is pushed
  }

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.written.push(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk)
    done()
    if (this.#isAnswering) return
    this.#isAnswering = true
    process.nextTick(() => {
      this.#isAnswering = false
      this.push(REPLY)
    })
  }

  override _writev(chunks: { chunk: Buffer | string }[], done: () => void): void {
    for (const { chunk } of chunks) this._write(chunk, 'latin1', () => undefined)
    done()
  }

  override ref(): this {
    return this
  }

  override unref(): this {
    return this
  }
}
