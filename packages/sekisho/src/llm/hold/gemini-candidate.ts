import { listAt } from './format-reader.ts'
import type { HeldCall } from './held-call.ts'
import { isObject, type JsonObject, objectAt, textAt } from './json-object.ts'
import type { Reply, TextKind } from './reply.ts'
import { malformed } from './reply-fault.ts'

/** What a part may be; it is exactly one of them. */
const PARTS: Readonly<Record<string, 'text' | 'call' | 'server' | 'other'>> = {
  text: 'text',
  functionCall: 'call',
  executableCode: 'server',
  codeExecutionResult: 'server',
  toolCall: 'server',
  toolResponse: 'server',
  inlineData: 'other',
  fileData: 'other',
  audioTranscription: 'other',
}

/** What a part may have beside. */
const BESIDE: ReadonlySet<string> = new Set([
  'thought',
  'thoughtSignature',
  'videoMetadata',
  'mediaResolution',
  'mediaProcessing',
  'partMetadata',
  'speechMetadata',
])

type Part = {
  came: JsonObject
  /** what a filter had kept of the text in front of it */
  rest: readonly JsonObject[]
  told: JsonObject
  call: HeldCall | undefined
}

export type ReadCandidate = {
  calls: readonly HeldCall[]
  /** once its calls are settled; itself for as it came */
  render: () => JsonObject
}

/** One candidate of a Gemini reply. */
export class GeminiCandidate {
  readonly index: number
  readonly #reply: Reply
  /** the text that a filter may have kept something of */
  #stream: { kind: TextKind; name: string } | undefined
  #round = 0
  #hasText = false
  isFinishSent = false

  constructor(reply: Reply, index: number) {
    this.#reply = reply
    this.index = index
  }

  read(source: JsonObject): ReadCandidate {
    for (const name of ['groundingMetadata', 'urlContextMetadata']) {
      if (isObject(source[name])) this.#reply.facts.server(name)
    }
    const content = objectAt(source, 'content')
    const parts =
      content === undefined ? [] : listAt(content, 'parts').map((part) => this.#part(part))
    const isFinished = textAt(source, 'finishReason') !== undefined
    const rest = isFinished ? this.flush() : []
    return {
      calls: parts.flatMap(({ call }) => (call === undefined ? [] : [call])),
      render: () => {
        this.isFinishSent ||= isFinished
        const told = [...parts.flatMap((part) => this.#rendered(part)), ...rest]
        const isSame =
          told.length === parts.length && parts.every(({ came }, at) => told[at] === came)
        if (isSame) return source
        return { ...source, content: { role: 'model', ...content, parts: told } }
      },
    }
  }

  /** What a filter has kept, as parts. */
  flush(): JsonObject[] {
    const stream = this.#stream
    this.#stream = undefined
    this.#round += 1
    if (stream === undefined) return []
    const text = this.#reply.endText(stream.kind, stream.name)
    if (text === '') return []
    return [stream.kind === 'thinking' ? { text, thought: true } : { text }]
  }

  /** What stands in the place of a call, behind whatever text there is. */
  saying(say: string): string {
    const text = this.#hasText ? `\n\n${say}` : say
    this.#hasText = true
    return text
  }

  #rendered({ rest, told, call }: Part): readonly JsonObject[] {
    const all = call?.say === undefined ? [...rest, told] : rest
    this.#hasText ||= all.some(({ text, thought }) => {
      return typeof text === 'string' && text !== '' && thought !== true
    })
    return call?.say === undefined ? all : [...all, { text: this.saying(call.say) }]
  }

  #part(came: JsonObject): Part {
    const names = Object.keys(came).filter((name) => !BESIDE.has(name))
    if (names.length > 1) throw malformed('a part that is several things')
    const [name] = names
    if (name === undefined) return { came, rest: [], told: came, call: undefined }
    const kind = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined
    if (kind === 'text') return this.#textPart(came)
    if (kind === 'call') return this.#callPart(came)
    const bytes = Buffer.byteLength(JSON.stringify(came))
    // Google's own readers in Python take either
    if (name === 'function_call') throw malformed('a call that some readers pass over')
    if (kind === undefined) this.#reply.unknown(`part.${name}`, bytes)
    else this.#reply.facts.countBytes(name, bytes)
    if (kind === 'server') this.#reply.facts.server(name)
    return { came, rest: [], told: came, call: undefined }
  }

  #textPart(came: JsonObject): Part {
    const { text } = came
    if (typeof text !== 'string') throw malformed('a part whose text is none')
    const kind = came['thought'] === true ? 'thinking' : 'text'
    const rest = this.#stream !== undefined && this.#stream.kind !== kind ? this.flush() : []
    const name = `${this.index}.${this.#round}`
    const told = text === '' ? '' : this.#reply.text(kind, name, text)
    if (this.#reply.hasFilter && text !== '') this.#stream = { kind, name }
    const part = told === text ? came : { ...came, text: told }
    return { came, rest, told: part, call: undefined }
  }

  #callPart(came: JsonObject): Part {
    const called = objectAt(came, 'functionCall')
    if (called === undefined) throw malformed('a call that is none')
    // arguments in pieces, each with a path: no client here puts them together
    if (called['partialArgs'] !== undefined || called['willContinue'] === true) {
      throw malformed('a call whose arguments come in pieces')
    }
    const args = called['args'] ?? {}
    if (!isObject(args)) throw malformed('arguments of a call that are no object')
    const rest = this.flush()
    const call = this.#reply.open({
      callId: textAt(called, 'id') ?? null,
      tool: textAt(called, 'name') ?? '',
      type: 'functionCall',
      format: 'json',
    })
    this.#reply.append(call, JSON.stringify(args))
    return { came, rest, told: came, call }
  }
}
