import http2, { type ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { isGrpc } from './grpc-status.ts'
import { type Fields, fieldValue } from './http-fields.ts'
import type { Route } from './http-head.ts'
import type { Http2Origin } from './upstream-http2.ts'

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = http2.constants
/** a model may think for minutes before the first byte, and between two */
const IDLE_TIMEOUT_MS = 15 * 60_000
const DEFAULT_PORT = 443

/** Code of a call that needs HTTP/2 where the upstream does not speak it. */
export const NO_HTTP2 = 'NO_HTTP2'

type Options = Dispatcher.DispatchOptions
type Handler = Dispatcher.DispatchHandler

class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Asks by HTTP/2 where the upstream agrees on it, else by HTTP/1.1. Tries nothing twice. */
export class Http2Dispatcher implements Pick<Dispatcher, 'dispatch'> {
  readonly #origin: Pick<Http2Origin, 'isHttp1' | 'begin'>
  readonly #http1: Pick<Dispatcher, 'dispatch'>
  readonly #route: Route

  constructor(
    origin: Pick<Http2Origin, 'isHttp1' | 'begin'>,
    http1: Pick<Dispatcher, 'dispatch'>,
    route: Route,
  ) {
    this.#origin = origin
    this.#http1 = http1
    this.#route = route
  }

  dispatch(options: Options, handler: Handler): boolean {
    const fields = flatFields(options.headers)
    const needsHttp2 = isGrpc(fieldValue(fields, 'content-type'))
    if (this.#origin.isHttp1 && !needsHttp2) return this.#http1.dispatch(options, handler)
    const call = new Http2Call(handler)
    const head = requestHead(options, fields, this.#route)
    this.#origin.begin(head, options.body === null).then(
      (stream) => {
        if (stream !== undefined) return call.start(stream, options.body)
        if (!needsHttp2) return void this.#http1.dispatch(options, handler)
        const message = 'the upstream does not speak HTTP/2, which gRPC needs'
        call.abort(new CallError(NO_HTTP2, message))
      },
      (error: unknown) => call.abort(error instanceof Error ? error : new Error(String(error))),
    )
    return true
  }
}

/** One request on an HTTP/2 connection, told to its handler as undici would. */
class Http2Call implements Dispatcher.DispatchController {
  aborted = false
  reason: Error | null = null
  rawHeaders: string[] = []
  rawTrailers: string[] = []
  readonly #handler: Handler
  #stream: ClientHttp2Stream | undefined
  #body: Readable | undefined
  #hasHead = false
  #isDone = false

  constructor(handler: Handler) {
    this.#handler = handler
  }

  get paused(): boolean {
    return this.#stream?.isPaused() ?? false
  }

  pause(): void {
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }

  abort(reason: Error): void {
    this.aborted = true
    this.#fail(reason)
  }

  start(stream: ClientHttp2Stream, body: Options['body']): void {
    this.#stream = stream
    stream.on('error', (error) => this.#fail(error))
    stream.once('close', () => this.#close(stream))
    this.#handler.onRequestStart?.(this, null)
    if (this.#isDone) return void stream.destroy(this.reason ?? undefined)
    this.#listen(stream)
    this.#send(stream, body)
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('headers', (headers, _flags, raw) => {
      this.#guard(() => this.#head(headers[':status'] ?? 0, raw))
    })
    stream.once('response', (headers, flags, raw) => {
      this.#guard(() => this.#head(headers[':status'] ?? 0, raw))
      if ((flags & NGHTTP2_FLAG_END_STREAM) !== 0) stream.resume()
    })
    stream.once('trailers', (_headers, _flags, raw) => {
      this.rawTrailers = raw
    })
    stream.on('data', (chunk: Buffer) => {
      if (!this.#isDone) this.#guard(() => this.#handler.onResponseData?.(this, chunk))
    })
    stream.once('end', () => this.#guard(() => this.#end(stream)))
    stream.setTimeout(IDLE_TIMEOUT_MS, () => {
      this.#fail(new CallError('BODY_TIMEOUT', `nothing moved in ${IDLE_TIMEOUT_MS} ms`))
    })
  }

  /** As undici: what a handler throws breaks its request off. In a listener it would end the gate. */
  #guard(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      this.#fail(thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  #send(stream: ClientHttp2Stream, body: Options['body']): void {
    if (!(body instanceof Readable)) {
      if (body instanceof Buffer) stream.end(body)
      return
    }
    this.#body = body
    body.once('error', (error) => this.#fail(error))
    body.pipe(stream)
  }

  #head(status: number, raw: string[]): void {
    if (this.#isDone) return
    this.rawHeaders = withoutPseudo(raw)
    this.#hasHead ||= status >= 200
    this.#handler.onResponseStart?.(this, status, {}, '')
  }

  /** An end that a reset brought is none (RFC 9113 §8.1). */
  #end(stream: ClientHttp2Stream): void {
    if (this.#isDone || !this.#hasHead || stream.rstCode !== NGHTTP2_NO_ERROR) return
    this.#isDone = true
    this.#handler.onResponseEnd?.(this, {})
    if (this.#body === undefined || stream.writableEnded) return
    // a reply that is through before its request: the rest is not wanted
    this.#body.destroy()
    stream.destroy(new CallError('EARLY_REPLY', 'the reply came before the request was through'))
  }

  #close(stream: ClientHttp2Stream): void {
    const code = stream.rstCode ?? 0
    this.#fail(new CallError('STREAM_RESET', `the upstream reset the stream, code ${code}`))
  }

  #fail(error: Error): void {
    if (this.#isDone) return
    this.#isDone = true
    this.reason = error
    this.#body?.destroy()
    // `close` with a code would end the stream first, as if the request were whole
    this.#stream?.destroy(error)
    this.#handler.onResponseError?.(this, error)
  }
}

function requestHead(options: Options, fields: Fields, { scheme, host, port }: Route): string[] {
  const authority = port === DEFAULT_PORT ? host : `${host}:${port}`
  const head = [':method', options.method, ':scheme', scheme, ':authority', authority]
  head.push(':path', options.path)
  for (let index = 0; index < fields.length; index += 2) {
    head.push((fields[index] ?? '').toLowerCase(), fields[index + 1] ?? '')
  }
  // RFC 9110 §10.1.4: the trailers of a reply are passed on; gRPC servers insist on it
  head.push('te', 'trailers')
  return head
}

/** The gate hands its fields on as a flat list; undici's type allows other forms. */
function flatFields(headers: Options['headers']): Fields {
  return Array.isArray(headers) ? headers : []
}

function withoutPseudo(raw: readonly string[]): string[] {
  return raw.filter((_, index) => raw[index - (index % 2)]?.startsWith(':') !== true)
}
