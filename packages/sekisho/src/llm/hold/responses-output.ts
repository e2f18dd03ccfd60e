import { listAt } from './format-reader.ts'
import type { HeldCall } from './held-call.ts'
import { isObject, type JsonObject, textAt } from './json-object.ts'
import type { Reply, TextKind } from './reply.ts'
import { callKey, readItemCall } from './responses-calls.ts'
import { itemKind } from './responses-types.ts'

/** One item of an output on its way; `told` is itself for as it came. */
export type OutputItem = { came: JsonObject; told: JsonObject; call: HeldCall | undefined }

/** Calls of one reply, by what they do: an item may be told more than once. */
export class KnownCalls {
  readonly #byKey = new Map<string, HeldCall>()

  add(item: JsonObject, call: HeldCall): void {
    this.#byKey.set(callKey(item), call)
  }

  find(item: JsonObject): HeldCall | undefined {
    return this.#byKey.get(callKey(item))
  }
}

export type WholeOutput = {
  known: KnownCalls
  items: readonly JsonObject[]
  /** the response ended before its end: a call in it need not be whole */
  isCut: boolean
}

/**
 * The items of a whole output. A call that has not been proposed before is proposed here; `fresh`
 * are those, which are still to be judged.
 */
export function readOutput(
  reply: Reply,
  { known, items, isCut }: WholeOutput,
): { items: OutputItem[]; fresh: HeldCall[] } {
  const fresh: HeldCall[] = []
  const read = items.map((came): OutputItem => {
    if (itemKind(came) !== 'call') return { came, told: toldItem(reply, came), call: undefined }
    const before = known.find(came)
    if (before !== undefined) return { came, told: came, call: before }
    const { head, text } = readItemCall(came)
    const call = reply.open(head)
    if (isCut && came['status'] !== 'completed') {
      reply.drop(call)
      return { came, told: came, call }
    }
    reply.append(call, text)
    known.add(came, call)
    fresh.push(call)
    return { came, told: came, call }
  })
  return { items: read, fresh }
}

/** An output once its calls are settled; `undefined` where it is told as it came. */
export function renderOutput(items: readonly OutputItem[]): readonly JsonObject[] | undefined {
  const told = items.flatMap(({ told, call }) => {
    if (call === undefined || call.isReleased) return [told]
    return call.say === undefined ? [] : [sayingItem(String(call.index), call.say)]
  })
  const isSame = told.length === items.length && told.every((item, at) => item === items[at]?.came)
  return isSame ? undefined : told
}

/** A message that no model has written. */
export function sayingItem(name: string, say: string): JsonObject {
  const content = [{ type: 'output_text', text: say, annotations: [], logprobs: [] }]
  return {
    type: 'message',
    id: `msg_sekisho_${name}`,
    status: 'completed',
    role: 'assistant',
    content,
  }
}

/** Counts what an item says that was not told in pieces. */
export function countItem(reply: Reply, item: JsonObject): void {
  const { facts } = reply
  const kind = itemKind(item)
  const type = textAt(item, 'type') ?? ''
  const bytes = Buffer.byteLength(JSON.stringify(item))
  if (kind === undefined) return reply.unknown(type, bytes)
  if (kind === 'server') facts.server(type)
  if (kind === 'server' || kind === 'other') return facts.countBytes(type, bytes)
  for (const { kind: textKind, text } of textsOf(item)) {
    facts.count(textKind === 'text' ? 'reply text' : 'reply thinking', text)
  }
}

const PARTS: Readonly<Record<string, { kind: TextKind; member: string }>> = {
  output_text: { kind: 'text', member: 'text' },
  text: { kind: 'text', member: 'text' },
  refusal: { kind: 'text', member: 'refusal' },
  output_audio: { kind: 'text', member: 'transcript' },
  summary_text: { kind: 'thinking', member: 'text' },
  reasoning_text: { kind: 'thinking', member: 'text' },
}

function textsOf(item: JsonObject): { kind: TextKind; text: string }[] {
  return ['content', 'summary'].flatMap((name) => {
    const parts = item[name]
    if (!Array.isArray(parts)) return []
    return parts.filter(isObject).flatMap((part) => {
      const known = partText(part)
      return known === undefined ? [] : [{ kind: known.kind, text: known.text }]
    })
  })
}

function partText(part: JsonObject): { kind: TextKind; member: string; text: string } | undefined {
  const type = String(part['type'])
  const known = Object.hasOwn(PARTS, type) ? PARTS[type] : undefined
  const text = known === undefined ? undefined : textAt(part, known.member)
  return known === undefined || text === undefined ? undefined : { ...known, text }
}

/** A part of a message or of reasoning, as it is told. */
export function toldPart(reply: Reply, part: JsonObject): JsonObject {
  const known = partText(part)
  if (known === undefined) {
    reply.unknown(`part.${String(part['type'])}`, Buffer.byteLength(JSON.stringify(part)))
    return part
  }
  const told = reply.wholeText(known.kind, known.text)
  if (told === known.text) return part
  // tokens that the text no longer has
  const logprobs = part['logprobs'] === undefined ? {} : { logprobs: [] }
  return { ...part, [known.member]: told, ...logprobs }
}

/** A message or reasoning as it is told; other items as they came. */
export function toldItem(reply: Reply, item: JsonObject): JsonObject {
  const kind = itemKind(item)
  if (kind !== 'message' && kind !== 'reasoning') return item
  const changed: [string, unknown][] = []
  for (const name of ['content', 'summary']) {
    const parts = listAt(item, name)
    const told = parts.map((part) => toldPart(reply, part))
    if (told.some((part, index) => part !== parts[index])) changed.push([name, told])
  }
  return changed.length === 0 ? item : { ...item, ...Object.fromEntries(changed) }
}
