import http2, { type ServerHttp2Stream } from 'node:http2'
import { type AgentReply, renderAgentReply } from './denial.ts'
import { grpcEnding } from './grpc-status.ts'
import { type Fields, fieldValue } from './http-fields.ts'
import type { ReplySink } from './reply-sink.ts'

const { NGHTTP2_NO_ERROR } = http2.constants

/** An agent that takes nothing of its reply for so long is stalling. */
const STALL_MS = 120_000

/** The date is the upstream's to say. */
const RESPOND = { sendDate: false, waitForTrailers: true }
const WHOLE = { sendDate: false, endStream: true }

/** RFC 9113 §8.2.2 forbids these. */
const NOT_IN_HTTP2: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

export type Http2SinkOptions = {
  /** answers of the gate's own speak gRPC */
  isGrpc: boolean
  /** called once when the agent has taken nothing for too long */
  onStall(): void
  stallMs?: number
}

/** The reply to one HTTP/2 request. */
export class Http2Sink implements ReplySink {
  readonly #stream: ServerHttp2Stream
  readonly #options: Http2SinkOptions
  #head: string[] | undefined
  #trailers: Fields = []
  #stall: NodeJS.Timeout | undefined

  constructor(stream: ServerHttp2Stream, options: Http2SinkOptions) {
    this.#stream = stream
    this.#options = options
    stream.on('drain', () => this.#moved())
    stream.once('close', () => this.#moved())
    // Node keeps a stream that was reset until its body has been read
    stream.once('aborted', () => stream.destroy())
    stream.once('wantTrailers', () => this.#sendTrailers())
  }

  get isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  get hasHead(): boolean {
    return this.#head !== undefined || this.#stream.headersSent
  }

  get isEnded(): boolean {
    return this.#stream.writableEnded
  }

  get isFinished(): boolean {
    return this.#stream.writableFinished
  }

  proceed(): void {
    if (!this.isGone) this.#stream.additionalHeaders({ ':status': 100 })
  }

  hint(link: string): void {
    if (!this.isGone) this.#stream.additionalHeaders({ ':status': 103, link })
  }

  head(status: number, _message: string, fields: Fields): void {
    this.#head = head(status, fields)
    // a reply without a message tells its status in a head that is its end too: it has to wait
    if (!this.#options.isGrpc || fieldValue(fields, 'grpc-status') === undefined) this.#respond()
  }

  flush(): void {
    // a head that can be sent has been
  }

  write(bytes: Buffer): boolean {
    if (this.isGone || this.isEnded) return true
    this.#respond()
    if (this.#stream.write(bytes)) return true
    this.#stall ??= setTimeout(() => this.#options.onStall(), this.#options.stallMs ?? STALL_MS)
    return false
  }

  trailers(fields: Fields): void {
    this.#trailers = fields
  }

  end(bytes?: Buffer | string): void {
    if (this.isGone || this.isEnded) return
    this.#respond(bytes === undefined && this.#trailers.length === 0)
    if (bytes === undefined) this.#stream.end()
    else this.#stream.end(bytes)
    this.#stream.resume() // what is left of the request is not looked at
  }

  answer(reply: AgentReply): void {
    if (this.#options.isGrpc) return this.#answerGrpc(reply)
    if (this.hasHead) return this.destroy()
    const { headers, body } = renderAgentReply(reply)
    this.head(reply.status, '', Object.entries(headers).flat())
    this.end(body)
  }

  destroy(): void {
    // `close` with a code would end the stream first, as if the reply were whole
    this.#stream.destroy(new Error('broken off'))
  }

  onClose(listener: () => void): void {
    this.#stream.once('close', listener)
  }

  onDrain(listener: () => void): void {
    this.#stream.on('drain', listener)
  }

  /** The call ends as one that its server refused: its status comes last, or alone. */
  #answerGrpc(reply: AgentReply): void {
    if (this.isEnded) return this.destroy()
    const { fields, status } = grpcEnding(reply)
    if (this.hasHead) this.#trailers = status
    else this.head(200, '', fields)
    this.end()
  }

  #respond(isWhole = false): void {
    const raw = this.#head
    if (raw === undefined || this.isGone || this.#stream.headersSent) return
    this.#stream.respond(raw, isWhole ? WHOLE : RESPOND)
    if (isWhole) this.#stream.once('finish', () => this.#refuseRest())
  }

  #sendTrailers(): void {
    if (this.isGone) return
    this.#stream.sendTrailers(pairs(this.#trailers))
    this.#refuseRest()
  }

  /** RFC 9113 §8.1: the rest of a request whose reply is through is not wanted. */
  #refuseRest(): void {
    if (this.#stream.readableEnded) return
    // nghttp2 drops what is still queued for a stream that is to be reset: trailers, in this turn
    setImmediate(() => this.#stream.close(NGHTTP2_NO_ERROR))
  }

  #moved(): void {
    clearTimeout(this.#stall)
    this.#stall = undefined
  }
}

/** As Node takes it: names in lower case, in order. */
function head(status: number, fields: Fields): string[] {
  const raw = [':status', String(status)]
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase()
    if (!NOT_IN_HTTP2.has(name)) raw.push(name, fields[index + 1] ?? '')
  }
  return raw
}

function pairs(fields: Fields): Record<string, string[]> {
  const values: Record<string, string[]> = {}
  for (let index = 0; index < fields.length; index += 2) {
    const name = (fields[index] ?? '').toLowerCase()
    if (!NOT_IN_HTTP2.has(name)) (values[name] ??= []).push(fields[index + 1] ?? '')
  }
  return values
}
