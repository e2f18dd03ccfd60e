import { randomUUID } from 'node:crypto'
import { Readable, type Duplex } from 'node:stream'
import type { HttpRequestAction } from '../../../core/action.ts'
import { toSekishoError } from '../../../core/error.ts'
import { type Deny, deny } from '../../../core/verdict.ts'
import type { ActionOutcome, CheckpointPorts } from '../../../flow/ports.ts'
import type { HttpArrival } from '../../http-exchange.ts'
import { endToEndFields, type Fields } from '../../http-fields.ts'
import type { Placeholders } from '../../placeholders.ts'
import { acceptKey } from '../../websocket/exchange.ts'
import {
  closePayload,
  FrameError,
  FrameReader,
  type Message,
  writeFrame,
} from '../../websocket/frames.ts'
import { keyOf, requestFields } from '../../websocket/head.ts'
import { foreignKey } from '../foreign-key.ts'
import { Conversation, RememberedRoom } from './conversation.ts'
import { MessageSink } from './message-sink.ts'

/** Longest message of a client. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024
/** Calls of one connection that wait for the one before them, and their bytes together. */
const MAX_WAITING_CALLS = 8
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** Of one session, at once: each may have a message half read. A client then does without. */
const MAX_CONNECTIONS = 8
const IDLE_MS = 20 * 60_000
/** A client that has been told to go and stays takes memory for nothing. */
const LINGER_MS = 5_000
/** RFC 6455 §7.4.1 */
const GOING_AWAY = 1001
const PROTOCOL_ERROR = 1002
const POLICY_VIOLATION = 1008
const INTERNAL_ERROR = 1011
/** Said anew for each call, or of the connection alone. */
const DROP: ReadonlySet<string> = new Set([
  'host',
  'sec-websocket-protocol',
  'accept-encoding',
  'content-length',
  'content-type',
  'accept',
])

export type SocketParts = {
  ports: CheckpointPorts
  placeholders: Placeholders
  /** takes one call through the checkpoint, and answers its sink in any case; never rejects */
  pass: (arrival: HttpArrival) => Promise<void>
}

/**
 * Responses over a WebSocket, ended here: each call goes on by itself, whole, as if it had been
 * posted. The provider never sees the client's connection.
 */
export class SocketFront {
  readonly #parts: SocketParts
  readonly #room = new RememberedRoom()
  #connections = 0

  constructor(parts: SocketParts) {
    this.#parts = parts
  }

  /** Decides and records the handshake, and then serves it to its end. @throws as passRequest */
  async serve(
    action: HttpRequestAction,
    client: { fields: readonly string[]; socket: Duplex },
  ): Promise<Deny | ActionOutcome> {
    const tooMany = this.#refusedByCount()
    this.#connections += 1
    try {
      return await this.#serve(action, client, tooMany)
    } finally {
      this.#connections -= 1
    }
  }

  async #serve(
    action: HttpRequestAction,
    { fields, socket }: { fields: readonly string[]; socket: Duplex },
    tooMany: Deny | undefined,
  ): Promise<Deny | ActionOutcome> {
    const { ports, placeholders, pass } = this.#parts
    const verdict = tooMany ?? foreignKey(action, fields, placeholders) ?? ports.decide(action)
    const by = ports.current()
    const id = ports.newId()
    const decided = verdict.kind === 'hold' ? deny(verdict.rules[0] ?? '', verdict.reason) : verdict
    await ports.recorder.intent({
      id,
      action,
      verdict: decided,
      credentials: [],
      repeated: 0,
      generation: by.generation,
    })
    if (decided.kind === 'deny') return decided
    await new Connection(action, { fields, socket }, { pass, room: this.#room }).serve()
    // what went on from here is counted call by call
    const nothing = { bytesIn: 0, bytesOut: 0, scrubbed: 0 }
    const outcome = { kind: 'performed', status: 101, address: null, ...nothing } as const
    ports.recorder.outcome(id, outcome).catch((thrown: unknown) => {
      ports.outcomeLost(toSekishoError(thrown))
    })
    return outcome
  }

  #refusedByCount(): Deny | undefined {
    if (this.#connections < MAX_CONNECTIONS) return undefined
    return deny('invariant.upgrade', `more than ${MAX_CONNECTIONS} WebSockets to models at once`)
  }
}

class Connection {
  readonly #action: HttpRequestAction
  readonly #fields: Fields
  readonly #handshake: readonly string[]
  readonly #socket: Duplex
  readonly #pass: SocketParts['pass']
  readonly #reader = new FrameReader('client', MAX_MESSAGE_BYTES)
  readonly #conversation: Conversation
  readonly #waiting: Buffer[] = []
  readonly #goneListeners = new Set<() => void>()
  #drained: (() => void) | undefined
  #waitingBytes = 0
  #isBusy = false

  constructor(
    action: HttpRequestAction,
    { fields, socket }: { fields: readonly string[]; socket: Duplex },
    { pass, room }: { pass: SocketParts['pass']; room: RememberedRoom },
  ) {
    this.#conversation = new Conversation(() => `resp_${randomUUID().replaceAll('-', '')}`, room)
    const { upgrade: _, ...plain } = action
    this.#action = { ...plain, method: 'POST' }
    this.#handshake = fields
    this.#fields = endToEndFields(requestFields(fields), DROP)
    this.#socket = socket
    this.#pass = pass
  }

  /** Resolves when the connection is over. */
  async serve(): Promise<void> {
    const socket = this.#socket
    const over = Promise.withResolvers<void>()
    socket.once('close', () => over.resolve())
    socket.on('drain', () => {
      socket.resume()
      this.#drained?.()
    })
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') {
      socket.setTimeout(IDLE_MS, () => this.#close(GOING_AWAY, 'nothing moves'))
    }
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(keyOf(this.#handshake))}\r\n\r\n`,
    )
    socket.on('data', (piece: Buffer) => this.#take(piece))
    socket.resume()
    await over.promise
    for (const gone of this.#goneListeners) gone()
    this.#conversation.forgetAll()
  }

  #take(piece: Buffer): void {
    try {
      for (const message of this.#reader.push(piece)) this.#receive(message)
    } catch (thrown) {
      if (!(thrown instanceof FrameError)) throw thrown
      this.#close(PROTOCOL_ERROR, 'malformed')
    }
  }

  #receive({ type, payload }: Message): void {
    if (type === 'close') return this.#close(1000, '')
    if (type === 'ping') return void this.#write({ type: 'pong', payload })
    if (type === 'pong') return
    if (type === 'binary') return this.#close(POLICY_VIOLATION, 'only text is understood')
    this.#waitingBytes += payload.length
    const isTooMuch = this.#isBusy && this.#waitingBytes > MAX_WAITING_BYTES
    if (isTooMuch || this.#waiting.length >= MAX_WAITING_CALLS) {
      return this.#close(POLICY_VIOLATION, 'too many')
    }
    this.#waiting.push(payload)
    if (this.#isBusy) return
    this.#isBusy = true
    // whatever it is, it ends this connection and not the gate
    this.#goOn().catch(() => this.#close(INTERNAL_ERROR, 'failed'))
  }

  /** One after the other; of a client that has gone nobody asks anything any more. */
  async #goOn(): Promise<void> {
    for (;;) {
      const next = this.#socket.writable ? this.#waiting.shift() : undefined
      if (next === undefined) break
      this.#waitingBytes -= next.length
      await this.#call(next)
    }
    this.#isBusy = false
  }

  async #call(message: Buffer): Promise<void> {
    const begun = this.#conversation.begin(message)
    if (begun.kind === 'refused') return this.#close(POLICY_VIOLATION, begun.reason)
    if (begun.kind === 'prewarm') {
      for (const event of begun.events) this.#send(event)
      return
    }
    const sink = new MessageSink({
      send: (event) => this.#send(event),
      isGone: () => this.#socket.destroyed,
      onGone: (listener) => void this.#goneListeners.add(listener),
      onDrain: (listener) => (this.#drained = listener),
    })
    const { body, input } = begun
    const own = ['content-type', 'application/json', 'accept', 'text/event-stream']
    await this.#pass({
      action: this.#action,
      hasBody: true,
      expectsContinue: false,
      fields: [...this.#fields, ...own, 'content-length', String(body.length)],
      body: Readable.from([body], { objectMode: false }),
      sink,
      isHttp2: false,
    })
    const response = await sink.done
    if (response !== null && this.#socket.writable) this.#conversation.remember(response, input)
    this.#goneListeners.clear() // of a call that is over
  }

  #send(text: string): boolean {
    return this.#write({ type: 'text', payload: Buffer.from(text) })
  }

  #write(message: Message): boolean {
    if (!this.#socket.writable) return true
    const isReady = this.#socket.write(writeFrame(message, undefined))
    if (!isReady) this.#socket.pause() // nothing more is taken from who does not read
    return isReady
  }

  #close(code: number, reason: string): void {
    if (!this.#socket.writable) return
    this.#write({ type: 'close', payload: closePayload(code, reason.slice(0, 120)) })
    this.#socket.end()
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref()
  }
}
