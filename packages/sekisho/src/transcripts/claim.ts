/**
 * What an agent's own log says that it did. Nobody has checked it: the agent writes that log, and
 * whoever controls the agent writes what it likes.
 */
export type Claim = {
  /** as the log has it; null where it says no time */
  at: string | null
  /** the tool's name, in the client's words */
  tool: string
  did:
    | { kind: 'command'; command: string }
    | { kind: 'fetch'; url: string }
    /** anything else, which leaves no trace of its own outside the sandbox */
    | { kind: 'other' }
}

/** A call of a tool as a model proposed it, in the client's own log. */
export type ClaimedCall = {
  /** as the log has it; null where it says no time */
  at: string | null
  /** the provider's id of it, or one of the client's own */
  id: string | null
  tool: string
  /** as the format has it: `tool_use`, `function_call` … */
  type: string
  /** a JSON text for `json`, else free text such as a program */
  arguments: string
  format: 'json' | 'text'
  /** where the client writes them down otherwise than they came: what they may have been */
  rewritten?: readonly string[]
  /** its client has covered parts of them, so by them it is not known */
  isCovered?: boolean
}

/** One log, and the journal beside it where it is a database; each may be torn, or anything else. */
export type Transcript = { content: Uint8Array; journal: Uint8Array | null }

/** What one log claims, and how many of its lines, rows and pages could not be read. */
export type Reading = { claims: Claim[]; calls: ClaimedCall[]; unread: number }

/** One client's logs: where they are, and how to read them. */
export type TranscriptClient = {
  readonly name: string
  /** below the home: directories by name, `*` for any one name, and the end of the file's name */
  readonly places: readonly { directories: readonly string[]; suffix: string }[]
  /** what the name of a log's journal has behind the log's own, for logs that are databases */
  readonly journal?: string
  /** scripts that the client runs for itself and does not log; anybody can imitate one */
  readonly housekeeping: readonly RegExp[]
  readonly read: (transcript: Transcript) => Reading
}
