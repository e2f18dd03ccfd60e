import type { ModelApi } from '../../core/action.ts'
import type { HoldOptions, ReplyHold } from '../format.ts'
import type { ReplyFraming } from '../provider-path.ts'
import { BedrockFrames, BedrockWriter, chunkOf } from './bedrock-frames.ts'
import { chatDocument } from './chat-document.ts'
import { ChatStream } from './chat-stream.ts'
import { DocumentFormat, type DocumentForm } from './document.ts'
import { DocumentFrames, DocumentWriter } from './document-frames.ts'
import { GeminiFrames } from './gemini-frames.ts'
import { GeminiStream } from './gemini-stream.ts'
import { messagesDocument } from './messages-document.ts'
import { MessagesStream } from './messages-stream.ts'
import { Reply } from './reply.ts'
import { FramedHold } from './reply-hold.ts'
import { responsesDocument } from './responses-document.ts'
import { ResponsesStream } from './responses-stream.ts'
import { SseFrames, SseWriter } from './sse-frames.ts'

/** What Anthropic itself sends while nothing happens. */
const PING = 'event: ping\ndata: {"type":"ping"}\n\n'
const BEDROCK_PING = chunkOf('{"type":"ping"}')
const COMMENT = ': sekisho\n\n'

/**
 * The hold of one reply to a model call.
 *
 * @param options `stream`: an event stream, else one JSON document; `framing`: how its events are
 *   carried, where that is not by server-sent events
 */
export function makeReplyHold(
  api: ModelApi,
  options: HoldOptions & { stream: boolean; framing?: ReplyFraming | undefined },
): ReplyHold {
  const reply = new Reply(api, options)
  if (options.stream && options.framing === 'bedrock') {
    return bedrockHold(reply, options.maxHeldBytes)
  }
  return options.stream ? streamHold(api, reply, options) : documentHold(api, reply, options)
}

function streamHold(api: ModelApi, reply: Reply, { maxHeldBytes }: HoldOptions): ReplyHold {
  const frames = new SseFrames(maxHeldBytes)
  const writer = new SseWriter()
  switch (api) {
    case 'messages':
      return new FramedHold({
        reply,
        frames,
        format: new MessagesStream(reply, writer),
        keepAlive: () => writer.lines(PING),
      })
    case 'responses':
      return new FramedHold({
        reply,
        frames,
        format: new ResponsesStream(reply, writer),
        keepAlive: () => writer.lines(COMMENT),
      })
    case 'chat':
      return new FramedHold({
        reply,
        frames,
        format: new ChatStream(reply, writer),
        keepAlive: () => writer.lines(COMMENT),
      })
    case 'gemini':
      return geminiHold(reply, maxHeldBytes, true)
  }
}

/** Events of Messages, in the binary event stream of Amazon. */
function bedrockHold(reply: Reply, maxHeldBytes: number): ReplyHold {
  return new FramedHold({
    reply,
    frames: new BedrockFrames(maxHeldBytes),
    format: new MessagesStream(reply, new BedrockWriter()),
    keepAlive: () => BEDROCK_PING,
  })
}

/** No keep-alive: Gemini CLI takes a comment for an event. */
function geminiHold(reply: Reply, maxHeldBytes: number, isStream: boolean): ReplyHold {
  const frames = new GeminiFrames(maxHeldBytes, isStream)
  return new FramedHold({ reply, frames, format: new GeminiStream(reply, frames) })
}

function documentHold(api: ModelApi, reply: Reply, { maxHeldBytes }: HoldOptions): ReplyHold {
  if (api === 'gemini') return geminiHold(reply, maxHeldBytes, false)
  const format = new DocumentFormat(reply, new DocumentWriter(), DOCUMENTS[api])
  return new FramedHold({
    reply,
    frames: new DocumentFrames(maxHeldBytes),
    format,
  })
}

const DOCUMENTS: Readonly<Record<Exclude<ModelApi, 'gemini'>, DocumentForm>> = {
  messages: messagesDocument,
  chat: chatDocument,
  responses: responsesDocument,
}
