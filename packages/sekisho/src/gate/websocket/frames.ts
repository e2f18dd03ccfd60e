import { isUtf8 } from 'node:buffer'

/** RFC 6455 §11.8 */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export type MessageType = 'text' | 'binary' | 'close' | 'ping' | 'pong'
/** One message, put together of its fragments and unmasked. */
export type Message = { type: MessageType; payload: Buffer }

/** RFC 6455 §5.5 */
const MAX_CONTROL_BYTES = 125
/** Fragments of one message; more is a way to spend our time, not to say something. */
const MAX_FRAGMENTS = 4_096

export class FrameError extends Error {
  override readonly name = 'FrameError'
}

type Head = {
  isFinal: boolean
  opcode: number
  mask: Buffer | undefined
  start: number
  end: number
}

/**
 * Reads frames of one direction strictly (RFC 6455 §5): no reserved bits, no extension, lengths in
 * their shortest form, fragments in order, text that is UTF-8. Holds at most one message.
 */
export class FrameReader {
  readonly #isMasked: boolean
  readonly #maxMessageBytes: number
  #pending: Buffer = Buffer.alloc(0)
  /** come since, joined only when there is enough to go on: a long frame in many pieces costs once */
  #later: Buffer[] = []
  #have = 0
  #need = 0
  #fragments: Buffer[] = []
  #held = 0
  #type: 'text' | 'binary' | undefined

  /** @param from a client masks each frame, a server none (§5.1) */
  constructor(from: 'client' | 'server', maxMessageBytes: number) {
    this.#isMasked = from === 'client'
    this.#maxMessageBytes = maxMessageBytes
  }

  /** @returns the messages that are whole now, in order @throws FrameError */
  push(piece: Buffer): Message[] {
    this.#later.push(piece)
    this.#have += piece.length
    if (this.#have < this.#need) return []
    this.#pending = Buffer.concat([this.#pending, ...this.#later])
    this.#later = []
    this.#need = 0
    const messages: Message[] = []
    for (let head = this.#readHead(); head !== undefined; head = this.#readHead()) {
      if (this.#pending.length < head.end) {
        this.#need = head.end
        break
      }
      const payload = Buffer.from(this.#pending.subarray(head.start, head.end))
      this.#pending = this.#pending.subarray(head.end)
      if (head.mask !== undefined) unmask(payload, head.mask)
      const message = this.#take(head, payload)
      if (message !== undefined) messages.push(message)
    }
    // a copy: a view would keep the whole piece alive
    this.#pending = Buffer.from(this.#pending)
    this.#have = this.#pending.length
    return messages
  }

  #readHead(): Head | undefined {
    const bytes = this.#pending
    const [first, second] = bytes
    if (first === undefined || second === undefined) return undefined
    const opcode = first & 15
    if ((first & 0x70) !== 0) throw new FrameError('a reserved bit')
    if (((second & 0x80) !== 0) !== this.#isMasked) throw new FrameError('masking')
    const length = readLength(bytes, second & 127)
    if (length === undefined) return undefined
    const isFinal = (first & 0x80) !== 0
    this.#check(opcode, isFinal, length.value)
    const start = length.end + (this.#isMasked ? 4 : 0)
    if (bytes.length < start) return undefined
    const mask = this.#isMasked ? bytes.subarray(length.end, start) : undefined
    return { isFinal, opcode, mask, start, end: start + length.value }
  }

  #check(opcode: number, isFinal: boolean, length: number): void {
    if (opcode >= OPCODE.close) {
      if (opcode > OPCODE.pong) throw new FrameError(`opcode ${opcode}`)
      if (!isFinal || length > MAX_CONTROL_BYTES) throw new FrameError('a long control frame')
      return
    }
    if (opcode > OPCODE.binary) throw new FrameError(`opcode ${opcode}`)
    const isStarted = this.#type !== undefined
    if ((opcode === OPCODE.continuation) !== isStarted) throw new FrameError('fragment order')
    if (this.#held + length > this.#maxMessageBytes) throw new FrameError('too long a message')
    if (this.#fragments.length >= MAX_FRAGMENTS) throw new FrameError('too many fragments')
  }

  #take({ opcode, isFinal }: Head, payload: Buffer): Message | undefined {
    switch (opcode) {
      case OPCODE.close:
        return { type: 'close', payload }
      case OPCODE.ping:
        return { type: 'ping', payload }
      case OPCODE.pong:
        return { type: 'pong', payload }
      default:
        this.#type ??= opcode === OPCODE.text ? 'text' : 'binary'
        return this.#gather(payload, isFinal, this.#type)
    }
  }

  #gather(payload: Buffer, isFinal: boolean, type: 'text' | 'binary'): Message | undefined {
    this.#fragments.push(payload)
    this.#held += payload.length
    if (!isFinal) return undefined
    const [only] = this.#fragments
    const whole =
      this.#fragments.length === 1 && only !== undefined ? only : Buffer.concat(this.#fragments)
    this.#fragments = []
    this.#held = 0
    this.#type = undefined
    if (type === 'text' && !isUtf8(whole)) throw new FrameError('text that is no UTF-8')
    return { type, payload: whole }
  }
}

/** One frame for one message. @param mask four random bytes for a client's frame (§5.3) */
export function writeFrame({ type, payload }: Message, mask: Buffer | undefined): Buffer {
  const { length } = payload
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const head = Buffer.alloc(2 + extra)
  head[0] = 0x80 | OPCODE[type]
  head[1] = (mask === undefined ? 0 : 0x80) | (extra === 0 ? length : extra === 2 ? 126 : 127)
  if (extra === 2) head.writeUInt16BE(length, 2)
  if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2)
  if (mask === undefined) return Buffer.concat([head, payload])
  const masked = Buffer.from(payload)
  unmask(masked, mask)
  return Buffer.concat([head, mask, masked])
}

/** @param code RFC 6455 §7.4.1 */
export function closePayload(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason))
  payload.writeUInt16BE(code, 0)
  payload.write(reason, 2)
  return payload.subarray(0, MAX_CONTROL_BYTES)
}

function readLength(bytes: Buffer, short: number): { value: number; end: number } | undefined {
  if (short < 126) return { value: short, end: 2 }
  if (short === 126) {
    if (bytes.length < 4) return undefined
    const value = bytes.readUInt16BE(2)
    if (value < 126) throw new FrameError('a length in a longer form than it needs')
    return { value, end: 4 }
  }
  if (bytes.length < 10) return undefined
  const value = bytes.readBigUInt64BE(2)
  if (value < 65_536n) throw new FrameError('a length in a longer form than it needs')
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('too long a message')
  return { value: Number(value), end: 10 }
}

function unmask(payload: Buffer, mask: Buffer): void {
  for (let at = 0; at < payload.length; at++) {
    payload[at] = (payload[at] ?? 0) ^ (mask[at & 3] ?? 0)
  }
}
