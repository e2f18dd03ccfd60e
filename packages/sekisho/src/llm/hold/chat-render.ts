import type { ChatChoice } from './chat-choice.ts'
import type { HeldCall } from './held-call.ts'
import { indexAt, type JsonObject, textAt } from './json-object.ts'

/** What one chunk says of one choice. */
export type ChatPart = {
  choice: ChatChoice
  source: JsonObject
  delta: JsonObject
  /** members of the delta that are told otherwise than they came */
  texts: Map<string, string>
  calls: { call: HeldCall; entry: JsonObject; isLegacy: boolean }[]
  /** entries of types that nobody knows, which the bundle lets pass */
  others: JsonObject[]
  finish: string | undefined
}

/** @returns the source itself where nothing has to change, undefined where nothing is left of it */
export function renderChat(part: ChatPart): JsonObject | undefined {
  const { choice, source, texts } = part
  const calls = renderCalls(part)
  const finish = finishReason(part)
  choice.isFinishSent ||= finish !== undefined
  if ((texts.get('content') ?? textAt(part.delta, 'content') ?? '') !== '') choice.told()
  const says = calls.says.map((say) => choice.saying(say)).join('')
  if (!calls.isChanged && texts.size === 0 && finish === part.finish) return source
  const delta = changedDelta(part, calls.kept, says)
  if (finish === undefined && Object.keys(delta).length === 0) return undefined
  return changedChoice(source, delta, finish)
}

function changedDelta({ delta, texts }: ChatPart, kept: object, says: string): JsonObject {
  const { tool_calls: _, function_call: __, ...rest } = delta
  const changed: JsonObject = { ...rest, ...Object.fromEntries(texts), ...kept }
  if (says === '') return changed
  return { ...changed, content: (textAt(changed, 'content') ?? '') + says }
}

/** A choice that says something else: its tokens are not told with it. */
export function changedChoice(
  source: JsonObject,
  said: JsonObject,
  finish: string | undefined,
): JsonObject {
  const member = source['message'] === undefined ? 'delta' : 'message'
  const logprobs = source['logprobs'] === undefined ? {} : { logprobs: null }
  const finished = finish === undefined ? {} : { finish_reason: finish }
  return { ...source, [member]: said, ...logprobs, ...finished }
}

type RenderedCalls = { kept: object; says: string[]; isChanged: boolean }

function renderCalls({ choice, delta, calls, others }: ChatPart): RenderedCalls {
  const says: string[] = []
  const entries: JsonObject[] = [...others]
  let kept: JsonObject = {}
  let isChanged = false
  for (const { call, entry, isLegacy } of calls) {
    const isFirst = !choice.isSent(call)
    const index = indexAt(entry, 'index') ?? -1
    const own = choice.sends(call, index)
    const told = toldEntry(entry, { call, isFirst, isMoved: own !== index, own })
    isChanged ||= !call.isReleased || told !== entry
    if (isFirst) says.push(...sayingOf(call))
    if (!call.isReleased) continue
    if (isLegacy) kept = { function_call: delta['function_call'] }
    else entries.push(told)
  }
  if (entries.length > 0) kept = { ...kept, tool_calls: entries }
  return { kept, says, isChanged }
}

/** Under its own index; where its provider gave it no id, with the one that it was judged under. */
function toldEntry(
  entry: JsonObject,
  at: { call: HeldCall; isFirst: boolean; isMoved: boolean; own: number },
): JsonObject {
  const { callId } = at.call.head
  const needsId = at.isFirst && callId !== null && (textAt(entry, 'id') ?? '') === ''
  if (!needsId && !at.isMoved) return entry
  return { ...entry, ...(at.isMoved && { index: at.own }), ...(needsId && { id: callId }) }
}

function sayingOf({ say }: HeldCall): string[] {
  return say === undefined ? [] : [say]
}

function finishReason({ choice, finish }: ChatPart): string | undefined {
  const isOfCalls = finish === 'tool_calls' || finish === 'function_call'
  return isOfCalls && choice.hasOnlyReplaced ? 'stop' : finish
}
