import type { HeldCall } from './held-call.ts'
import { isObject, type JsonObject, objectAt } from './json-object.ts'
import type { Reply, TextKind } from './reply.ts'
import { malformed } from './reply-fault.ts'

/** Members of a Chat message, or of a delta of one, that are texts. */
const TEXTS: Readonly<Record<string, TextKind>> = {
  content: 'text',
  refusal: 'text',
  // not OpenAI's own: how other servers tell what a model thinks
  reasoning: 'thinking',
  reasoning_content: 'thinking',
  reasoning_text: 'thinking',
  thinking: 'thinking',
}

/** Members that no client acts upon. */
const HARMLESS: ReadonlySet<string> = new Set([
  'role',
  'name',
  'annotations',
  'audio',
  'images',
  'citations',
  'reasoning_details',
  'reasoning_opaque',
  'thinking_blocks',
  'extra_content',
  'provider_specific_fields',
])

const CALLS: ReadonlySet<string> = new Set(['tool_calls', 'function_call'])

export type ChatText = { name: string; kind: TextKind; text: string }

/** Texts of a message or delta; what nobody here knows is told to the reply. */
export function readTexts(reply: Reply, message: JsonObject): ChatText[] {
  const texts: ChatText[] = []
  for (const [name, value] of Object.entries(message)) {
    if (value === null || CALLS.has(name)) continue
    const kind = Object.hasOwn(TEXTS, name) ? TEXTS[name] : undefined
    if (kind !== undefined && typeof value === 'string') texts.push({ name, kind, text: value })
    else if (kind !== undefined || !HARMLESS.has(name)) unknown(name, value)
    else if (typeof value !== 'string') reply.facts.count(name, JSON.stringify(value))
  }
  return texts

  function unknown(name: string, value: unknown): void {
    if (Array.isArray(value) && value.length === 0) return
    reply.unknown(`delta.${name}`, Buffer.byteLength(JSON.stringify(value)))
  }
}

/**
 * What stands where the other kind of reply has what it says: some readers take either.
 *
 * @throws ReplyFault for calls in it, and unless the bundle lets pass what nobody can look into
 */
export function checkBeside(reply: Reply, source: JsonObject, name: 'delta' | 'message'): void {
  const beside = source[name] ?? undefined
  if (beside === undefined) return
  if (isObject(beside) && [...CALLS].some((calls) => Boolean(beside[calls]))) {
    throw malformed(`a call in a ${name} beside what is said`)
  }
  reply.unknown(`choice.${name}`, Buffer.byteLength(JSON.stringify(beside)))
}

/** Whether there is a text, or what some reader takes for one, in a delta. */
export function hasText(delta: JsonObject): boolean {
  return Object.keys(TEXTS).some((name) => Boolean(delta[name]))
}

/** A tool call, or the part of one that a chunk brings. */
export type ChatCall = {
  id: string
  name: string
  type: 'function' | 'custom' | 'function_call'
  piece: string
}

/** Where each type of call has what is called, and with what. */
const TYPES: Readonly<Record<string, { type: 'function' | 'custom'; piece: string }>> = {
  function: { type: 'function', piece: 'arguments' },
  custom: { type: 'custom', piece: 'input' },
}

/** @returns undefined for a type that nobody here knows, where the bundle lets such pass */
export function readCall(reply: Reply, entry: JsonObject): ChatCall | undefined {
  const has = ['function', 'custom'].filter((type) => objectAt(entry, type) !== undefined)
  // of a later piece, the type is often left out
  const type = textOf(entry, 'type') || (has[0] ?? 'function')
  // many readers go by what an entry has, whatever its type
  if (has.some((other) => other !== type)) throw malformed('a call of two types')
  const known = Object.hasOwn(TYPES, type) ? TYPES[type] : undefined
  if (known === undefined) {
    reply.unknown(`tool_calls.${type}`, Buffer.byteLength(JSON.stringify(entry)))
    return undefined
  }
  const called = objectAt(entry, type) ?? {}
  return {
    id: textOf(entry, 'id'),
    name: textOf(called, 'name'),
    type: known.type,
    piece: textOf(called, known.piece),
  }
}

/** The one call of a message as it was before there were several. */
export function readLegacyCall(message: JsonObject): ChatCall | undefined {
  const called = message['function_call']
  if (called === undefined || called === null) return undefined
  if (!isObject(called)) throw malformed('a function_call that is no object')
  return {
    id: '',
    name: textOf(called, 'name'),
    type: 'function_call',
    piece: textOf(called, 'arguments'),
  }
}

export function openCall(reply: Reply, { id, name, type }: ChatCall): HeldCall {
  return reply.open({
    callId: id === '' ? null : id,
    tool: name,
    type,
    format: type === 'custom' ? 'text' : 'json',
  })
}

/** Clients differ in which of two names they take. */
export function checkSame(call: HeldCall, { id, name, type, piece }: ChatCall): void {
  const { head } = call
  if (name !== '' && name !== head.tool) throw malformed('a call with two names')
  if (id !== '' && id !== head.callId) throw malformed('a call with two ids')
  if (type !== head.type && piece !== '') throw malformed('a call of two types')
}

function textOf(value: JsonObject, name: string): string {
  const member = value[name]
  if (member === undefined || member === null) return ''
  if (typeof member !== 'string') throw malformed(`a call whose ${name} is no text`)
  return member
}
