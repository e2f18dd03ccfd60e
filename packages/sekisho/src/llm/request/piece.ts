import type { Channel, ChannelText, OfferedTool } from '../format.ts'
import type { JsonObject } from '../hold/json-object.ts'
import { isObject } from '../hold/json-object.ts'
import { RequestFault } from './request-fault.ts'

/** What one part of a request says: a message, a tool, a field. */
export type Piece = {
  readonly texts: readonly ChannelText[]
  readonly tools: readonly OfferedTool[]
  readonly unsupported: readonly { type: string; bytes: number }[]
  /** base64 pictures in it */
  readonly pictures: number
  readonly pictureBytes: number
  /** it names what the provider has or gets from elsewhere, and which nobody here has seen */
  readonly refersElsewhere: boolean
}

const MAX_NAME = 256
/** Names of members that are no more than names. */
const PLAIN_NAME = /^[\w$.-]{1,64}$/

/** Takes down what one part of a request says. */
export class PieceBook implements Piece {
  readonly texts: ChannelText[] = []
  readonly tools: OfferedTool[] = []
  readonly unsupported: { type: string; bytes: number }[] = []
  pictures = 0
  pictureBytes = 0
  refersElsewhere = false

  /** @param text nothing is taken down of what is no text, or an empty one */
  text(channel: Channel, text: unknown): void {
    if (typeof text === 'string' && text !== '') this.texts.push({ channel, text })
  }

  /** All texts in a value, as one. */
  all(channel: Channel, value: unknown): void {
    if (typeof value === 'string') return this.text(channel, value)
    if (typeof value !== 'object' || value === null) return
    const found: string[] = []
    gather(value, found)
    this.text(channel, found.join('\n'))
  }

  tool(tool: OfferedTool): void {
    this.tools.push({ ...tool, name: tool.name.slice(0, MAX_NAME) })
  }

  /** The provider does it by itself. */
  server(type: string, name: unknown = type): void {
    this.tool({ name: typeof name === 'string' ? name : type, type, isServerSide: true })
  }

  /** The provider gets it by itself, from wherever that is: what the address says gets there. */
  linkTo(url: unknown): void {
    this.refersElsewhere = true
    this.server(`fetch:${hostOf(url)}`)
  }

  /** Something that was given to the provider before, by whomever. */
  kept(what: string): void {
    this.refersElsewhere = true
    this.server(`fetch:provider-${what}`)
  }

  unknown(type: unknown, value: unknown): void {
    const name = typeof type === 'string' && type !== '' ? type : 'without a type'
    const bytes = Buffer.byteLength(JSON.stringify(value) ?? '')
    this.unsupported.push({ type: name.slice(0, MAX_NAME), bytes })
  }

  unknownRole(role: unknown, value: unknown): void {
    this.unknown(typeof role === 'string' ? `role ${role}` : 'without a role', value)
  }

  picture(base64: unknown): void {
    this.pictures += 1
    if (typeof base64 === 'string') this.pictureBytes += base64.length
  }

  /** What is said to be a picture: a document takes more tokens than any picture. */
  pictureOf(mediaType: unknown, base64: unknown): void {
    if (typeof mediaType === 'string' && /^image\//i.test(mediaType)) this.picture(base64)
    else this.file()
  }

  /** A file in the body of which nobody here knows how many tokens it comes to. */
  file(): void {
    this.refersElsewhere = true
  }

  /** A URL of a picture: one that holds it, or one that the provider gets. */
  pictureAt(url: unknown): void {
    if (typeof url !== 'string' || !/^data:/i.test(url)) this.linkTo(url)
    else this.pictureOf(url.slice('data:'.length), url)
  }
}

/** Opaque to all but the provider that made them. */
const OPAQUE: ReadonlySet<string> = new Set([
  'encrypted_content',
  'encrypted_index',
  'encrypted_stdout',
  'signature',
  'thoughtSignature',
])

function gather(value: object, found: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value) gatherOne(item, found)
    return
  }
  for (const [name, member] of Object.entries(value)) {
    if (OPAQUE.has(name)) continue
    if (!PLAIN_NAME.test(name)) found.push(name)
    gatherOne(member, found)
  }
}

function gatherOne(value: unknown, found: string[]): void {
  if (typeof value === 'string') found.push(value)
  else if (typeof value === 'object' && value !== null) gather(value, found)
}

/** Providers disagree with browsers, and with each other, about whom such a text names. */
const AMBIGUOUS = /[\\\s\p{C}]|^(?![a-z][a-z0-9+.-]*:\/\/[^/])/iu

function hostOf(url: unknown): string {
  if (typeof url !== 'string' || AMBIGUOUS.test(url)) return 'unknown'
  const { protocol, hostname } = URL.parse(url) ?? { protocol: '', hostname: '' }
  if (protocol === 'gs:') return 'storage.googleapis.com'
  return hostname === '' ? 'unknown' : hostname
}

/**
 * An object of the format itself. Servers in Go take names whatever their capitals, so that `Tools`
 * would be tools there and nothing here.
 *
 * @throws RequestFault for what is no object, and for a name that only differs from a known one
 */
export function readObject(value: unknown, known: ReadonlySet<string>, what: string): JsonObject {
  if (!isObject(value)) throw new RequestFault(`${what} that is no object`)
  for (const name in value) {
    if (!known.has(name) && known.has(foldName(name))) {
      throw new RequestFault(`a name in other capitals than ${foldName(name)}`)
    }
  }
  return value
}

/** As Go compares names: U+017F folds to `s`, and U+212A, which lower-casing knows, to `k`. */
export function foldName(name: string): string {
  return name.toLowerCase().replaceAll('\u017f', 's')
}

/** @throws RequestFault for what is no list; nothing for one that is left out */
export function readList(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new RequestFault(`${what} that is no list`)
  return value
}
