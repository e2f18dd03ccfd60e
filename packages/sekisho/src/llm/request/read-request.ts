import type { ChannelText, Malformed, ModelRequest, OfferedTool } from '../format.ts'
import type { ModelRoute } from '../routes.ts'
import type { Segment } from './kept-body.ts'
import { RequestFault } from './request-fault.ts'
import { REQUEST_FORMATS } from './request-formats.ts'
import { type ReadBody, readSegments } from './segments.ts'

/** Longest request that is read. */
export const MAX_REQUEST_BYTES = 64 * 1024 * 1024

/** A request as far as anybody decides, counts or looks by it. */
export type ReadRequest = ModelRequest & {
  /** base64 pictures in it, and how many bytes of the body they are */
  pictures: number
  pictureBytes: number
  /**
   * it names what nobody here knows the length of: files, URLs, an earlier response, a document
   * that is no text, a tool of the provider's
   */
  refersElsewhere: boolean
  /** tiers, speeds and regions that it asks for, by which prices differ */
  tiers: readonly string[]
  /** of `texts`: those that no earlier request of the session said in the same channel */
  fresh: readonly ChannelText[]
}

export type CallRoute = Pick<ModelRoute, 'api' | 'model' | 'stream' | 'unread'>

/** Fields that say at which price, of all formats. */
const PRICED = ['service_tier', 'serviceTier', 'service-tier', 'speed', 'inference_geo'] as const
/** Those of them by which providers ask for less than the usual price. */
const DISCOUNTED: ReadonlySet<string> = new Set(['service_tier', 'serviceTier'])

/**
 * Models that search the web, or run code, by themselves: of Perplexity, of OpenAI's search and
 * research, of Groq, and any that OpenRouter is asked for in this way.
 */
const SEARCHING =
  /:online\b|(?:^|\/)sonar\b|search-preview|search-api|deep-research|(?:^|\/)compound\b/i

/** A request by itself: all of it is fresh. */
export function readModelRequest(route: CallRoute, body: Buffer): ReadRequest | Malformed {
  return orMalformed(() => {
    refuseUnread(route, body)
    const read = readSegments(route.api, body)
    const request = assemble(route, read)
    return { ...request, fresh: request.texts }
  })
}

/** @throws RequestFault for what is refused before it is read */
export function refuseUnread({ unread }: CallRoute, body: Buffer): void {
  if (unread !== null) throw new RequestFault(unread)
  if (body.length > MAX_REQUEST_BYTES) {
    throw new RequestFault(`a request of more than ${MAX_REQUEST_BYTES} bytes`)
  }
}

export function orMalformed(read: () => ReadRequest): ReadRequest | Malformed {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error
    return { kind: 'malformed', reason: error.message }
  }
}

/** @throws RequestFault for fields that have no meaning */
export function assemble(
  { api, model: inPath, stream: byPath }: CallRoute,
  { segments, members }: ReadBody,
): Omit<ReadRequest, 'fresh'> {
  const asked = REQUEST_FORMATS[api].settle(members)
  const model = inPath ?? asked.model
  // an Azure deployment's name is the account's own; in these paths it is the model's
  if (api === 'messages' && asked.model !== null && asked.model !== model) {
    throw new RequestFault('another model than its path names')
  }
  if (model === null) throw new RequestFault('a request that names no model')
  const said = gather(segments)
  if (SEARCHING.test(model)) {
    said.tools.push({ name: model.slice(0, 256), type: 'web_search', isServerSide: true })
  }
  return {
    kind: 'read',
    api,
    model,
    stream: byPath ?? asked.stream,
    maxOutputTokens: asked.maxOutputTokens,
    tiers: tiersIn(api, members),
    ...said,
    // what such a tool finds is part of the prompt
    refersElsewhere: said.refersElsewhere || said.tools.some(({ isServerSide }) => isServerSide),
  }
}

/**
 * What its fields ask for. A provider reads past a field that its format does not know, and charges as
 * ever: the usual tier stands beside it, so that it may only raise the price.
 */
function tiersIn(api: CallRoute['api'], members: ReadBody['members']): string[] {
  const { known } = REQUEST_FORMATS[api]
  return PRICED.flatMap((name) => {
    const tier = members.get(name)
    if (typeof tier !== 'string') return []
    return known.has(name) && DISCOUNTED.has(name) ? [tier] : [tier, 'standard']
  })
}

function gather(segments: readonly Segment[]) {
  const said = {
    texts: new Array<ChannelText>(),
    tools: new Array<OfferedTool>(),
    unsupported: new Array<ModelRequest['unsupported'][number]>(),
    pictures: 0,
    pictureBytes: 0,
    refersElsewhere: false,
  }
  for (const { piece } of segments) {
    for (const text of piece.texts) said.texts.push(text)
    for (const tool of piece.tools) said.tools.push(tool)
    for (const type of piece.unsupported) said.unsupported.push(type)
    said.pictures += piece.pictures
    said.pictureBytes += piece.pictureBytes
    said.refersElsewhere ||= piece.refersElsewhere
  }
  return said
}
