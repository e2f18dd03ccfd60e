import { MODEL_APIS, type ModelApi } from '../../../core/action.ts'
import { encodeEventStream, EventStreamReader } from '../../event-stream.ts'
import type { ReplyFraming } from '../../provider-path.ts'
import { chunkOf } from '../bedrock-frames.ts'
import { readObject } from '../format-reader.ts'
import { textAt } from '../json-object.ts'

/** How a stream of one format comes over the wire. */
export type Wire = {
  name: string
  api: ModelApi
  framing?: ReplyFraming
  /** @param events as server-sent ones */
  toBytes: (events: readonly string[]) => Buffer
  /** bytes that left together, as server-sent events again */
  show: (bytes: Buffer) => string
}

/** Messages of Amazon's event stream, in the shape of server-sent events. */
function showBedrock(bytes: Buffer): string {
  const events: string[] = []
  new EventStreamReader(bytes.length).push(bytes, ({ headers, payload }) => {
    const type = headers.get(':message-type')
    if (type !== 'event') return void events.push(`event: error\ndata: {"type":"error"}\n\n`)
    const data = textAt(readObject(payload.toString()), 'bytes') ?? ''
    events.push(sseOf(Buffer.from(data, 'base64').toString()))
  })
  return events.join('')
}

function sseOf(event: string): string {
  return `event: ${textAt(readObject(event), 'type')}\ndata: ${event}\n\n`
}

/** What is no event there, such as a comment, is an exception. */
function toBedrock(event: string): Buffer {
  const data = /^data: (?<data>.*)$/m.exec(event)?.groups?.['data']
  return data === undefined ? bedrockException('throttlingException') : chunkOf(data)
}

function bedrockException(type: string): Buffer {
  const headers = [
    [':exception-type', type],
    [':content-type', 'application/json'],
    [':message-type', 'exception'],
  ] as const
  return encodeEventStream(headers, Buffer.from('{"message":"late"}'))
}

const BEDROCK_WIRE: Wire = {
  name: 'messages by Bedrock',
  api: 'messages',
  framing: 'bedrock',
  toBytes: (events) => Buffer.concat(events.map(toBedrock)),
  show: showBedrock,
}

export const WIRES: readonly Wire[] = [
  ...MODEL_APIS.map(
    (api): Wire => ({
      name: api,
      api,
      toBytes: (events) => Buffer.from(events.join('')),
      show: (bytes) => bytes.toString(),
    }),
  ),
  BEDROCK_WIRE,
]
