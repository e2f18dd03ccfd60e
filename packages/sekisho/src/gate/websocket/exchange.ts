import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { HttpRequestAction } from '../../core/action.ts'
import { toSekishoError } from '../../core/error.ts'
import { type Deny, deny } from '../../core/verdict.ts'
import { Scrubber } from '../../detect/scrub.ts'
import type {
  Allowed,
  Cut,
  Exchange,
  Failed,
  Inspected,
  Outgoing,
  Performed,
  Pinned,
} from '../../flow/ports.ts'
import type { BudgetLedger } from '../../policy/provenance/budget-ledger.ts'
import type { ProvenanceState } from '../../policy/provenance/provenance-state.ts'
import type { RuleOptions } from '../../wire/policy.ts'
import { DestinationMeter } from '../destination-meter.ts'
import type { Dialer } from '../dialer.ts'
import { EgressCut, type EgressMeter } from '../egress-meter.ts'
import { type HeadInspector, lookAtHead } from '../head-inspection.ts'
import { endToEndFields, type Fields, fieldBytes } from '../http-fields.ts'
import { StreamLook, StreamStopped } from '../inspection/stream-look.ts'
import { LateStop } from '../late-stop.ts'
import type { Turns } from '../turns.ts'
import { TlsDoor } from '../upstream-door.ts'
import { closePayload, FrameError, FrameReader, type Message, writeFrame } from './frames.ts'
import { keyOf, requestFields } from './head.ts'
import { readSwitch, type Switched } from './switch-reply.ts'

/** A message of the upstream that is read because a credential's echo is looked for in it. */
const MAX_REPLY_MESSAGE_BYTES = 16 * 1024 * 1024
const IDLE_MS = 20 * 60_000
/** RFC 6455 §7.4.1 */
const POLICY_VIOLATION = 1008
const PROTOCOL_ERROR = 1002
const NO_DROP: ReadonlySet<string> = new Set(['host', 'accept-encoding'])

export type WebSocketPerformer = HeadInspector & {
  dialer: Dialer
  meter: EgressMeter
  budgets: BudgetLedger
  provenance: ProvenanceState | null
  turns: Turns
}

export type WebSocketArrival = {
  action: HttpRequestAction
  fields: readonly string[]
  /** the agent's connection, after the parser has let go of it */
  socket: Duplex
}

/** One WebSocket: its handshake is a request as any other, its messages are looked at one by one. */
export class WebSocketExchange implements Exchange {
  readonly #arrival: WebSocketArrival
  readonly #performer: WebSocketPerformer
  readonly #meter: DestinationMeter
  #options: RuleOptions = {}
  #allowedBy: readonly string[] = []
  #out = 0
  #in = 0
  #scrubbed = 0
  #isSwitched = false
  #upstream: Socket | undefined
  /** the agent has said that it is done (RFC 6455 §5.5.1), and the upstream knows */
  #isClosing = false

  constructor(arrival: WebSocketArrival, performer: WebSocketPerformer) {
    this.#arrival = arrival
    this.#performer = performer
    this.#meter = new DestinationMeter(arrival.action.host, performer.meter, performer.budgets)
  }

  /** whether the agent has had its answer: 101, after which only messages may follow */
  get isSwitched(): boolean {
    return this.#isSwitched
  }

  inspect(allowed: Allowed): Inspected {
    const { action, fields } = this.#arrival
    const origin = this.#performer.provenance?.decide(action, allowed.rules)
    if (origin?.kind === 'deny') return origin
    const looked = lookAtHead(this.#arrival, allowed, this.#performer)
    if (looked.kind !== 'looked-at') return looked
    this.#options = looked.options
    this.#allowedBy = allowed.rules
    const bytes = fieldBytes(fields)
    return this.#meter.admit(bytes, { action, bytes }) ?? looked.clear
  }

  outgoing(): Outgoing {
    return { fields: requestFields(this.#arrival.fields), body: null }
  }

  onGone(listener: () => void): void {
    this.#arrival.socket.once('close', listener)
  }

  isOpenEnded(): boolean {
    return true
  }

  cut(by: Deny): void {
    this.#upstream?.destroy(new LateStop(by))
  }

  async perform(
    pinned: Pinned,
    credentials: ReadonlyMap<string, string>,
  ): Promise<Performed | Failed | Cut> {
    let upstream: Socket | undefined
    try {
      upstream = await this.#dial(pinned)
      this.#upstream = upstream
      const switched = await this.#shakeHands(upstream, credentials)
      if (switched.status !== 101) return this.#performed(pinned, switched.status)
      await Promise.all([this.#carryOut(upstream), this.#carryIn(upstream, switched, credentials)])
      return this.#performed(pinned, 101)
    } catch (thrown) {
      // whoever has closed may leave without waiting for the other side
      if (this.#isClosing && isReset(thrown)) return this.#performed(pinned, 101)
      return this.#brokenOff(thrown)
    } finally {
      upstream?.destroy()
      this.#arrival.socket.end()
    }
  }

  #dial(pinned: Pinned): Promise<Socket> {
    const { dialer } = this.#performer
    const { action } = this.#arrival
    if (action.scheme === 'http') return dialer.dial({ host: action.host, pinned })
    return new TlsDoor(dialer, action, pinned).open(['http/1.1'])
  }

  async #shakeHands(upstream: Socket, credentials: ReadonlyMap<string, string>): Promise<Switched> {
    const { action, fields } = this.#arrival
    const key = keyOf(fields)
    const head = this.#requestHead(this.#fields(credentials), key)
    this.#meter.take(head.length)
    this.#out += head.length
    upstream.write(head)
    const switched = await readSwitch(upstream, acceptKey(key))
    this.#in += switched.bytes
    const scrubber = credentials.size === 0 ? undefined : new Scrubber(credentials.values())
    const reply = switched.reply.map((text) => scrubber?.scrubText(text) ?? text)
    this.#scrubbed += scrubber?.count ?? 0
    this.#performer.provenance?.apply({ type: 'reply', rules: this.#allowedBy })
    this.#isSwitched = true
    this.#arrival.socket.write(Buffer.from(`${reply.join('\r\n')}\r\n\r\n`, 'latin1'))
    if (switched.status !== 101) return switched
    const { socket } = this.#arrival
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') {
      socket.setTimeout(IDLE_MS, () => socket.destroy(new Error('nothing moves')))
    }
    upstream.setTimeout(IDLE_MS, () => upstream.destroy(new Error(`${action.host}: nothing moves`)))
    return switched
  }

  #fields(credentials: ReadonlyMap<string, string>): Fields {
    const { action, fields } = this.#arrival
    const passed = endToEndFields(requestFields(fields), NO_DROP)
    return credentials.size === 0
      ? passed
      : this.#performer.placeholders.attach(
          { action, fields: passed, body: () => null },
          credentials,
        )
  }

  #requestHead(fields: Fields, key: string): Buffer {
    const { path, query, host, port, scheme } = this.#arrival.action
    const usual = port === (scheme === 'https' ? 443 : 80)
    const lines = [
      `GET ${query === null ? path : `${path}?${query}`} HTTP/1.1`,
      `Host: ${usual ? host : `${host}:${port}`}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${key}`,
    ]
    for (let index = 0; index < fields.length; index += 2) {
      lines.push(`${fields[index]}: ${fields[index + 1]}`)
    }
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  }

  async #carryOut(upstream: Socket): Promise<void> {
    const { inspector, turns } = this.#performer
    const reader = new FrameReader('client', inspector.maxBodyBytes(this.#options))
    const stream = new StreamLook(inspector, this.#options, 'message')
    for await (const piece of this.#arrival.socket.iterator({ destroyOnReturn: false })) {
      if (!(piece instanceof Buffer)) continue
      for (const message of reader.push(piece)) {
        this.#look(stream, message)
        const frame = writeFrame(message, randomBytes(4))
        await turns.next()
        this.#meter.take(frame.length)
        this.#out += frame.length
        await write(upstream, frame)
        if (message.type === 'close') this.#isClosing = true
      }
    }
    upstream.end()
  }

  /** Control frames carry up to 125 bytes of anything: they are looked at like the rest. */
  #look(stream: StreamLook, { type, payload }: Message): void {
    try {
      stream.lookAtMessage(payload)
    } catch (thrown) {
      if (!(thrown instanceof StreamStopped)) throw thrown
      throw new MessageStopped(thrown, { type: type === 'text' ? 'text' : 'binary', payload })
    }
  }

  async #carryIn(
    upstream: Socket,
    { rest }: Switched,
    credentials: ReadonlyMap<string, string>,
  ): Promise<void> {
    const scrub =
      credentials.size === 0 ? (piece: Buffer) => piece : this.#messageScrubber(credentials)
    const { socket } = this.#arrival
    if (rest.length > 0) await this.#passIn(scrub(rest), rest.length)
    for await (const piece of upstream.iterator({ destroyOnReturn: false })) {
      if (piece instanceof Buffer) await this.#passIn(scrub(piece), piece.length)
    }
    socket.end()
  }

  async #passIn(bytes: Buffer, length: number): Promise<void> {
    this.#in += length
    if (bytes.length > 0) await write(this.#arrival.socket, bytes)
  }

  /** An echo of a released value is taken out of each message, which keeps its length. */
  #messageScrubber(credentials: ReadonlyMap<string, string>): (piece: Buffer) => Buffer {
    const reader = new FrameReader('server', MAX_REPLY_MESSAGE_BYTES)
    return (piece) =>
      Buffer.concat(
        reader.push(piece).map((message) => {
          const scrubber = new Scrubber(credentials.values())
          const payload = Buffer.concat([scrubber.push(message.payload), scrubber.end()])
          this.#scrubbed += scrubber.count
          return writeFrame({ ...message, payload }, undefined)
        }),
      )
  }

  #performed({ address }: Pinned, status: number): Performed {
    const [bytesOut, bytesIn, scrubbed] = [this.#out, this.#in, this.#scrubbed]
    return { kind: 'performed', status, address, bytesOut, bytesIn, scrubbed }
  }

  #brokenOff(thrown: unknown): Failed | Cut {
    if (thrown instanceof MessageStopped) {
      this.#close(POLICY_VIOLATION, 'the message may not leave')
      return this.#cut(thrown)
    }
    if (thrown instanceof LateStop && thrown.by.kind === 'deny') {
      this.#close(POLICY_VIOLATION, 'the message may not leave')
      return this.#cutOff(thrown.by)
    }
    if (thrown instanceof FrameError) {
      this.#close(PROTOCOL_ERROR, 'malformed')
      return this.#cutOff(deny('invariant.websocket-malformed', thrown.message))
    }
    if (thrown instanceof EgressCut) this.#close(POLICY_VIOLATION, 'a limit is reached')
    const { code, message } = toSekishoError(thrown)
    const own = thrown instanceof EgressCut ? thrown.code : code
    return { kind: 'failed', code: own, message: message.slice(0, 1024) }
  }

  #cut({ stopped: { by, findings }, refused }: MessageStopped): Cut {
    const { host, port, path } = this.#arrival.action
    const { type, payload } = refused
    return {
      kind: 'cut',
      action: { kind: 'ws.message', host, port, path, type, bytes: payload.length },
      by,
      findings: findings.recorded,
      outcome: { kind: 'failed', code: 'DATA_STOPPED', message: `cut: ${by.reason}` },
    }
  }

  /** Not for what a message says: it is none, or the destination has been told enough. */
  #cutOff(by: Deny): Cut {
    const { action } = this.#arrival
    const outcome = { kind: 'failed', code: 'DATA_STOPPED', message: `cut: ${by.reason}` } as const
    return { kind: 'cut', action, by, outcome }
  }

  #close(code: number, reason: string): void {
    const { socket } = this.#arrival
    if (!this.#isSwitched || !socket.writable) return
    socket.write(writeFrame({ type: 'close', payload: closePayload(code, reason) }, undefined))
  }
}

type StoppedMessage = { type: 'text' | 'binary'; payload: Buffer }

class MessageStopped extends Error {
  override readonly name = 'MessageStopped'
  readonly stopped: StreamStopped
  readonly refused: StoppedMessage

  constructor(stopped: StreamStopped, message: StoppedMessage) {
    super(stopped.message)
    this.stopped = stopped
    this.refused = message
  }
}

function isReset(thrown: unknown): boolean {
  if (!(thrown instanceof Error && 'code' in thrown)) return false
  return ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(thrown.code))
}

/** RFC 6455 §4.2.2 */
export function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

function write(to: Duplex, piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(piece, (error) => {
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}
