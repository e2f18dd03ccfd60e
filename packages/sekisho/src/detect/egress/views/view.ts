import type { Span } from '../detector.ts'

/**
 * What a stream says once one kind of encoding is undone: the places that change by it, with some
 * of what stands around them, a NUL between places that do not touch. Memory is bounded; what comes
 * out does not depend on how the input was cut.
 */
export interface View {
  push(piece: Uint8Array): Uint8Array
  /** the rest; nothing may be pushed afterwards */
  end(): Uint8Array
  /** true once something was too large to be undone: nobody has seen what it says */
  readonly isIncomplete: boolean
  /** true once what comes is read by what came long before: a part of the stream does not say the same */
  readonly spansAll?: boolean
  /** The place of the input that a place of the output was made from, where it can be told. */
  origin(place: Span): Span | undefined
}

/** Stands between places that do not touch in the input. */
export const GAP = 0

export const NOTHING: Uint8Array = new Uint8Array(0)
