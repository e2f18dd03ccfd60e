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

/** Claims of one transcript, and how many of its lines could not be read. */
export type Claims = { claims: Claim[]; unread: number }

/** One client's logs: where they are, and how to read them. */
export type TranscriptClient = {
  readonly name: string
  /** below the home: directories by name, `*` for any one name, and the end of the file's name */
  readonly places: readonly { directories: readonly string[]; suffix: string }[]
  /** scripts that the client runs for itself and does not log; anybody can imitate one */
  readonly housekeeping: readonly RegExp[]
  /** null for a format that is collected and not read */
  readonly read: ((text: string) => Claims) | null
}
