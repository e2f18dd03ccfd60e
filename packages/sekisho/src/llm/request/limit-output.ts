import type { ModelApi } from '../../core/action.ts'
import { knownProvider } from '../known-providers.ts'
import { camelName } from './proto-object.ts'
import {
  type Edit,
  isObjectAt,
  membersAt,
  setMember,
  splice,
  type Span,
  valueAt,
} from './splice.ts'

/** The least that Anthropic takes as a budget of thinking; with less than that, nobody thinks much. */
const MIN_THINKING_TOKENS = 1024

/** A budget of thinking that the limit has no room for: its provider would refuse the request. */
export type NoRoom = { kind: 'no-room'; thinkingTokens: number }

/**
 * The same request with a limit of its reply that is at most so many tokens; every other byte is as
 * it came. A lower limit stays.
 *
 * A budget of thinking that the limit would not exceed, which Anthropic refuses, is lowered with it.
 *
 * @param body that has been read: JSON with one meaning
 * @param maxTokens of one reply, at least 1
 */
export function limitOutput(to: Place, body: Buffer, maxTokens: number): Buffer | NoRoom {
  const edits = editsOf(to, body, maxTokens)
  return Array.isArray(edits) ? splice(body, edits) : edits
}

/** Where the request goes. */
type Place = { api: ModelApi; host: string }

function editsOf({ api, host }: Place, body: Buffer, maxTokens: number): Edit[] | NoRoom {
  const top = membersAt(body, 0)
  switch (api) {
    case 'messages':
      return withThinking(body, lower(body, top, { names: ['max_tokens'], maxTokens }), {
        span: top.spans.get('thinking'),
        name: 'budget_tokens',
        maxTokens,
      })
    case 'responses':
      return lower(body, top, { names: ['max_output_tokens'], maxTokens })
    case 'chat':
      return lower(body, top, { names: chatLimits(host), maxTokens })
    case 'gemini':
      return limitGemini(body, top, maxTokens)
  }
}

/**
 * OpenAI's newer models refuse `max_tokens`; of those that speak like it some know no other name, and
 * read past one that they do not know.
 */
function chatLimits(host: string): readonly [string, string] {
  const { id } = knownProvider(host) ?? {}
  const isOpenai = id === 'openai' || id === 'azure'
  return isOpenai
    ? ['max_completion_tokens', 'max_tokens']
    : ['max_tokens', 'max_completion_tokens']
}

type Members = ReturnType<typeof membersAt>

/** Every name that is there; the first where none is. */
function lower(
  body: Buffer,
  members: Members,
  { names, maxTokens }: { names: readonly [string, ...string[]]; maxTokens: number },
): Edit[] {
  const told = names.filter((name) => typeof valueAt(body, members.spans.get(name)) === 'number')
  const [first] = names
  if (told.length === 0) return [setMember(members, first, String(maxTokens))]
  return told.flatMap((name) => {
    const limit = valueAt(body, members.spans.get(name))
    const isLower = typeof limit === 'number' && limit <= maxTokens
    return isLower ? [] : [setMember(members, name, String(maxTokens))]
  })
}

type Thinking = { span: Span | undefined; name: string; maxTokens: number }

/** @param limits of the reply; none where its own is low enough already */
function withThinking(
  body: Buffer,
  limits: Edit[],
  { span, name, maxTokens }: Thinking,
): Edit[] | NoRoom {
  if (limits.length === 0 || !isObjectAt(body, span)) return limits
  const members = membersAt(body, span.start)
  const written = spelled(members, name)
  const budget = valueAt(body, members.spans.get(written))
  if (typeof budget !== 'number' || budget < maxTokens) return limits
  if (maxTokens <= MIN_THINKING_TOKENS) return { kind: 'no-room', thinkingTokens: budget }
  return [...limits, setMember(members, written, String(maxTokens - 1))]
}

function limitGemini(body: Buffer, top: Members, maxTokens: number): Edit[] | NoRoom {
  const name = spelled(top, 'generationConfig')
  const span = top.spans.get(name)
  if (!isObjectAt(body, span)) {
    return [setMember(top, name, JSON.stringify({ maxOutputTokens: maxTokens }))]
  }
  const config = membersAt(body, span.start)
  const names: [string] = [spelled(config, 'maxOutputTokens')]
  return withThinking(body, lower(body, config, { names, maxTokens }), {
    span: config.spans.get(spelled(config, 'thinkingConfig')),
    name: 'thinkingBudget',
    maxTokens,
  })
}

/** As it is written there. */
function spelled({ spans }: Members, name: string): string {
  return [...spans.keys()].find((each) => camelName(each) === name) ?? name
}
