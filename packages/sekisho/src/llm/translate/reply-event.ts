import type { TokenUsage } from '../../wire/llm.ts'

/** Why a reply has ended. */
export type Stop = 'end' | 'calls' | 'length' | 'stop-sequence' | 'filter'

/** What a reply says in any format, in order. Nothing follows `end` or `fault`. */
export type ReplyEvent =
  | { kind: 'begin'; id: string; model: string }
  | { kind: 'text'; text: string }
  | { kind: 'thinking'; text: string }
  /** @property arguments JSON, or the text that a tool of free text takes */
  | { kind: 'call'; id: string; name: string; arguments: string }
  /** the reply goes on, and says nothing */
  | { kind: 'alive' }
  | { kind: 'end'; stop: Stop; usage: TokenUsage | null }
  | { kind: 'fault'; message: string }

/** One format's replies, as they come. */
export interface ReplyParser {
  /** One event of a stream. @throws ReplyBroken */
  event(value: unknown): readonly ReplyEvent[]
  /** Behind the last one. */
  close(): readonly ReplyEvent[]
  /** A whole reply. @throws ReplyBroken */
  document(value: unknown): readonly ReplyEvent[]
}

/** One format's replies, as they are written. */
export interface ReplyWriter {
  readonly contentType: string
  /** empty where nothing is to be written yet */
  write(event: ReplyEvent): string
}

/** What is no reply of its format; never leaves this directory. */
export class ReplyBroken extends Error {}
