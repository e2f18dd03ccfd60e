import type { SkipEvents } from '../sse.ts'
import { checkNames } from './alike-names.ts'
import type { Frame } from './frame.ts'
import { isObject, type JsonObject } from './json-object.ts'
import { malformed } from './reply-fault.ts'
import { readStrictJson } from './strict-json.ts'

/** Reads the frames of one format, and knows how a client of it takes an end. */
export interface FormatReader {
  /** frames in order; @throws ReplyFault where the rest is refused */
  read(frame: Frame): void
  /** reads events that bring nothing but text, without a frame for each; left out where none are */
  readonly skip?: SkipEvents
  /** no frame follows; @throws ReplyFault where what has come is not whole */
  end(): void
  /**
   * What ends the reply for its client, seen from what has left: nothing that waits. Empty where
   * the client has had an end.
   */
  close(say: string): readonly Buffer[]
}

/** What ends a stream of Chat Completions; other formats have borrowed it. */
export const DONE = '[DONE]'

/** @throws ReplyFault for anything but one object that every reader reads alike */
export function readObject(data: string): JsonObject {
  const read = readStrictJson(data)
  if ('problem' in read) throw malformed(`an event of the reply: ${read.problem}`)
  if (!isObject(read.value)) throw malformed('an event of the reply that is no object')
  checkNames(read.value)
  return read.value
}

export function listAt(value: JsonObject, name: string): readonly JsonObject[] {
  const member = value[name]
  if (member === undefined || member === null) return []
  if (!Array.isArray(member)) throw malformed(`${name} that are no list`)
  return member.map((item: unknown) => {
    if (!isObject(item)) throw malformed(`something in ${name} that is no object`)
    return item
  })
}

/**
 * A text; empty where it is left out.
 *
 * @throws ReplyFault for anything else: JavaScript joins it to a text all the same
 */
export function textIn(value: JsonObject, name: string): string {
  const member = value[name] ?? ''
  if (typeof member !== 'string') throw malformed(`${name} that is no text`)
  return member
}

/** Beside an error, what else an event says: one client stops at the error, another reads past it. */
export function isOnlyError(event: JsonObject, beside: string): boolean {
  const { error } = event
  if (error === undefined || error === null) return false
  return listAt(event, beside).length === 0
}
