import type { ModelApi } from '../../core/action.ts'
import type { TokenUsage } from '../../wire/llm.ts'
import type { ReplyFacts } from '../format.ts'
import { usageOf } from './usage-of.ts'

/** Names of types come from the provider: no more of them are told apart. */
const MAX_TYPES = 64
const MAX_TYPE_CHARACTERS = 64
/** What a leaf keeps of the usage as it was told. */
const MAX_RAW_CHARACTERS = 4096

/** What has been seen of one reply so far. */
export class FactsBook implements ReplyFacts {
  readonly bytes = new Map<string, number>()
  readonly unsupported: string[] = []
  readonly serverCalls: string[] = []
  model: string | null = null
  usage: TokenUsage | null = null
  rawUsage = ''
  stop: string | null = null
  readonly #api: ModelApi

  constructor(api: ModelApi) {
    this.#api = api
  }

  /** @param text counted in UTF-8 */
  count(part: string, text: string): void {
    this.countBytes(part, Buffer.byteLength(text))
  }

  countBytes(part: string, bytes: number): void {
    const name = part.slice(0, MAX_TYPE_CHARACTERS)
    const known = this.bytes.has(name) || this.bytes.size < MAX_TYPES ? name : 'others'
    this.bytes.set(known, (this.bytes.get(known) ?? 0) + bytes)
  }

  unknown(type: string, bytes: number): void {
    this.countBytes(type, bytes)
    keepType(this.unsupported, type)
  }

  server(type: string): void {
    keepType(this.serverCalls, type)
  }

  name(model: unknown): void {
    if (typeof model === 'string' && model !== '') this.model = model.slice(0, 256)
  }

  /** The usage of the whole reply. One told midway is none: what follows it costs too. */
  spent(usage: unknown): void {
    const read = usageOf(this.#api, usage)
    if (read === null) return
    this.usage = read
    this.rawUsage = shortJson(usage)
  }
}

function keepType(types: string[], type: string): void {
  const name = type.slice(0, MAX_TYPE_CHARACTERS)
  if (types.length < MAX_TYPES && !types.includes(name)) types.push(name)
}

/** As it was told, or without what makes it long: lists of single steps. */
function shortJson(usage: unknown): string {
  const whole = JSON.stringify(usage)
  if (whole.length <= MAX_RAW_CHARACTERS) return whole
  const short = JSON.stringify(usage, (_, value: unknown) => {
    return Array.isArray(value) ? undefined : value
  })
  return short.length <= MAX_RAW_CHARACTERS ? short : ''
}
