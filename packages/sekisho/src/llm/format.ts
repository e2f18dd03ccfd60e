import type { ModelApi } from '../core/action.ts'
import type { TokenUsage } from '../wire/llm.ts'

/** Where a text of a request comes from. */
export type Channel = 'system' | 'user' | 'assistant' | 'tool-result' | 'tool-definition'

export type ChannelText = { channel: Channel; text: string }

/** A tool that a request offers to the model. */
export type OfferedTool = {
  name: string
  /** as the format has it: `function`, `custom`, `web_search_20250305`, `mcp` … */
  type: string
  /** the provider runs it, not the client */
  isServerSide: boolean
}

/** A request for a reply, as far as anybody decides by it. */
export type ModelRequest = {
  kind: 'read'
  api: ModelApi
  /** as asked for */
  model: string
  stream: boolean
  /** null where the request leaves it to the provider */
  maxOutputTokens: number | null
  tools: readonly OfferedTool[]
  /** in order, everything that the model reads as text */
  texts: readonly ChannelText[]
  /** types of items, blocks and tools that nobody here knows, and bytes of each as JSON */
  unsupported: readonly { type: string; bytes: number }[]
}

export type Malformed = { kind: 'malformed'; reason: string }

/** A call of a tool that a model proposes, when its arguments are whole. */
export type ProposedCall = {
  /** counts up within the reply; what `settle` names */
  index: number
  callId: string | null
  /** as the model names it */
  tool: string
  /** how the format has it, such as `tool_use`, `function_call`, `custom_tool_call`, `local_shell_call` */
  type: string
  /** a JSON text for `json`, else free text such as a program */
  arguments: string
  format: 'json' | 'text'
}

/** What becomes of a proposed call. */
export type Judged =
  | { kind: 'release' }
  /** `say` stands in its place, as text of the assistant */
  | { kind: 'replace'; say: string }

export type ReplyStep =
  /** may leave for the client now */
  | { kind: 'write'; bytes: Buffer }
  /** nothing of this call and nothing behind it leaves before it is settled */
  | { kind: 'judge'; call: ProposedCall }
  /**
   * The rest of the reply is refused: malformed, too long, of a type that nobody knows. Once it has
   * been given, `push` and `settle` give nothing more; what tells the client has been written.
   */
  | { kind: 'refuse'; rule: string; reason: string }

/** Takes each text on its way to the client; what it holds back comes with `end`. */
export interface TextFilter {
  /** @param stream which of the reply's texts: each is filtered by itself */
  push(stream: string, text: string): string
  end(stream: string): string
}

/** What a reply was, as far as it has come. */
export type ReplyFacts = {
  /** as the reply names it */
  model: string | null
  usage: TokenUsage | null
  /** as the provider told it; empty where it told none */
  rawUsage: string
  stop: string | null
  /** UTF-8 bytes by what they are: `reply text`, `reply thinking`, `reply calls`, or the type of an item */
  bytes: ReadonlyMap<string, number>
  /** types of items that nobody here knows; with `unsupported: 'deny'` the first one refuses the reply */
  unsupported: readonly string[]
  /** tools that the provider has run by itself, by type */
  serverCalls: readonly string[]
}

export type HoldOptions = {
  unsupported: 'deny' | 'pass'
  /** longest arguments of one call, in bytes */
  maxCallBytes: number
  /** all that is held back at once, in bytes */
  maxHeldBytes: number
  filter?: TextFilter | undefined
}

/**
 * One reply between the provider and the client. Text passes as it comes; from the first event of a
 * call on everything waits, in order, until the call has been judged. Pure: no clock, no sockets.
 */
export interface ReplyHold {
  /** bytes of the body in the clear, in pieces of any length */
  push(bytes: Buffer): readonly ReplyStep[]
  /** the body has ended; a call that is not whole then is refused */
  end(): readonly ReplyStep[]
  settle(index: number, judged: Judged): readonly ReplyStep[]
  /**
   * Ends the reply before its end, in the way that clients of this format take as the end: the
   * budget is spent, or the rules have changed. Nothing held is released.
   */
  cutOff(say: string): readonly ReplyStep[]
  /** What keeps an idle client waiting while a call is held; null where nothing is harmless. */
  readonly keepAlive: Buffer | null
  readonly facts: ReplyFacts
}
