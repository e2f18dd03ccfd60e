import http2, { type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { NetConnectAction } from '../core/action.ts'
import { type Deny, deny } from '../core/verdict.ts'
import { isGrpc } from './grpc-status.ts'
import { fieldValue } from './http-fields.ts'
import type { Route } from './http-head.ts'
import { FRAME, FrameBudget, FrameReader, type FrameSeen } from './http2-frames.ts'
import { readHttp2Head } from './http2-head.ts'
import { Http2Sink } from './http2-sink.ts'
import { Http2Wire } from './http2-wire.ts'
import type { RequestPath } from './request-path.ts'
import type { DenialLog, SessionContext } from './session-context.ts'

const {
  NGHTTP2_ENHANCE_YOUR_CALM,
  NGHTTP2_FLAG_END_STREAM,
  NGHTTP2_REFUSED_STREAM,
  NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE,
} = http2.constants

/** Requests of one connection at once. */
const MAX_STREAMS = 100
/** Of one session: each may hold a window of body that is not read yet, and one of reply. */
const MAX_STREAMS_OF_SESSION = 512
const WINDOW_BYTES = 64 * 1024
/** Malformed requests that one connection may send before it is ended. */
const MAX_MALFORMED = 20

const SESSION_OPTIONS: http2.ServerSessionOptions = {
  settings: {
    enablePush: false,
    enableConnectProtocol: false,
    maxConcurrentStreams: MAX_STREAMS,
    maxHeaderListSize: 32 * 1024,
    initialWindowSize: WINDOW_BYTES,
    headerTableSize: 4_096,
  },
  /** 128 fields and the four of the request line */
  maxHeaderListPairs: 132,
  maxSessionMemory: 10,
  maxSettings: 16,
  maxOutstandingPings: 10,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
  streamResetBurst: 500,
  streamResetRate: 33,
  strictSingleValueFields: true,
}

export type Http2Timeouts = {
  /** nothing asked, nothing under way */
  idleMs: number
  /** a connection on which nothing moves, with requests or replies under way */
  quietMs: number
  /** an agent that does not take its reply */
  stallMs: number
}

const TIMEOUTS: Http2Timeouts = { idleMs: 75_000, quietMs: 20 * 60_000, stallMs: 120_000 }

type Channel = {
  route: Route
  connect: NetConnectAction
  session: ServerHttp2Session
  open: Set<ServerHttp2Stream>
  malformed: number
  /** streams whose head has been read here: what the parser resets beside them, nobody has seen */
  lastStream: number
  frames: number
  framesAtCheck: number
  quietMs: number
  isOver: boolean
}

/** HTTP/2 towards the agent for one session. nghttp2 parses; every stream is decided upon. */
export class Http2Front {
  readonly #context: SessionContext
  readonly #path: Pick<RequestPath, 'handle'>
  readonly #denials: DenialLog
  readonly #timeouts: Http2Timeouts
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #channels = new WeakMap<Duplex, Channel>()
  #streams = 0

  constructor(
    context: SessionContext,
    { path, denials }: { path: Pick<RequestPath, 'handle'>; denials: DenialLog },
    timeouts = TIMEOUTS,
  ) {
    this.#context = context
    this.#path = path
    this.#denials = denials
    this.#timeouts = timeouts
  }

  /** Takes a connection over on which `h2` was agreed. @param connect how it was dialled */
  accept(socket: Duplex, route: Route, connect: NetConnectAction): void {
    const budget = new FrameBudget(() => this.#context.now())
    const wire = new Http2Wire(socket, {
      incoming: new FrameReader({ hasPreface: true }, (frame) => {
        channel.frames += 1
        if (!budget.incoming(frame)) this.#endFor(channel, `frames of type ${frame.type}`)
      }),
      outgoing: new FrameReader({ hasPreface: false }, (frame) => {
        budget.outgoing(frame)
        this.#noteReset(channel, frame)
      }),
    })
    const session = http2.performServerHandshake(wire, SESSION_OPTIONS)
    const channel = makeChannel({ route, connect, session })
    this.#sessions.add(session)
    this.#channels.set(socket, channel)
    session.on('stream', (...[stream, , flags, raw]) => {
      this.#arrive(channel, { stream, raw, isWhole: (flags & NGHTTP2_FLAG_END_STREAM) !== 0 })
    })
    session.on('error', (error) => this.#broken(channel, error))
    const timer = setInterval(() => this.#check(channel), this.#timeouts.idleMs)
    session.once('close', () => {
      clearInterval(timer)
      this.#sessions.delete(session)
      wire.destroy()
    })
  }

  /** Whether nothing is asked on it. */
  isIdle(socket: Duplex): boolean {
    return this.#channels.get(socket)?.open.size === 0
  }

  close(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #arrive(
    channel: Channel,
    {
      stream,
      raw,
      isWhole,
    }: { stream: ServerHttp2Stream; raw: readonly string[]; isWhole: boolean },
  ): void {
    stream.on('error', () => undefined) // 'close' follows
    channel.lastStream = stream.id ?? channel.lastStream
    if (channel.isOver) return stream.close(NGHTTP2_REFUSED_STREAM)
    if (this.#streams >= MAX_STREAMS_OF_SESSION) return this.#refuseStream(channel, stream)
    this.#count(channel, stream)
    const { head, fields } = readHttp2Head({ raw, isWhole }, channel.route)
    if (head.kind === 'refused') channel.malformed += 1
    if (channel.malformed > MAX_MALFORMED) return this.#endFor(channel, 'malformed requests')
    stream.once('trailers', () => this.#refuseTrailers(channel, stream))
    void this.#path.handle({
      head,
      fields,
      body: stream,
      expectsContinue: fieldValue(fields, 'expect') !== undefined,
      sink: new Http2Sink(stream, {
        isGrpc: isGrpc(fieldValue(fields, 'content-type')),
        onStall: () => this.#endFor(channel, 'replies that are not taken'),
        stallMs: this.#timeouts.stallMs,
      }),
      endAfter: () => undefined, // a stream is its own end
      isHttp2: true,
    })
  }

  #count(channel: Channel, stream: ServerHttp2Stream): void {
    channel.open.add(stream)
    this.#streams += 1
    stream.once('close', () => {
      channel.open.delete(stream)
      this.#streams -= 1
    })
  }

  #refuseStream({ connect }: Channel, stream: ServerHttp2Stream): void {
    stream.close(NGHTTP2_REFUSED_STREAM)
    const reason = `more than ${MAX_STREAMS_OF_SESSION} requests at once`
    void this.#deny(connect, deny('invariant.stream-limit', reason))
  }

  /** They come when the rest has left and been looked at: they go nowhere (RFC 9110 §6.5.1). */
  #refuseTrailers({ connect }: Channel, stream: ServerHttp2Stream): void {
    void this.#deny(
      connect,
      deny('invariant.trailers', `trailers of a request, stream ${stream.id}`),
    )
    // `close` tells the client nothing here: in this event Node keeps the reset back for good
    stream.destroy(new Error('trailers of a request'))
  }

  /** What nghttp2 would not read, it resets by itself; nothing of it has been acted upon. */
  #noteReset(channel: Channel, { type, stream, code }: FrameSeen): void {
    if (type !== FRAME.rstStream || stream <= channel.lastStream || channel.isOver) return
    if (code === NGHTTP2_REFUSED_STREAM) return // above MAX_STREAMS, and told so
    channel.malformed += 1
    if (channel.malformed > MAX_MALFORMED) return this.#endFor(channel, 'malformed requests')
    const reason = `stream ${stream}: ${nameOf(code)}`
    void this.#deny(channel.connect, deny('invariant.http-malformed', reason))
  }

  #broken(channel: Channel, error: Error): void {
    if (channel.isOver || !isByAgent(error)) return
    channel.isOver = true
    const by = deny('invariant.http2-abuse', error.message.slice(0, 256))
    void this.#deny(channel.connect, by)
  }

  #endFor(channel: Channel, what: string): void {
    if (channel.isOver) return
    channel.isOver = true
    channel.session.destroy(undefined, NGHTTP2_ENHANCE_YOUR_CALM)
    void this.#deny(channel.connect, deny('invariant.http2-abuse', `too many ${what}`))
  }

  async #deny(connect: NetConnectAction, by: Deny): Promise<void> {
    this.#context.counters.requests += 1
    this.#context.counters.denied += 1
    await this.#denials.record(connect, by)
  }

  /** Every `idleMs`. A session that is asked to close waits for what the parser has begun. */
  #check(channel: Channel): void {
    const { session } = channel
    const hasMoved = channel.frames !== channel.framesAtCheck
    channel.framesAtCheck = channel.frames
    const isQuiet = !hasMoved && !isOurTurn(channel)
    channel.quietMs = isQuiet ? channel.quietMs + this.#timeouts.idleMs : 0
    if (session.closed || channel.quietMs >= this.#timeouts.quietMs) return session.destroy()
    if (!hasMoved && channel.open.size === 0) session.close()
  }
}

function makeChannel(leads: Pick<Channel, 'route' | 'connect' | 'session'>): Channel {
  return {
    ...leads,
    open: new Set(),
    malformed: 0,
    lastStream: 0,
    frames: 0,
    framesAtCheck: 0,
    quietMs: 0,
    isOver: false,
  }
}

/** Whether somebody has asked and not been answered. They wait for us: people may take hours. */
function isOurTurn({ open }: Channel): boolean {
  for (const { state, headersSent } of open) {
    if (state.state === NGHTTP2_STREAM_STATE_HALF_CLOSED_REMOTE && !headersSent) return true
  }
  return false
}

/** What the agent sent, and not a connection that merely ended. */
function isByAgent(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code.startsWith('ERR_HTTP2_') && code !== 'ERR_HTTP2_SESSION_ERROR'
}

function nameOf(code: number | undefined): string {
  const names = Object.entries(http2.constants).filter(([name]) => ERROR_NAME.test(name))
  return names.find(([, value]) => value === code)?.[0] ?? `error ${code}`
}

const ERROR_NAME =
  /^NGHTTP2_(?:PROTOCOL_ERROR|INTERNAL_ERROR|FLOW_CONTROL_ERROR|STREAM_CLOSED|FRAME_SIZE_ERROR|COMPRESSION_ERROR|ENHANCE_YOUR_CALM|CANCEL)$/
