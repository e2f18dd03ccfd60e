import { chatOutputNames, type OutputNames, type Place } from './output-names.ts'
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

function editsOf(to: Place, body: Buffer, maxTokens: number): Edit[] | NoRoom {
  const top = membersAt(body, 0)
  switch (to.api) {
    case 'messages':
      return withThinking(body, lower(body, top, { names: only('max_tokens'), maxTokens }), {
        span: top.spans.get('thinking'),
        name: 'budget_tokens',
        maxTokens,
      })
    case 'responses':
      return lower(body, top, { names: only('max_output_tokens'), maxTokens })
    case 'chat':
      return lower(body, top, { names: chatOutputNames(to), maxTokens })
    case 'gemini':
      return limitGemini(body, top, maxTokens)
  }
}

function only(name: string): OutputNames {
  return { read: [name], all: [name] }
}

type Members = ReturnType<typeof membersAt>

/** Every name that is there; and the first that is read where none of those is. */
function lower(
  body: Buffer,
  members: Members,
  { names: { read, all }, maxTokens }: { names: OutputNames; maxTokens: number },
): Edit[] {
  const limitOf = (name: string): unknown => valueAt(body, members.spans.get(name))
  const isRead = read.some((name) => typeof limitOf(name) === 'number')
  const edits = isRead ? [] : [setMember(members, read[0], String(maxTokens))]
  for (const name of all) {
    const limit = limitOf(name)
    if (typeof limit === 'number' && limit > maxTokens) {
      edits.push(setMember(members, name, String(maxTokens)))
    }
  }
  return edits
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
  const names = only(spelled(config, 'maxOutputTokens'))
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
