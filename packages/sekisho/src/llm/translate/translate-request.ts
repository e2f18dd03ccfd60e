import { isObject, objectAt } from '../hold/json-object.ts'
import { readStrictJson } from '../hold/strict-json.ts'
import type { ChangedTools, Conversation } from './conversation.ts'
import { Reading } from './members.ts'
import { readChat } from './read-chat.ts'
import { readMessages } from './read-messages.ts'
import { readResponses } from './read-responses.ts'
import { Untranslatable } from './untranslatable.ts'
import { type ChatLimit, writeChat } from './write-chat.ts'
import { writeMessages } from './write-messages.ts'
import { writeResponses } from './write-responses.ts'

/** Formats between which is translated; Gemini's is not among them. */
export const TRANSLATED_APIS = ['messages', 'responses', 'chat'] as const
export type TranslatedApi = (typeof TRANSLATED_APIS)[number]

export type TranslatedRequest =
  | {
      kind: 'translated'
      body: Buffer
      /** what was left out, since the request means the same without it */
      dropped: readonly string[]
      reply: ReplyPlan
    }
  /** @property path of what the other format cannot say */
  | { kind: 'untranslatable'; path: string; reason: string }

/** How a reply comes, and how its client wants it. */
export type ReplyPlan = {
  /** of the provider */
  from: TranslatedApi
  /** of the client */
  to: TranslatedApi
  isStream: boolean
  /** of a stream of Chat Completions: told at its end what it has cost */
  tellsUsage: boolean
  /** what has to be changed back */
  changed: ChangedTools
}

export type RequestOptions = {
  /** as the target's provider names it */
  model: string
  /** of a format that wants a limit, where the client's has none; tokens */
  defaultMaxTokens?: number
  /** of Chat Completions */
  limitName?: ChatLimit
}

const DEFAULT_MAX_TOKENS = 32_000

/** The same request in another format. What cannot be said there is refused by its path. */
export function translateRequest(
  { from, to }: { from: TranslatedApi; to: TranslatedApi },
  body: Buffer,
  options: RequestOptions,
): TranslatedRequest {
  try {
    return translate({ from, to }, body, options)
  } catch (error) {
    if (!(error instanceof Untranslatable)) throw error
    return { kind: 'untranslatable', path: error.path, reason: error.message }
  }
}

function translate(
  { from, to }: { from: TranslatedApi; to: TranslatedApi },
  body: Buffer,
  {
    model,
    defaultMaxTokens = DEFAULT_MAX_TOKENS,
    limitName = 'max_completion_tokens',
  }: RequestOptions,
): TranslatedRequest {
  const parsed = readStrictJson(body.toString())
  if ('problem' in parsed) throw new Untranslatable('', parsed.problem)
  const reading = new Reading()
  const { conversation, changed } = read(from, parsed.value, reading)
  reading.close()
  const { dropped } = reading
  const asked = { ...conversation, model }
  const written = write(to, asked, { dropped, defaultMaxTokens, limitName })
  const bytes = Buffer.from(JSON.stringify(written))
  const reply = {
    from: to,
    to: from,
    isStream: conversation.stream,
    tellsUsage: wantsUsage(parsed.value),
    changed,
  }
  return { kind: 'translated', body: bytes, dropped: [...dropped].sort(), reply }
}

function read(
  from: TranslatedApi,
  body: unknown,
  reading: Reading,
): { conversation: Conversation; changed: ChangedTools } {
  if (!isObject(body)) throw new Untranslatable('', 'no JSON object')
  if (from === 'responses') return readResponses(body, reading)
  const conversation = from === 'chat' ? readChat(body, reading) : readMessages(body, reading)
  return { conversation, changed: new Map() }
}

function wantsUsage(body: unknown): boolean {
  const options = isObject(body) ? objectAt(body, 'stream_options') : undefined
  return options?.['include_usage'] === true
}

function write(
  to: TranslatedApi,
  conversation: Conversation,
  {
    limitName,
    ...others
  }: { dropped: Set<string>; defaultMaxTokens: number; limitName: ChatLimit },
): object {
  switch (to) {
    case 'messages':
      return writeMessages(conversation, others)
    case 'chat':
      return writeChat(conversation, limitName)
    case 'responses':
      return writeResponses(conversation)
  }
}
