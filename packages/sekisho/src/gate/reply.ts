import type { Dispatcher } from 'undici'
import type { Scrubber } from '../detect/scrub.ts'
import type { Failed } from '../flow/ports.ts'
import { type AgentReply, deniedReply, sendAgentReply, upstreamFailed } from './denial.ts'
import { EgressCut } from './egress-meter.ts'
import { endToEndFields, type Fields, fieldBytes, fieldValue } from './http-fields.ts'
import { makeDecoder, type ReplyDecoder } from './reply-decoder.ts'
import { LateStop } from './late-stop.ts'
import type { ReplySink } from './reply-sink.ts'
import { NO_HTTP2 } from './upstream-http2-call.ts'

type Controller = Dispatcher.DispatchController

export type Relayed = { kind: 'relayed'; status: number; bytesIn: number }

/** No client is led to HTTP/3 or another port, where it would find nothing (RFC 7838). */
const DROP: ReadonlySet<string> = new Set(['alt-svc'])
/** The body is passed on decoded, so these would be false. */
const DROP_DECODED: ReadonlySet<string> = new Set([...DROP, 'content-encoding', 'content-length'])
const BODILESS: ReadonlySet<number> = new Set([204, 304])

/**
 * Carries one upstream reply to the agent as it arrives, with back-pressure both ways. With a
 * scrubber every byte goes through it. Settles `done` once, when all has been handed over or it
 * has broken; never rejects.
 */
export class ReplyRelay implements Dispatcher.DispatchHandler {
  readonly done: Promise<Relayed | Failed>
  #settle: (result: Relayed | Failed) => void
  readonly #sink: ReplySink
  readonly #scrubber: Scrubber | undefined
  readonly #isHead: boolean
  #controller: Controller | undefined
  #decoder: ReplyDecoder | undefined
  #broken: Error | undefined
  #hasBody = false
  #knowsDrain = false
  #bytesIn = 0
  #status = 0

  constructor(sink: ReplySink, options: { scrubber: Scrubber | undefined; isHead: boolean }) {
    const settled = Promise.withResolvers<Relayed | Failed>()
    this.done = settled.promise
    this.#settle = settled.resolve
    this.#sink = sink
    this.#scrubber = options.scrubber
    this.#isHead = options.isHead
    const gone = (): void => {
      if (!sink.isFinished) this.#fail('CLIENT_GONE', new Error('the agent hung up'))
    }
    if (sink.isGone) gone()
    else sink.onClose(gone)
  }

  /** what broke the exchange off, if anything did */
  get cause(): Error | undefined {
    return this.#broken
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#broken !== undefined) controller.abort(this.#broken)
  }

  onResponseStart(controller: Controller, status: number, ...rest: [unknown, string?]): void {
    const message = rest[1] ?? ''
    const raw = textFields(controller.rawHeaders)
    this.#bytesIn += 15 + message.length + fieldBytes(raw)
    if (status < 200) return this.#inform(status, raw)
    this.#status = status
    const isDecoded = this.#scrubber !== undefined && this.#startDecoder(status, raw)
    if (this.#broken !== undefined) return
    const fields = this.#scrubFields(endToEndFields(raw, isDecoded ? DROP_DECODED : DROP))
    this.#sink.head(status, this.#scrubText(message), fields)
    // Node keeps the head until the first byte of body. What has come with it is written by then;
    // an event stream that has nothing to say yet must not keep its reader waiting.
    queueMicrotask(() => {
      if (!this.#hasBody && !this.#sink.isEnded) this.#sink.flush()
    })
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#bytesIn += chunk.length
    const isReady = this.#decoder === undefined ? this.#forward(chunk) : this.#decoder.write(chunk)
    if (!isReady) this.#controller?.pause()
  }

  onResponseEnd(controller: Controller): void {
    const trailers = endToEndFields(textFields(controller.rawTrailers), DROP)
    this.#bytesIn += fieldBytes(trailers)
    if (trailers.length > 0) this.#sink.trailers(this.#scrubFields(trailers))
    if (this.#decoder === undefined) this.#finish()
    else this.#decoder.end()
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.#fail(errorCode(error), error)
  }

  /** Breaks the exchange off at both ends. */
  abort(error: Error): void {
    this.#fail(errorCode(error), error)
  }

  #forward(chunk: Buffer): boolean {
    const out = this.#scrubber === undefined ? chunk : this.#scrubber.push(chunk)
    if (out.length === 0) return true
    this.#hasBody = true
    if (this.#sink.write(out)) return true
    // most replies never wait for their reader
    if (!this.#knowsDrain) this.#sink.onDrain(() => this.#resume())
    this.#knowsDrain = true
    return false
  }

  #finish(): void {
    const rest = this.#scrubber?.end()
    if (rest === undefined || rest.length === 0) this.#sink.end()
    else this.#sink.end(rest)
    this.#settle({ kind: 'relayed', status: this.#status, bytesIn: this.#bytesIn })
  }

  #resume(): void {
    if (this.#decoder === undefined) this.#controller?.resume()
    else this.#decoder.resume()
  }

  /** Only early hints mean anything to a client of ours; others are dropped. */
  #inform(status: number, raw: Fields): void {
    const link = status === 103 ? fieldValue(raw, 'link') : undefined
    // the shape that Node's `writeEarlyHints` accepts; anything else would make it throw
    if (link === undefined || !/^<[^<>"\r\n]*>(?:\s*;\s*[a-z]+=[a-z0-9-]+)+$/i.test(link)) return
    this.#sink.hint(this.#scrubText(link))
  }

  /** Whether the body is decoded; breaks off if it would have to be and cannot. */
  #startDecoder(status: number, raw: Fields): boolean {
    if (isCoded(fieldValue(raw, 'grpc-encoding'))) return this.#unreadable('a coding of messages')
    const coding = fieldValue(raw, 'content-encoding') ?? 'identity'
    if (!isCoded(coding)) return false
    if (this.#isHead || BODILESS.has(status)) return false
    this.#decoder = makeDecoder(coding, {
      data: (chunk) => {
        if (!this.#forward(chunk)) this.#decoder?.pause()
      },
      drain: () => this.#controller?.resume(),
      end: () => this.#finish(),
      error: (error) => this.#fail('REPLY_UNREADABLE', error),
    })
    if (this.#decoder !== undefined) return true
    return this.#unreadable(coding)
  }

  #unreadable(coding: string): false {
    this.#fail('REPLY_UNREADABLE', new Error(`the reply is encoded as ${coding.slice(0, 64)}`))
    return false
  }

  #scrubText(text: string): string {
    return this.#scrubber === undefined ? text : this.#scrubber.scrubText(text)
  }

  /** A name cannot hold the mark, so a field whose name echoes a value is dropped. */
  #scrubFields(fields: Fields): Fields {
    if (this.#scrubber === undefined) return fields
    const scrubbed: Fields = []
    for (let index = 0; index < fields.length; index += 2) {
      const name = fields[index] ?? ''
      if (this.#scrubText(name) !== name) continue
      scrubbed.push(name, this.#scrubText(fields[index + 1] ?? ''))
    }
    return scrubbed
  }

  #fail(code: string, error: Error): void {
    if (this.#broken !== undefined) return
    this.#broken = error
    this.#controller?.abort(error)
    this.#decoder?.destroy()
    this.#settle({ kind: 'failed', code, message: error.message })
    // a head that has left cannot be taken back: the reply is cut, which the client can see
    sendAgentReply(this.#sink, replyTo(error, code), { close: true })
  }
}

function isCoded(coding = 'identity'): boolean {
  return coding.trim().toLowerCase() !== 'identity'
}

function replyTo(error: Error, code: string): AgentReply {
  if (error instanceof EgressCut) return deniedReply(error.rules)
  if (error instanceof LateStop) return deniedReply(error.rules)
  if (code === NO_HTTP2) return upstreamFailed(502, error.message)
  const status = code.includes('TIMEOUT') ? 504 : 502
  return upstreamFailed(status, 'the upstream could not be reached or broke off')
}

function textFields(raw: Controller['rawHeaders']): Fields {
  if (!Array.isArray(raw)) return []
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
}

function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code.slice(0, 64) : error.name
}
