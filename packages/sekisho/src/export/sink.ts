import type { ExportRecord } from './record.ts'

/** Where records go. What it throws is retried, but for a {@link RefusedError}. */
export type Sink = {
  /** how much it wants at once; left out: 256 leaves of 1 MiB */
  readonly batch?: { leaves: number; bytes: number }
  /**
   * Resolves once the receiver has taken all of them, as far as its protocol can say so, with the
   * number of those that it says it threw away all the same.
   *
   * @throws RefusedError, RetryError, or any other error, which counts as a RetryError
   */
  send(records: readonly ExportRecord[], signal: AbortSignal): Promise<number>
  /** plain JSON that is kept with the cursor and given back at the next start */
  state?(): unknown
  close(): Promise<void>
}

/** The receiver is there and will never take these records: they are sent one by one, then passed over. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** Not now. */
export class RetryError extends Error {
  override readonly name = 'RetryError'
  /** as the receiver asks; undefined where it does not */
  readonly afterMs: number | undefined

  constructor(message: string, { afterMs, cause }: { afterMs?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.afterMs = afterMs
  }
}

/**
 * A failure in words that hold nothing of the request: no header, no body, no URL, for any of them
 * may hold a secret of the sink or come from the receiver.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof RetryError || error instanceof RefusedError) return error.message
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,63}$/.test(code)) return code
  if (error instanceof Error && error.cause !== undefined) return describeFailure(error.cause)
  return error instanceof Error ? error.name : 'an unknown failure'
}
