import type { HttpRequestAction, ModelApi } from '../core/action.ts'
import type { ModelOperation, PathRoute, ProviderForm } from './provider-path.ts'

const METHOD = /\/([^/:]+)\/([^/:]+):([A-Za-z]+)$/
const PUBLISHER = /\/publishers\/(?<publisher>[^/]+)\/models\/[^/]+$/

type Method = {
  operation: ModelOperation
  api?: ModelApi
  stream?: boolean
  /** of whose models, on Vertex: others speak a format of their own */
  publisher?: string
}

/** Of lower-case names, since a careless server may take any. */
const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['generatecontent', { operation: 'generate', stream: false, publisher: 'google' }],
  ['streamgeneratecontent', { operation: 'generate', stream: true, publisher: 'google' }],
  ['rawpredict', { operation: 'generate', api: 'messages', stream: false, publisher: 'anthropic' }],
  [
    'streamrawpredict',
    { operation: 'generate', api: 'messages', stream: true, publisher: 'anthropic' },
  ],
  ['counttokens', { operation: 'count-tokens' }],
  ['computetokens', { operation: 'count-tokens' }],
  ['embedcontent', { operation: 'embeddings' }],
  ['batchembedcontents', { operation: 'embeddings' }],
  ['asyncbatchembedcontent', { operation: 'embeddings' }],
  ['batchgeneratecontent', { operation: 'batches' }],
])

const UNKNOWN: Method = { operation: 'generate', publisher: 'nobody' }

/** What `models/name:method` asks, of the Gemini API and of Vertex (google.aip.dev/136). */
export function readGoogleMethod(
  { path, query }: Pick<HttpRequestAction, 'path' | 'query'>,
  { api, flavour }: ProviderForm,
): PathRoute | undefined {
  if (api !== 'gemini' && flavour !== 'vertex') return undefined
  const plain = path.replaceAll('%3A', ':')
  const found = METHOD.exec(plain)
  if (found === null) return readWrapped(plain)
  const [, kind = '', model = '', method = ''] = found
  const name = kind === 'models' ? model : `${kind}/${model}`
  const { publisher } = PUBLISHER.exec(plain)?.groups ?? {}
  return { ...routeOf(method.toLowerCase(), publisher, query), model: decodeName(name) }
}

/** A client with a login of Google's wraps its requests: `/v1internal:generateContent`. */
function readWrapped(path: string): PathRoute | undefined {
  if (!/:(?:stream)?generate[a-z]+$/i.test(path)) return undefined
  return { api: 'gemini', operation: 'generate', model: null, stream: null, unread: OTHER_FORMAT }
}

const OTHER_FORMAT = 'a format of model calls that nobody here reads'

function routeOf(method: string, publisher: string | undefined, query: string | null): PathRoute {
  const known = METHODS.get(method) ?? UNKNOWN
  const { operation, api = 'gemini', stream = null, publisher: of } = known
  const isOther = of !== undefined && of !== (publisher ?? 'google')
  const unread = isOther ? OTHER_FORMAT : operation === 'generate' ? unreadReply(query) : null
  return { api, operation, stream, model: null, unread }
}

/** Google writes the same reply as JSON, as events, as protobuf or wrapped in a script. */
function unreadReply(query: string | null): string | null {
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    const plain = name.toLowerCase().replace(/^\$/, '')
    if (plain === 'callback') return 'a reply that is wrapped in a script'
    if (plain === 'alt' && value !== 'sse' && value !== 'json') {
      return 'a reply that is neither JSON nor events'
    }
  }
  return null
}

/** A path segment as it is meant; as it stands where its escapes are no UTF-8. */
export function decodeName(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return segment
  }
}
