import {
  encodeEventStream,
  EventStreamFault,
  type EventStreamMessage,
  EventStreamReader,
} from '../event-stream.ts'
import { DONE } from './format-reader.ts'
import type { Frame, FrameReader, FrameWriter } from './frame.ts'
import { isObject } from './json-object.ts'
import { malformed, oversize } from './reply-fault.ts'
import { readStrictJson } from './strict-json.ts'

const HEADERS = [
  [':event-type', 'chunk'],
  [':content-type', 'application/json'],
  [':message-type', 'event'],
] as const

const PLAIN: ReadonlyMap<string, string> = new Map(HEADERS)

/**
 * Frames of `InvokeModelWithResponseStream` (Bedrock Runtime API): each message of the event stream
 * carries one event of the model's own format, in base64.
 */
export class BedrockFrames implements FrameReader {
  readonly #reader: EventStreamReader
  #hasFailed = false

  constructor(maxBytes: number) {
    this.#reader = new EventStreamReader(maxBytes)
  }

  push(bytes: Buffer, found: (frame: Frame) => void): void {
    try {
      this.#reader.push(bytes, (message) => found(this.#frameOf(message)))
    } catch (error) {
      if (!(error instanceof EventStreamFault)) throw error
      throw error.kind === 'oversize' ? oversize(error.message) : malformed(error.message)
    }
  }

  /** A message that broke off is none to any reader: its sum is missing. */
  end(): readonly Frame[] {
    return []
  }

  #frameOf(message: EventStreamMessage): Frame {
    // a client stops there; one that reads on would read what comes as another reply
    if (this.#hasFailed) throw malformed('an event behind an exception')
    const { raw, headers } = message
    const type = headers.get(':message-type')
    if (type === 'exception' || type === 'error') {
      this.#hasFailed = true
      return { raw, name: '', data: '{"type":"error"}', isPlain: true }
    }
    if (type !== 'event') throw malformed('a message of the event stream of no type')
    const event = headers.get(':event-type')
    if (event !== 'chunk') {
      return { raw, name: '', data: JSON.stringify({ type: `event ${event}` }), isPlain: true }
    }
    const { data, isAlone } = readChunk(message.payload)
    if (data === DONE) throw malformed('the end of a stream of another format')
    return { raw, name: '', data, isPlain: isAlone && hasPlainHeaders(headers) }
  }
}

/** With any others it is written anew, lest one of them mean something to somebody. */
function hasPlainHeaders(headers: EventStreamMessage['headers']): boolean {
  return [...headers].every(([name, value]) => PLAIN.get(name) === value)
}

/** `{"bytes": "…", "p": "abc"}`, where `p` only hides how long the event is. */
function readChunk(payload: Buffer): { data: string; isAlone: boolean } {
  const read = readStrictJson(utf8(payload))
  if ('problem' in read) throw malformed(`a chunk of the event stream: ${read.problem}`)
  const chunk = read.value
  const bytes = isObject(chunk) ? chunk['bytes'] : undefined
  if (!isObject(chunk) || typeof bytes !== 'string') throw malformed('a chunk without its bytes')
  const decoded = Buffer.from(bytes, 'base64')
  // decoders differ in what they read past
  if (decoded.toString('base64') !== bytes) throw malformed('a chunk that is no base64')
  const isAlone = Object.keys(chunk).every((name) => name === 'bytes' || name === 'p')
  return { data: utf8(decoded), isAlone }
}

function utf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw malformed('bytes that are no UTF-8')
  }
}

/** Writes events of a model as chunks of the event stream. */
export class BedrockWriter implements FrameWriter {
  same({ raw, data, isPlain }: Frame): Buffer {
    return isPlain || data === null ? raw : chunkOf(data)
  }

  event(_name: string, value: object): Buffer {
    return chunkOf(JSON.stringify(value))
  }

  close(): Buffer {
    return Buffer.alloc(0)
  }
}

/** @param event of the model's own format, as JSON */
export function chunkOf(event: string): Buffer {
  const bytes = Buffer.from(event).toString('base64')
  return encodeEventStream(HEADERS, Buffer.from(JSON.stringify({ bytes })))
}
